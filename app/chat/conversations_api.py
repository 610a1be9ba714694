"""The JSON API of conversations: the caller's own only."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.chat import asking, schemas
from app.chat import conversations as conversation_actions
from app.chat.api import bp, get_chat, give_json, read_body
from app.models.branch import get_branch
from app.models.conversation import get_conversation, list_conversations, list_folders


@bp.get("/conversations")
def conversations() -> ResponseReturnValue:
    """List the caller's conversations, a page at a time, without their messages."""
    place = schemas.parse_cursor(request.args.get("cursor"))
    page = list_conversations(current_user.id, schemas.parse_wanted(request.args), place)
    listed = [schemas.conversation_json(one) for one in page.conversations]
    return give_json({"conversations": listed, "next": schemas.cursor_of(page.next)})


@bp.get("/conversations/folders")
def folders() -> ResponseReturnValue:
    """List the caller's folders, by name."""
    return give_json({"folders": [folder._asdict() for folder in list_folders(current_user.id)]})


@bp.post("/conversations")
def create_conversation() -> ResponseReturnValue:
    """Create an empty conversation."""
    made = conversation_actions.create_conversation(current_user.id, read_body(schemas.ConversationBody))
    return give_json(schemas.conversation_json(made), 201)


@bp.get("/conversations/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Give a conversation with the messages of its newest branch, or of the one through `leaf`."""
    found = get_conversation(current_user.id, conversation_id)
    wanted = schemas.parse_branch_query(request.args)
    branch = get_branch(found, through=wanted.leaf, before=wanted.before, after=wanted.after, limit=wanted.limit)
    return give_json({**schemas.conversation_json(found), **schemas.branch_json(branch)})


@bp.get("/conversations/<uuid:conversation_id>/context")
def context(conversation_id: UUID) -> ResponseReturnValue:
    """Say how full the model's context is."""
    found = get_conversation(current_user.id, conversation_id)
    wanted = schemas.parse_context_query(request.args)
    defaults = schemas.read_defaults(current_user.chat_defaults)
    return give_json(asking.measure(get_chat(), found, wanted, defaults) or {})


@bp.patch("/conversations/<uuid:conversation_id>")
def change_conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Change what the body names: title, settings, pinned, archived, folder."""
    body = read_body(schemas.ConversationBody)
    return give_json(
        schemas.conversation_json(conversation_actions.change_conversation(current_user.id, conversation_id, body))
    )


@bp.delete("/conversations/<uuid:conversation_id>")
def delete_conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Delete a conversation."""
    conversation_actions.delete_conversation(get_chat(), current_user.id, conversation_id)
    return Response(status=204)

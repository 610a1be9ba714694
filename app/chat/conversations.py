"""What happens to conversations; each function is one transaction."""

from __future__ import annotations

from uuid import UUID

from msgspec import to_builtins

from app.chat.asking import Chat
from app.chat.schemas import ConversationBody
from app.errors import InvalidField
from app.extensions import db
from app.models.conversation import Conversation, get_conversation
from app.models.message import list_running


def create_conversation(user_id: UUID, body: ConversationBody) -> Conversation:
    """Create an empty conversation."""
    conversation = Conversation(user_id=user_id, title="", system_prompt="")
    _change(conversation, body)
    db.session.add(conversation)
    db.session.commit()
    return conversation


def change_conversation(user_id: UUID, conversation_id: UUID, body: ConversationBody) -> Conversation:
    """Change what the body names; raises NotFound, InvalidField."""
    conversation = get_conversation(user_id, conversation_id)
    if body.title is not None and not body.title.strip():
        raise InvalidField("title", "Give the conversation a title.")
    _change(conversation, body)
    db.session.commit()
    return conversation


def _change(conversation: Conversation, body: ConversationBody) -> None:
    if body.title is not None:
        conversation.title = " ".join(body.title.split())
    if body.system_prompt is not None:
        conversation.system_prompt = body.system_prompt.strip()
    if body.model is not None:
        conversation.model = body.model or None
    if body.options is not None:  # as a whole, so that one can be taken back
        conversation.options = to_builtins(body.options)
    if body.pinned is not None:
        conversation.pinned = body.pinned
    if body.archived is not None:
        conversation.archived = body.archived
    if body.folder is not None:
        conversation.folder = " ".join(body.folder.split())


def delete_conversation(chat: Chat, user_id: UUID, conversation_id: UUID) -> None:
    """Delete a conversation with all its messages, and stop what is being written in it; raises NotFound."""
    conversation = get_conversation(user_id, conversation_id)
    for message_id in list_running(conversation.id):
        chat.engine.stop(message_id)
    db.session.delete(conversation)
    db.session.commit()

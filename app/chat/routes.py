"""The pages of the chat."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import public
from app.chat.schemas import parse_branch_query
from app.models.branch import PAGE_MESSAGES, Branch, get_branch
from app.models.conversation import Conversation, get_conversation, list_conversations

bp = Blueprint("chat", __name__)


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """Lead to the chat, or to the door."""
    return redirect(url_for("chat.new_chat" if current_user.is_authenticated else "auth.login"))


@bp.get("/chat")
def new_chat() -> ResponseReturnValue:
    """Show an empty conversation; nothing is saved before the first message."""
    return _page(None, Branch())


@bp.get("/chat/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Show the newest part of a conversation, or what comes `before` a message; of the branch through `leaf`."""
    shown = get_conversation(current_user.id, conversation_id)
    wanted = parse_branch_query(request.args)
    return _page(shown, get_branch(shown, through=wanted.leaf, before=wanted.before, limit=PAGE_MESSAGES))


def _page(shown: Conversation | None, branch: Branch) -> str:
    listed = list_conversations(current_user.id)
    return render_template("chat/chat.html", conversation=shown, branch=branch, conversations=listed)

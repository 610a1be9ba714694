"""The pages of the chat."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import public
from app.models.conversation import get_conversation, list_conversations
from app.models.message import list_messages

bp = Blueprint("chat", __name__)


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """Lead to the chat, or to the door."""
    return redirect(url_for("chat.new_chat" if current_user.is_authenticated else "auth.login"))


@bp.get("/chat")
def new_chat() -> ResponseReturnValue:
    """Show an empty conversation; nothing is saved before the first message."""
    listed = list_conversations(current_user.id).conversations
    return render_template("chat/chat.html", conversation=None, messages=[], conversations=listed)


@bp.get("/chat/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Show a conversation."""
    shown = get_conversation(current_user.id, conversation_id)
    listed = list_conversations(current_user.id).conversations
    messages = list_messages(shown.id)
    return render_template("chat/chat.html", conversation=shown, messages=messages, conversations=listed)

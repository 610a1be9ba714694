"""The pages of the chat."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import public
from app.chat import schemas, sidebar
from app.models.conversation import Wanted, get_conversation
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
    place = schemas.parse_cursor(request.args.get("cursor"))
    shown = sidebar.show(current_user.id, schemas.parse_wanted(request.args), place)
    return render_template("chat/chat.html", conversation=None, messages=[], sidebar=shown)


@bp.get("/chat/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Show a conversation."""
    found = get_conversation(current_user.id, conversation_id)
    shown = sidebar.show(current_user.id, Wanted(found.archived, found.folder), None)
    messages = list_messages(found.id)
    return render_template("chat/chat.html", conversation=found, messages=messages, sidebar=shown)

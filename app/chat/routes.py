"""The pages of the chat."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import public
from app.chat import schemas, sidebar
from app.chat.api import find
from app.chat.forms import KEEP_ALIVE
from app.chat.providers.base import RANGES
from app.models.branch import PAGE_MESSAGES, Branch, get_branch, get_branch_around
from app.models.conversation import Wanted, get_conversation
from app.models.passkey import list_blocked_passkeys

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
    q = request.args.get("q", "")
    found = find(q) if q else None
    return _show(conversation=None, branch=Branch(), sidebar=shown, q=q, found=found)


def _show(**shown: Any) -> str:
    """Give the page with what its dialogs offer, and with what the person has to know."""
    blocked = list_blocked_passkeys(current_user.id)  # without a mail server nothing else tells of them
    offers = {"ranges": RANGES, "keep_alive": KEEP_ALIVE, "max_system_prompt": schemas.MAX_SYSTEM_PROMPT}
    return render_template("chat/chat.html", blocked_passkeys=blocked, **offers, **shown)


@bp.get("/chat/<uuid:conversation_id>")
def conversation(conversation_id: UUID) -> ResponseReturnValue:
    """Show the newest part of a conversation, what comes `before` or `after` a message, or what surrounds the one named as `leaf`."""
    found = get_conversation(current_user.id, conversation_id)
    wanted = schemas.parse_branch_query(request.args)
    if wanted.leaf and not (wanted.before or wanted.after):
        branch = get_branch_around(found, wanted.leaf, PAGE_MESSAGES)
    else:
        branch = get_branch(found, through=wanted.leaf, before=wanted.before, after=wanted.after, limit=PAGE_MESSAGES)
    listed = sidebar.show(current_user.id, Wanted(found.archived, found.folder), None)
    return _show(conversation=found, branch=branch, sidebar=listed)

"""What happens to messages that are there; each function is one transaction."""

from __future__ import annotations

from uuid import UUID

from app.chat.asking import Chat
from app.chat.directory import Listing
from app.extensions import db
from app.models.message import get_message


def list_models(chat: Chat) -> tuple[Listing, str | None]:
    """Give what can be picked now, and which one is the default."""
    db.session.commit()  # hold no connection while the models' servers are asked
    return chat.directory.listing(), chat.directory.default()


def stop(chat: Chat, user_id: UUID, message_id: UUID) -> str:
    """End a running answer and give its status; one that another process makes ends a moment later."""
    message = get_message(user_id, message_id)
    if not message.is_running:
        return message.status
    status = chat.engine.stop(message_id)
    if status is not None:
        return status
    message.stop_requested = True
    db.session.commit()
    return "stopped"

"""What happens to messages that are there; each function is one transaction."""

from __future__ import annotations

from uuid import UUID

from msgspec import to_builtins

from app.chat.asking import Chat
from app.chat.directory import Listing
from app.chat.schemas import ChatDefaults
from app.extensions import db
from app.models.branch import delete_subtree, list_running_below
from app.models.message import get_message
from app.models.user import User


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


def delete_message(chat: Chat, user_id: UUID, message_id: UUID) -> None:
    """Delete a message with everything below it, and stop what is being written there; raises NotFound."""
    message = get_message(user_id, message_id)
    for running_id in list_running_below(message.id):
        chat.engine.stop(running_id)
    delete_subtree(message.id)
    db.session.commit()


def save_defaults(user: User, defaults: ChatDefaults) -> None:
    """Keep what a person set for conversations without settings of their own."""
    user.chat_defaults = to_builtins(defaults)
    db.session.commit()

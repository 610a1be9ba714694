"""What happens to conversations and messages that are there; each function is one transaction."""

from __future__ import annotations

from uuid import UUID

from msgspec import to_builtins

from app.chat.asking import Chat
from app.chat.directory import Listing
from app.chat.schemas import ChatDefaults, ConversationBody
from app.errors import InvalidField
from app.extensions import db
from app.models.branch import delete_subtree, list_running_below
from app.models.conversation import Conversation, get_conversation
from app.models.message import get_message, list_running
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


def create_conversation(user_id: UUID, body: ConversationBody) -> Conversation:
    """Create an empty conversation."""
    conversation = Conversation(user_id=user_id, title=body.title or "")
    _settle(conversation, body)
    db.session.add(conversation)
    db.session.commit()
    return conversation


def change_conversation(user_id: UUID, conversation_id: UUID, body: ConversationBody) -> Conversation:
    """Change the title or the settings; raises NotFound, InvalidField."""
    conversation = get_conversation(user_id, conversation_id)
    if body.title is not None:
        conversation.title = " ".join(body.title.split())
        if not conversation.title:
            raise InvalidField("title", "Give the conversation a title.")
    _settle(conversation, body)
    db.session.commit()
    return conversation


def _settle(conversation: Conversation, body: ConversationBody) -> None:
    """Take over the settings that a body names; the options as a whole, so that one can be taken back."""
    conversation.system_prompt = conversation.system_prompt or ""
    if body.system_prompt is not None:
        conversation.system_prompt = body.system_prompt.strip()
    if body.model is not None:
        conversation.model = body.model or None
    if body.options is not None:
        conversation.options = to_builtins(body.options)


def save_defaults(user: User, defaults: ChatDefaults) -> None:
    """Keep what a person set for conversations without settings of their own."""
    user.chat_defaults = to_builtins(defaults)
    db.session.commit()


def delete_conversation(chat: Chat, user_id: UUID, conversation_id: UUID) -> None:
    """Delete a conversation with all its messages, and stop what is being written in it; raises NotFound."""
    conversation = get_conversation(user_id, conversation_id)
    for message_id in list_running(conversation.id):
        chat.engine.stop(message_id)
    db.session.delete(conversation)
    db.session.commit()

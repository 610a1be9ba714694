"""What happens to conversations and messages; each function is one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from app.chat import history
from app.chat.answers.engine import AnswerEngine
from app.chat.answers.generation import AnswerJob, Generation
from app.chat.answers.store import unfold
from app.chat.directory import Choice, ModelDirectory
from app.chat.providers.base import ChatOptions, ModelRequest
from app.chat.schemas import AskBody, ConversationBody
from app.clock import utcnow
from app.database import new_id
from app.errors import AppError, Conflict, InvalidField
from app.extensions import db
from app.models.conversation import Conversation, get_conversation
from app.models.message import Message, find_newest_message, get_message, get_message_in, list_path, list_running


class Chat(Struct, frozen=True):
    """What answering needs: the engine, the models, and the context length to ask for where nobody knows better."""

    engine: AnswerEngine
    directory: ModelDirectory
    context_length: int
    system_prompt: str


class Asked(Struct, frozen=True):
    """A saved question and its running answer. `kept` names what is there whatever becomes of the answer."""

    generation: Generation
    message_id: UUID
    model: str
    kept: dict[str, object]


def ask(chat: Chat, user_id: UUID, body: AskBody) -> Asked:
    """Save a question and a pending answer, and begin the answer.

    Raises NotFound, Conflict (the answer before is not finished), InvalidField, TooManyRequests, LLMUnavailable.
    """
    if body.question_id is None and body.continue_id is None and not body.message.strip():
        raise InvalidField("message", "Write a message first.")
    chat.engine.check_open(user_id)
    conversation = _conversation_of(user_id, body)
    cut_short = _cut_short(conversation, body.continue_id) if body.continue_id else None
    question = _question_of(conversation, cut_short.parent_id if cut_short else body.question_id, body)
    conversation.title_from(question.content)
    conversation.updated_at = utcnow()
    db.session.commit()  # the question is kept whatever comes: no model may be there to answer it
    kept: dict[str, object] = {"conversation_id": conversation.id, "question_id": question.id}
    try:
        return _answer(chat, conversation, question, cut_short, body, kept)
    except AppError as error:
        error.details = kept
        raise


def _conversation_of(user_id: UUID, body: AskBody) -> Conversation:
    if body.conversation_id is not None:
        return get_conversation(user_id, body.conversation_id)
    if message_id := body.question_id or body.continue_id:
        return get_conversation(user_id, get_message(user_id, message_id).conversation_id)
    conversation = Conversation(id=new_id(), user_id=user_id, title="", system_prompt="")
    db.session.add(conversation)
    return conversation


def _cut_short(conversation: Conversation, message_id: UUID) -> Message:
    answer = get_message_in(conversation, message_id)
    if answer.role != "assistant" or answer.is_running:
        raise InvalidField("continue_id", "Only an answer that has ended can be continued.")
    return answer


def _question_of(conversation: Conversation, question_id: UUID | None, body: AskBody) -> Message:
    if question_id is not None:
        question = get_message_in(conversation, question_id)
        if question.role != "user":
            raise InvalidField("question_id", "Only a question can be answered.")
        return question
    parent = _parent_of(conversation, body.parent_id)
    question = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id if parent else None,
        role="user",
        content=body.message,
    )
    db.session.add(question)
    return question


def _parent_of(conversation: Conversation, parent_id: UUID | None) -> Message | None:
    parent = get_message_in(conversation, parent_id) if parent_id else find_newest_message(conversation.id)
    if parent is not None and parent.is_running:
        raise Conflict("The last answer is still being written. Wait for it, or stop it.")
    return parent


def _answer(
    chat: Chat,
    conversation: Conversation,
    question: Message,
    cut_short: Message | None,
    body: AskBody,
    kept: dict[str, object],
) -> Asked:
    choice = chat.directory.choose(body.model or conversation.model)
    options, context_length = _options(chat, choice, body.options)
    path = list_path((cut_short or question).id, history.MAX_MESSAGES)
    told = history.fit(conversation.system_prompt or chat.system_prompt, path, context_length)
    turns = (*told.turns, history.GO_ON) if cut_short else told.turns
    answer = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=question.id,
        role="assistant",
        status="pending",
        model=choice.model,
        dropped_messages=told.dropped_messages,
        **chat.engine.store.lease(),
    )
    db.session.add(answer)
    if body.model:
        conversation.model = body.model
    request = ModelRequest(choice.model, turns, options)
    prefix = tuple(unfold(cut_short)) if cut_short else ()
    job = AnswerJob(answer.id, conversation.user_id, request, start_event(conversation, answer), prefix)
    db.session.commit()
    return Asked(chat.engine.start(job, choice.provider), job.message_id, choice.model, kept)


def _options(chat: Chat, choice: Choice, wanted: ChatOptions) -> tuple[ChatOptions, int]:
    """Give the options with an explicit context length, within the model's own, so that nobody cuts the history in silence."""
    own = chat.directory.context_length(choice)
    length = wanted.num_ctx or chat.context_length
    length = min(length, own) if own else length
    return ChatOptions(**{**_as_dict(wanted), "num_ctx": length}), length


def _as_dict(options: ChatOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__struct_fields__}


def start_event(conversation: Conversation, answer: Message) -> dict[str, Any]:
    """Give what every follower of an answer is told first."""
    return {
        "conversation_id": conversation.id,
        "message_id": answer.id,
        "question_id": answer.parent_id,
        "model": answer.model,
        "title": conversation.title,
        "dropped_messages": answer.dropped_messages,
    }


def stop(chat: Chat, user_id: UUID, message_id: UUID) -> str:
    """End a running answer, in whichever process it runs; gives the status it has now, without waiting for its end."""
    message = get_message(user_id, message_id)
    if not message.is_running:
        return message.status
    if chat.engine.stop(message_id):
        return "stopped"
    message.stop_requested = True
    db.session.commit()
    return "stopped"


def create_conversation(user_id: UUID, body: ConversationBody) -> Conversation:
    """Create an empty conversation."""
    conversation = Conversation(user_id=user_id, title=body.title or "", system_prompt=body.system_prompt or "")
    db.session.add(conversation)
    db.session.commit()
    return conversation


def change_conversation(user_id: UUID, conversation_id: UUID, body: ConversationBody) -> Conversation:
    """Change the title or the system prompt; raises NotFound, InvalidField."""
    conversation = get_conversation(user_id, conversation_id)
    if body.title is not None:
        conversation.title = " ".join(body.title.split())
        if not conversation.title:
            raise InvalidField("title", "Give the conversation a title.")
    if body.system_prompt is not None:
        conversation.system_prompt = body.system_prompt.strip()
    db.session.commit()
    return conversation


def delete_conversation(chat: Chat, user_id: UUID, conversation_id: UUID) -> None:
    """Delete a conversation with all its messages, and stop what is being written in it; raises NotFound."""
    conversation = get_conversation(user_id, conversation_id)
    for message_id in list_running(conversation.id):
        chat.engine.stop(message_id)
    db.session.delete(conversation)
    db.session.commit()

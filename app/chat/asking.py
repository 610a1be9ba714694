"""Asking: a question is saved together with a pending answer, and the answer begins. One transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.chat import history
from app.chat.answers.engine import AnswerEngine
from app.chat.answers.generation import AnswerJob, Generation
from app.chat.answers.store import unfold
from app.chat.directory import Choice, ModelDirectory
from app.chat.providers.base import ChatOptions, ModelRequest
from app.chat.schemas import AskBody, ChatDefaults, ContextQuery, merge_options
from app.clock import utcnow
from app.database import new_id
from app.errors import AppError, Conflict, InvalidField
from app.extensions import db
from app.models.conversation import Conversation, get_conversation
from app.models.message import Message, find_newest_message, get_message, get_message_in, list_said

NO_DEFAULTS = ChatDefaults()


class Chat(Struct, frozen=True):
    """What answering needs: the engine, the models, the most context to ask for, and the system prompt of whoever has no own."""

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


class _Topic(Struct, frozen=True):
    """What is to be answered: a question, or an answer to it that ended too early and is to be continued."""

    conversation: Conversation
    question: Message
    cut_short: Message | None


class _Means(Struct, frozen=True):
    """Who answers, with which options; `context_length` in tokens."""

    choice: Choice
    options: ChatOptions
    context_length: int
    system_prompt: str


def ask(chat: Chat, user_id: UUID, body: AskBody, defaults: ChatDefaults = NO_DEFAULTS) -> Asked:
    """Save a question and a pending answer, and begin the answer.

    Raises NotFound, Conflict (the answer before is not finished), InvalidField, TooManyRequests, Unavailable; and LLMUnavailable where
    no model can answer: the question is kept then, and the error's details name it.
    """
    if not (body.message.strip() or body.question_id or body.continue_id):
        raise InvalidField("message", "Write a message first.")
    chat.engine.check_open(user_id)
    conversation = _find_conversation(user_id, body)
    wishes = _find_wishes(body, conversation, defaults)
    db.session.commit()  # hold no connection while the models' servers are asked
    means = _find_means(chat, wishes)
    topic = _find_topic(user_id, body, conversation)
    kept: dict[str, object] = {"conversation_id": topic.conversation.id, "question_id": topic.question.id}
    if isinstance(means, AppError):
        db.session.commit()
        means.details |= kept
        raise means
    job = _save_answer(chat, topic, means, body)
    return Asked(chat.engine.start(job, means.choice.provider), job.message_id, means.choice.model, kept)


def _find_conversation(user_id: UUID, body: AskBody) -> Conversation | None:
    if body.conversation_id is not None:
        return get_conversation(user_id, body.conversation_id)
    if message_id := body.question_id or body.continue_id or body.edit_id or body.parent_id:
        return get_conversation(user_id, get_message(user_id, message_id).conversation_id)
    return None


def _find_wishes(body: AskBody, conversation: Conversation | None, defaults: ChatDefaults) -> ChatDefaults:
    """Give what is wanted of this answer: the question's own wins over the conversation's, and that over the person's defaults."""
    own = conversation or Conversation(system_prompt="", options={})
    return ChatDefaults(
        model=body.model or own.model or defaults.model,
        system_prompt=own.system_prompt or defaults.system_prompt,
        options=merge_options(defaults.options, own.options, body.options),
    )


def _find_means(chat: Chat, wishes: ChatDefaults) -> _Means | AppError:
    """Give who answers, or why nobody can."""
    try:
        choice = chat.directory.choose(wishes.model or None)
    except AppError as error:
        return error
    own = chat.directory.context_length(choice)
    # Explicit, and within the model's own, so that nobody cuts the history in silence; no more than the administrator allows.
    length = min(wishes.options.num_ctx or chat.context_length, chat.context_length, own or chat.context_length)
    return _Means(choice, replace(wishes.options, num_ctx=length), length, wishes.system_prompt or chat.system_prompt)


def _find_topic(user_id: UUID, body: AskBody, conversation: Conversation | None) -> _Topic:
    """Give what is to be answered; a new question is added, and a new conversation where there is none."""
    if conversation is None:
        conversation = Conversation(id=new_id(), user_id=user_id, title="", system_prompt="")
        conversation.title_from(body.message)
        db.session.add(conversation)
        return _Topic(conversation, _new_question(conversation, None, body), None)
    conversation.updated_at = utcnow()
    db.session.flush()  # from here on the conversation is locked: of two questions at once the second one sees the first
    cut_short = _cut_short(conversation, body.continue_id) if body.continue_id else None
    question_id = cut_short.parent_id if cut_short else body.question_id
    if question_id:
        question = _kept_question(conversation, question_id)
    else:
        question = _new_question(conversation, _find_parent(conversation, body), body)
    conversation.title_from(question.content)
    return _Topic(conversation, question, cut_short)


def _cut_short(conversation: Conversation, message_id: UUID) -> Message:
    answer = get_message_in(conversation, message_id)
    if answer.role != "assistant" or answer.is_running:
        raise InvalidField("continue_id", "Only an answer that has ended can be continued.")
    return answer


def _kept_question(conversation: Conversation, question_id: UUID, field: str = "question_id") -> Message:
    question = get_message_in(conversation, question_id)
    if question.role != "user":
        raise InvalidField(field, "That is an answer; name a question.")
    return question


def _find_parent(conversation: Conversation, body: AskBody) -> Message | None:
    """Give what the new question follows, or None when it is to be the first."""
    if body.edit_id:
        above = _kept_question(conversation, body.edit_id, "edit_id").parent_id
        return get_message_in(conversation, above) if above else None
    parent = get_message_in(conversation, body.parent_id) if body.parent_id else find_newest_message(conversation.id)
    if parent is not None and parent.is_running:
        raise Conflict("The last answer is still being written. Wait for it, or stop it.")
    return parent


def _new_question(conversation: Conversation, parent: Message | None, body: AskBody) -> Message:
    question = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=parent.id if parent else None,
        depth=parent.depth + 1 if parent else 0,
        role="user",
        content=body.message,
    )
    db.session.add(question)
    return question


def _save_answer(chat: Chat, topic: _Topic, means: _Means, body: AskBody) -> AnswerJob:
    """Save the pending answer, and give the work that it means."""
    conversation, question, cut_short = topic.conversation, topic.question, topic.cut_short
    leaf = cut_short or question
    path = _list_said(leaf, means) if leaf.parent_id else [leaf]
    told = history.fit(means.system_prompt, path, means.context_length)
    answer = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=question.id,
        depth=question.depth + 1,
        role="assistant",
        status="pending",
        model=means.choice.model,
        dropped_messages=told.dropped_messages,
        **chat.engine.store.lease(),
    )
    db.session.add(answer)
    if not (body.question_id or body.continue_id):  # another model may be asked for one answer
        conversation.model = body.model or conversation.model
    db.session.commit()
    turns = (*told.turns, history.GO_ON) if cut_short else told.turns
    request = ModelRequest(means.choice.model, turns, means.options)
    start = start_event(conversation, answer)
    if cut_short is None:
        return AnswerJob(answer.id, conversation.user_id, request, start)
    prefix = tuple(unfold(cut_short))
    return AnswerJob(answer.id, conversation.user_id, request, start, prefix, cut_short.thinking_ms)


def _list_said(leaf: Message, means: _Means) -> Sequence[history.Said]:
    """Give the messages down to a leaf, as many as may fit: what is known not to fit is not even read."""
    return list_said(leaf.id, history.MAX_TOLD, history.CHARACTERS_PER_TOKEN * means.context_length)


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


def measure(
    chat: Chat, conversation: Conversation, wanted: ContextQuery, defaults: ChatDefaults
) -> dict[str, Any] | None:
    """Give how full the model's context is with a branch, or None while nobody can tell.

    Counted by the model's server where the last answer says so, else estimated as the next question would be.
    """
    leaf = get_message_in(conversation, wanted.leaf) if wanted.leaf else find_newest_message(conversation.id)
    wishes = _find_wishes(AskBody(model=wanted.model or None), conversation, defaults)
    db.session.commit()  # hold no connection while the models' servers are asked
    means = _find_means(chat, wishes)
    if isinstance(means, AppError):
        return None
    path = _list_said(leaf, means) if leaf else []
    told = history.fit(means.system_prompt, path, means.context_length)
    estimate = sum(history.estimate_tokens(turn.content) for turn in told.turns)
    counted = (leaf.prompt_tokens or 0) + (leaf.completion_tokens or 0) if leaf and leaf.prompt_tokens else None
    return {
        "model": means.choice.model,
        "context_length": means.context_length,
        "used_tokens": estimate if counted is None else counted,
        "is_estimate": counted is None,
        "dropped_messages": told.dropped_messages,
        "room": told.room,
    }

"""Titles by the model: after the first answer of a conversation, when nobody waits for anything.

One at a time, and only while no process makes an answer; where one begins meanwhile, the title gives way and is tried again later.
A conversation is called by its question's first words until then, and keeps them where the model has nothing better to say. A title
that a person gave is never overwritten: the new one replaces those very first words, or nothing.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.chat.answers.engine import Attendant
from app.chat.answers.generation import Generation
from app.chat.answers.store import AnswerStore
from app.chat.providers.base import AnswerStream, ModelRequest, Provider, Text, Turn
from app.errors import AppError
from app.models.conversation import TITLE_LENGTH, Conversation, shorten
from app.models.message import IS_RUNNING, Message

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 0.5
MAX_TRIES = 5
MAX_WAITING = 100
MAX_TOKENS = 200  # a model that thinks has to get through its thoughts
MAX_LENGTH = 60
EXCERPT = 600
AROUND = " \t\"'“”„«»‘’「」『』-–—"
PROMPT = """\
Write a short title for this conversation, at most six words, in the language of the question. Answer with the title alone.

Question: {question}

Answer: {answer}"""


class TitleJob(Struct):
    """A conversation that may get a title: the answer that was its first, and who made it."""

    message_id: UUID
    request: ModelRequest
    provider: Provider
    tries: int = 0


class _Topic(Struct, frozen=True):
    conversation_id: UUID
    title: str
    question: str
    answer: str


class Titler(Attendant):
    """Writes the titles of the conversations whose first answers this process makes."""

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._jobs: deque[TitleJob] = deque(maxlen=MAX_WAITING)
        self._stream: AnswerStream | None = None
        self._gave_way = False
        self._wanted = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def answer_began(self) -> None:
        """Give way: a person waits."""
        self._gave_way = True
        if stream := self._stream:
            stream.close()

    def answer_ended(self, generation: Generation) -> None:
        """Line up a title, where the answer ended as it should."""
        outcome = generation.log.outcome
        if self._closing or outcome is None or outcome.status != "complete":
            return
        self._jobs.append(TitleJob(generation.job.message_id, generation.job.request, generation.provider))
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work_forever, name="titles", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; what has no title yet keeps its first words."""
        self._closing = True
        self._wanted.set()
        if stream := self._stream:
            stream.close()
        if self._thread:
            self._thread.join()

    def _work_forever(self) -> None:
        pause = threading.Event()
        while not self._closing:
            self._wanted.wait()
            self._wanted.clear()
            while self._jobs and not self._closing:
                job = self._jobs.popleft()
                if not self._try(job):
                    self._jobs.append(job)
                    pause.wait(PAUSE_SECONDS)

    def _try(self, job: TitleJob) -> bool:
        """Write a title; tells whether that is done with, one way or the other."""
        job.tries += 1
        try:
            self._gave_way = False
            if self._store.transact(_is_anybody_waiting):
                job.tries -= 1  # that costs nothing
                return False
            topic = self._store.transact(lambda connection: _find_topic(connection, job.message_id))
            title = clean(self._ask(job, topic)) if topic else ""
            if self._gave_way:
                return job.tries >= MAX_TRIES
            if topic and title:
                self._store.transact(lambda connection: _rename(connection, topic, title))
        except (AppError, SQLAlchemyError) as error:  # then it keeps its first words
            logger.info("no title for %s: %s", job.message_id, type(error).__name__)
        return True

    def _ask(self, job: TitleJob, topic: _Topic) -> str:
        said = PROMPT.format(question=topic.question[:EXCERPT], answer=topic.answer[:EXCERPT])
        options = replace(
            job.request.options, num_predict=MAX_TOKENS, stop=None
        )  # num_ctx stays: another one would load the model anew
        self._stream = job.provider.chat(ModelRequest(job.request.model, (Turn("user", said),), options, "title"))
        try:
            if self._gave_way or self._closing:
                return ""
            return "".join(event.content for event in self._stream if isinstance(event, Text))
        finally:
            self._stream.close()
            self._stream = None


def clean(said: str) -> str:
    """Give the title in what a model said: the first line with words in it, without quotes and markup; empty where there is none."""
    said = re.sub(r"<think>.*?(</think>|$)", "", said, flags=re.DOTALL)
    for line in said.splitlines():
        bare = re.sub(r"[*_`#>|]+", "", line)
        bare = re.sub(r"^\s*(title|titel|titre|título|titolo)\s*:\s*", "", bare, flags=re.IGNORECASE)
        bare = bare.strip(AROUND).rstrip(".。").strip(AROUND)
        if bare:
            return shorten(bare, MAX_LENGTH)
    return ""


def _is_anybody_waiting(connection: Connection) -> bool:
    return connection.scalar(select(Message.id).where(IS_RUNNING).limit(1)) is not None


def _find_topic(connection: Connection, message_id: UUID) -> _Topic | None:
    """Give what the conversation is about, if this is its first whole answer and it is still called by its first words."""
    found = select(Conversation.id, Conversation.title, Message.content, Message.parent_id)
    found = found.join(Conversation, Conversation.id == Message.conversation_id).where(Message.id == message_id)
    row = connection.execute(found).first()
    if row is None:
        return None
    question: Any = connection.execute(
        select(Message.content, Message.parent_id).where(Message.id == row.parent_id)
    ).first()
    if question is None or question.parent_id is not None or _is_answered_before(connection, row.id, message_id):
        return None
    if row.title != shorten(question.content, TITLE_LENGTH):
        return None
    return _Topic(row.id, row.title, question.content, row.content)


def _is_answered_before(connection: Connection, conversation_id: UUID, message_id: UUID) -> bool:
    """Tell whether an older answer is whole; newer ones, and those that broke off, leave the title to this one."""
    whole = (Message.conversation_id == conversation_id, Message.role == "assistant", Message.status == "complete")
    return connection.scalar(select(Message.id).where(*whole, Message.id < message_id).limit(1)) is not None


def _rename(connection: Connection, topic: _Topic, title: str) -> None:
    same = (Conversation.id == topic.conversation_id, Conversation.title == topic.title)
    connection.execute(update(Conversation).where(*same).values(title=title))

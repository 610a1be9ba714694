"""One running answer: reads the model's events to their end, whoever listens and whoever leaves.

Takes ids and plain data only; never sees a request, a session or an ORM object.
"""

from __future__ import annotations

import logging
import threading
import time
from itertools import groupby
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.json import Encoder
from sqlalchemy.exc import SQLAlchemyError

from app.chat.answers.log import AnswerLog, Delta, Kind, Outcome, Queued
from app.chat.answers.store import INTERRUPTED, AnswerStore
from app.chat.providers.base import (
    AnswerStream,
    Connected,
    End,
    Event,
    ModelRequest,
    Provider,
    PushStream,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError

logger = logging.getLogger(__name__)
CONNECT_PATIENCE_SECONDS = 7.0
REFUSAL_PATIENCE_SECONDS = 0.3
SAVE_TRIES = 3
NOT_SAVED = "The answer could not be saved yet, the database does not answer. Copy what you need; it is tried again."
MAX_ANSWER = 1_000_000
encode_lines = Encoder().encode_lines


class AnswerJob(Struct, frozen=True):
    """What is to be answered.

    `start` is what every follower is told first, `prefix` the text of the answer that this one continues, `thinking_ms` how long that
    one thought.
    """

    message_id: UUID
    user_id: UUID
    request: ModelRequest
    start: dict[str, Any]
    prefix: tuple[Delta, ...] = ()
    thinking_ms: int | None = None


class Generation:
    """Makes one answer; `run` returns when the answer has ended and is saved."""

    def __init__(self, job: AnswerJob, provider: Provider, store: AnswerStore) -> None:
        self.job = job
        self.provider = provider
        self.log = AnswerLog()
        for delta in job.prefix:
            self.log.append(delta.kind, delta.text)
        self.flushed = 0
        self.finishing = False
        self.refusal: AppError | None = None
        self.unsaved: Outcome | None = None  # the end, as long as the database did not take it
        self._store = store
        self._stream: AnswerStream = provider.chat(job.request)
        self._stopping = False
        self._interrupted = False
        self._end: End | None = None
        self._connected = threading.Event()
        self._settled = threading.Event()
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._thinking_ms = job.thinking_ms
        self._kind: Kind | None = None  # what it is saying, since `_turned_ms`
        self._turned_ms = 0
        self._usage = Usage(None, None)

    @property
    def is_running(self) -> bool:
        """Whether the answer has not ended yet."""
        return self.log.outcome is None

    def run(self) -> None:
        """Make the answer; whatever happens, it gets an end."""
        self.end(self._make())

    def _make(self) -> AppError | None:
        """Read the model's answer and give what went wrong. A border that may catch everything."""
        self.log.queued = None
        try:
            self._read()
        except AppError as known:
            return known
        except Exception:
            logger.exception("answer %s failed", self.job.message_id)
            return AppError()
        return None

    def wait_in_line(self, place: int, seconds: int) -> None:
        """Tell the followers that others come first."""
        self.log.queued = Queued(place, seconds)
        self._connected.set()
        self._settled.set()
        self.log.wake()

    def stop(self) -> None:
        """End the answer as the reader wishes, and free the model."""
        self._stopping = True
        self._stream.close()

    def interrupt(self) -> None:
        """End the answer because the process ends; the text so far is kept."""
        self._interrupted = True
        self._stream.close()

    def wait_accepted(self) -> None:
        """Return when the model's server began to answer or refused; at the latest some seconds after it took the request."""
        if self._connected.wait(CONNECT_PATIENCE_SECONDS):
            self._settled.wait(REFUSAL_PATIENCE_SECONDS)

    def _read(self) -> None:
        if isinstance(self._stream, PushStream):
            self._stream.pump(self._take)
        else:
            for event in self._stream:
                self._take([event])
        if not self._end and not self._stopping and not self._interrupted:
            raise UpstreamError

    def _take(self, events: list[Event]) -> None:
        """Take what arrived together; on the path of every token, perhaps in the event loop: nothing here blocks."""
        if len(events) == 1 and isinstance(only := events[0], Text):  # as it nearly always is
            self._say("content", only.content)
            return
        for kind, alike in groupby(events, type):  # neighbours of one kind are said in one piece
            if kind is Text:
                self._say("content", "".join([event.content for event in alike if isinstance(event, Text)]))
            elif kind is Reasoning:
                self._say("thinking", "".join([event.content for event in alike if isinstance(event, Reasoning)]))
            elif kind is ToolCall:
                self._say("tools", encode_lines(alike).decode())
            else:
                self._note(list(alike))

    def _note(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Usage():
                    self._usage = event
                case Connected():
                    self._connected.set()
                case End():
                    self._end = event

    def _say(self, kind: Kind, text: str) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()
            self._settled.set()
        if kind != self._kind:
            self._turn_to(kind)
        self.log.append(kind, text.replace("\0", "\ufffd"))  # PostgreSQL can't store NUL
        if self.log.length > MAX_ANSWER:
            raise UpstreamError(f"The answer grew beyond {MAX_ANSWER:,} characters and was ended.")

    def _turn_to(self, kind: Kind | None) -> None:
        """Note when it began to think, and for how long it did when it says something else."""
        now = self._elapsed_ms()
        if self._kind == "thinking":
            self._thinking_ms = (self._thinking_ms or 0) + now - self._turned_ms
        self._kind, self._turned_ms = kind, now

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def end(self, error: AppError | None) -> None:
        """Save the end and tell everybody who follows."""
        self._stream.close()
        outcome = self._outcome(error)
        try:
            outcome = self._save(outcome, error)
        finally:
            self.log.close(outcome)
            self._connected.set()
            self._settled.set()

    def _outcome(self, error: AppError | None) -> Outcome:
        self._turn_to(None)
        usage = {
            "prompt_tokens": self._usage.prompt_tokens,
            "completion_tokens": self._usage.completion_tokens,
            "first_token_ms": self._first_token_ms,
            "duration_ms": self._elapsed_ms(),
            "thinking_ms": self._thinking_ms,
        }
        if self._interrupted:
            return Outcome("interrupted", self.log.length, usage, INTERRUPTED, "interrupted")
        if error and not self._stopping:
            return Outcome("failed", self.log.length, usage, error.sentence, error.code)
        if self._stopping or self._end is None:
            return Outcome("stopped", self.log.length, usage)
        return Outcome("complete", self.log.length, usage, reason=self._end.reason)

    def _save(self, outcome: Outcome, error: AppError | None) -> Outcome:
        """Save the end and give it; where the database fails, give an end that says so. The text reaches the readers anyway."""
        if isinstance(error, LLMUnavailable | ModelNotFound) and outcome.code and self._first_token_ms is None:
            self.refusal = error
        for attempt in range(SAVE_TRIES):
            try:
                self.save(outcome)
            except (SQLAlchemyError, OverflowError) as failure:
                logger.warning("answer %s could not be saved: %s", self.job.message_id, str(failure).partition("\n")[0])
                time.sleep(0.2 * (attempt + 1))
            else:
                return outcome
        self.unsaved = outcome
        return Outcome("failed", outcome.length, outcome.usage, NOT_SAVED, "not_saved")

    def save(self, outcome: Outcome) -> None:
        """Write the end to the database; raises SQLAlchemyError."""
        if self.refusal:
            self._store.discard(self.job.message_id)
        else:
            self._store.finish(self, outcome)
        self.unsaved = None

    def save_late(self) -> None:
        """Write the end that the database did not take when it came; raises SQLAlchemyError. Whoever asks again is told that end."""
        if outcome := self.unsaved:
            self.save(outcome)
            self.log.close(outcome)

"""One running answer: reads the model's events to their end, whoever listens and whoever leaves.

Takes ids and plain data only; never sees a request, a session or an ORM object.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any
from uuid import UUID

from msgspec import Struct
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
MAX_ANSWER = 1_000_000


class AnswerJob(Struct, frozen=True):
    """What is to be answered. `start` is what every follower is told first, `prefix` the text of the answer that this one continues."""

    message_id: UUID
    user_id: UUID
    request: ModelRequest
    start: dict[str, Any]
    prefix: tuple[Delta, ...] = ()


class Generation:
    """Makes one answer; `run` returns when the answer has ended and is saved."""

    def __init__(self, job: AnswerJob, provider: Provider, store: AnswerStore) -> None:
        self.job = job
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
        self._ended = False
        self._connected = threading.Event()
        self._settled = threading.Event()
        self._began = time.monotonic()
        self._first_token_ms: int | None = None
        self._usage = Usage(None, None)

    @property
    def is_running(self) -> bool:
        """Whether the answer has not ended yet."""
        return self.log.outcome is None

    def run(self) -> None:
        """Make the answer. One of the three borders that may catch everything: whatever happens, the answer gets an end."""
        error: AppError | None = None
        self.log.queued = None
        try:
            self._read()
        except AppError as known:
            error = known
        except Exception:
            logger.exception("answer %s failed", self.job.message_id)
            error = AppError()
        self._end(error)

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
        if self._ended:
            return
        if not self._stopping and not self._interrupted:
            raise UpstreamError

    def _take(self, events: list[Event]) -> None:
        """Take what arrived together; on the path of every token, perhaps in the event loop: nothing here blocks."""
        for event in events:
            match event:
                case Text(content):
                    self._say("content", content)
                case Reasoning(content):
                    self._say("thinking", content)
                case Usage():
                    self._usage = event
                case Connected():
                    self._connected.set()
                case End():
                    self._ended = True
                case ToolCall():
                    pass  # not shown yet

    def _say(self, kind: Kind, text: str) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()
            self._settled.set()
        self.log.append(kind, text.replace("\0", "\ufffd"))  # PostgreSQL can't store NUL
        if self.log.length > MAX_ANSWER:
            raise UpstreamError(f"The answer grew beyond {MAX_ANSWER:,} characters and was ended.")

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def _end(self, error: AppError | None) -> None:
        self._stream.close()
        outcome = self._save(self._outcome(error), error)
        self.log.close(outcome)
        self._connected.set()
        self._settled.set()

    def _outcome(self, error: AppError | None) -> Outcome:
        usage = {
            "prompt_tokens": self._usage.prompt_tokens,
            "completion_tokens": self._usage.completion_tokens,
            "first_token_ms": self._first_token_ms,
            "duration_ms": self._elapsed_ms(),
        }
        if self._interrupted:
            return Outcome("interrupted", self.log.length, usage, INTERRUPTED, "interrupted")
        if error and not self._stopping:
            return Outcome("failed", self.log.length, usage, error.sentence, error.code, error.retry_after)
        return Outcome("stopped" if self._stopping else "complete", self.log.length, usage)

    def _save(self, outcome: Outcome, error: AppError | None) -> Outcome:
        """Save the end and give it; where the database fails, give an end that says so. The text reaches the readers anyway."""
        if isinstance(error, LLMUnavailable | ModelNotFound) and outcome.code and self._first_token_ms is None:
            self.refusal = error
        self.unsaved = outcome
        for attempt in range(SAVE_TRIES):
            if self._try_to_save(outcome):
                return outcome
            time.sleep(0.2 * (attempt + 1))
        sentence = "The answer is here, but it could not be saved. Copy what you need."
        return Outcome("failed", outcome.length, outcome.usage, sentence, "not_saved")

    def save_late(self) -> bool:
        """Save what could not be saved when the answer ended; gives whether that is done."""
        outcome = self.unsaved
        if outcome and self._try_to_save(outcome):
            self.log.close(outcome)
        return self.unsaved is None

    def _try_to_save(self, outcome: Outcome) -> bool:
        try:
            if self.refusal:
                self._store.discard(self.job.message_id)
            else:
                self._store.finish(self, outcome)
        except SQLAlchemyError as error:
            logger.warning("answer %s could not be saved: %s", self.job.message_id, str(error).partition("\n")[0])
            return False
        self.unsaved = None
        return True

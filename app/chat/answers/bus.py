"""What the processes of one installation tell each other at once. The database says the same a little later, and is always right.

Every event id is a position in the answer's text, so overlaps and gaps show: what comes twice is cut, what is missing is read from
the database. So a bus may lose, repeat and delay whatever it likes, and it may be away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from app.chat.answers.log import AnswerLog, Delta, Queued, cut

MAX_HEARD = 256 * 1024


class Answering(Protocol):
    """What a bus needs of the engine."""

    def find_log(self, message_id: UUID) -> AnswerLog | None:
        """Give the log of an answer of this process."""
        ...

    def stop(self, message_id: UUID) -> str | None:
        """End an answer of this process and wait until it has ended."""
        ...

    def close_sessions(self, session_ids: set[UUID]) -> None:
        """End every connection of these signed-in browsers to this process."""
        ...


class Line:
    """What one follower hears of an answer that another process makes: in order, without gaps, bounded.

    When it missed something, or its reader is too slow, it goes deaf: the reader goes on in the database, and then it listens again
    from where the reader is.
    """

    def __init__(self, message_id: UUID, position: int, on_return: Callable[[Line], None] | None = None) -> None:
        self.message_id = message_id
        self.position: int | None = position  # after what was heard; None while deaf
        self.queued: Queued | None = None
        self._on_return = on_return
        self._heard: list[Delta] = []
        self._size = 0
        self._should_look = True
        self._news = threading.Event()
        self._lock = threading.Lock()

    def hear(self, delta: Delta) -> None:
        """Take a piece of the text; what is known is left out."""
        with self._lock:
            if self.position is None or delta.end <= self.position:
                return
            self._size += len(delta.text)
            if delta.start > self.position or self._size > MAX_HEARD:
                self._go_deaf()
            else:
                self._heard += cut([delta], self.position)
                self.position = delta.end
        self._news.set()

    def _go_deaf(self) -> None:
        self._heard, self._size, self.position = [], 0, None
        self._should_look = True

    def take(self, position: int) -> list[Delta]:
        """Give what was heard after a position."""
        with self._lock:
            news, self._heard, self._size = cut(self._heard, position), [], 0
            was_deaf = self.position is None
            self.position = max(position, self.position or 0)
        if was_deaf and self._on_return:
            self._on_return(self)
        return news

    def move(self, queued: Queued) -> None:
        """Take the answer's place in the queue."""
        self.queued = queued
        self._news.set()

    def look(self) -> None:
        """Let the reader look into the database now: it knows more."""
        self._should_look = True
        self._news.set()

    def should_look(self) -> bool:
        """Tell once whether there is more in the database than was heard."""
        wanted, self._should_look = self._should_look, False
        return wanted

    def wait(self, timeout: float) -> None:
        """Return when something was heard, or after `timeout` seconds."""
        self._news.wait(timeout)
        self._news.clear()


class Bus(Protocol):
    """Carries text, stops and ends of sessions between processes. No call of it waits for anything."""

    @property
    def is_up(self) -> bool:
        """Whether what other processes say is heard at the moment."""
        ...

    def open(self, engine: Answering) -> None:
        """Begin to listen on behalf of this process; does nothing the second time."""
        ...

    def close(self) -> None:
        """Say what is left to be said, and fall silent."""
        ...

    def follow(self, message_id: UUID, position: int) -> Line:
        """Listen to an answer of another process from a position."""
        ...

    def hang_up(self, line: Line) -> None:
        """Stop listening."""
        ...

    def ask_stop(self, message_id: UUID) -> None:
        """Ask whoever makes an answer to end it."""
        ...

    def tell_sessions_ended(self, session_ids: Iterable[UUID]) -> None:
        """Let the other processes close what belongs to these signed-in browsers."""
        ...


class NoBus:
    """The bus of an installation without REDIS_URL: says nothing, hears nothing."""

    is_up = False

    def open(self, engine: Answering) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def follow(self, message_id: UUID, position: int) -> Line:
        """Give a line on which nothing is ever said."""
        return Line(message_id, position)

    def hang_up(self, line: Line) -> None:
        """Do nothing."""

    def ask_stop(self, message_id: UUID) -> None:
        """Do nothing: the row says it."""

    def tell_sessions_ended(self, session_ids: Iterable[UUID]) -> None:
        """Do nothing: the rows say it."""

"""Following an answer: replay from any position, then live to its end, from this process's memory or from the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol
from uuid import UUID

from app.chat.answers import sse
from app.chat.answers.bus import Bus, Line
from app.chat.answers.direct import DirectWriter
from app.chat.answers.log import AnswerLog, Delta, Outcome, Queued, cut
from app.chat.answers.store import AnswerStore

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 0.25
PORTION = 65_536  # characters: what a slow reader takes later is not copied before
LOOK_SECONDS = 1.0  # how often a silent answer is looked up while its process can be heard


class Source(Protocol):
    """Where a follower reads: an `AnswerLog` of this process, or a `StoredAnswer`."""

    outcome: Outcome | None

    @property
    def queued(self) -> Queued | None:
        """The place in the queue, where it is known."""
        ...

    def after(self, position: int, most: int) -> list[Delta]:
        """Give what is known of the text after a position: about `most` characters, if there are so many."""
        ...

    def wait(self, position: int, timeout: float) -> None:
        """Return when there may be news after a position, or after `timeout` seconds."""
        ...

    def wake(self) -> None:
        """End a wait early."""
        ...


class StoredAnswer:
    """An answer that another process makes, or that has ended: heard over the bus, and read from the database wherever that is silent.

    The end is always read from the database, and with it all text that nobody heard.
    """

    def __init__(self, store: AnswerStore, line: Line, bus: Bus) -> None:
        self.outcome: Outcome | None = None
        self._store = store
        self._line = line
        self._bus = bus
        self._news: list[Delta] = []
        self._look_at = 0.0
        self._woken = False
        self._known_place: Queued | None = None  # when a wait ended the last time

    @property
    def queued(self) -> Queued | None:
        """Its place in the queue; without a bus only the process that makes the answer knows."""
        return self._line.queued

    def after(self, position: int, most: int) -> list[Delta]:
        """Give what the last wait found after a position; that is never much more than `most`."""
        return cut(self._news, position)

    def wait(self, position: int, timeout: float) -> None:
        """Listen and look until there are news, or for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not self._woken:
            self._news = self._line.take(position)
            if not self._news and self._is_time_to_look():
                self._news, self.outcome = self._store.read(self._line.message_id, position, PORTION)
                if self._news and not self.outcome:
                    self._line.look()  # there may be more
            is_news = self.outcome or cut(self._news, position) or self.queued != self._known_place
            self._known_place = self.queued
            if is_news or time.monotonic() > deadline:
                return
            self._line.wait(POLL_SECONDS)

    def _is_time_to_look(self) -> bool:
        now = time.monotonic()
        if not self._line.should_look() and now < self._look_at:
            return False
        self._look_at = now + (LOOK_SECONDS if self._bus.is_up else 0)
        return True

    def wake(self) -> None:
        """End this wait and every further one: whoever wakes it closes the connection."""
        self._woken = True
        self._line.look()


class Follower:
    """One open connection. `session_id` is the signed-in browser it belongs to: when that ends, so does the connection.

    `sock` is where pieces of a running answer may be written directly (see `direct`), or None.
    """

    def __init__(self, source: Source, start: dict[str, Any], session_id: UUID, position: int, sock: Any) -> None:
        self.session_id = session_id
        self._source = source
        self._start = start
        self._position = position
        self._sock = sock
        self._closed = False

    @property
    def is_at_end(self) -> bool:
        """Whether the answer has ended, so that nothing is left but to hand it over."""
        return self._source.outcome is not None

    def close(self) -> None:
        """End the connection soon, from any thread."""
        self._closed = True
        self._source.wake()

    def frames(self) -> Iterator[bytes]:
        """Give the stream: `start`, what was said after the position, what is being said, the end."""
        yield sse.RETRY + sse.frame("start", 0, self._start)
        told: Queued | None = None
        silent_since = time.monotonic()
        while not self._closed:
            before = self._position
            ended = self._source.outcome  # read before the text: what was said before the end is then in it
            for delta in self._source.after(before, PORTION):
                if self._closed:  # writing to a slow reader takes its time, and the session may end meanwhile
                    return
                self._position = delta.end
                yield sse.delta_frame(delta)
            queued = self._source.queued
            if queued and queued != told:  # after the text that a continued answer begins with
                told = queued
                yield sse.queued_frame(queued, self._position)
            if ended and not self._source.after(self._position, 1):
                yield sse.end_frame(str(self._start["message_id"]), ended)
                return
            self._wait(HEARTBEAT_SECONDS)
            if self._position > before:
                silent_since = time.monotonic()
            elif (
                time.monotonic() - silent_since >= HEARTBEAT_SECONDS
            ):  # as long as a proxy may be trusted to be patient
                silent_since = time.monotonic()
                yield sse.HEARTBEAT

    def _wait(self, timeout: float) -> None:
        """Return when there is something to do."""
        if self._closed:  # while the last piece was written
            return
        source = self._source
        # Who claims to be ahead of the text waits for it in the ordinary way: there is nothing to write to them.
        if self._sock and isinstance(source, AnswerLog) and self._position <= source.length:
            self._write_directly(source)
        else:
            source.wait(self._position, timeout)

    def _write_directly(self, log: AnswerLog) -> None:
        """Let the event loop write what is said from here on, until the end, or until the reader is too slow."""
        wakeup = threading.Event()
        writer = DirectWriter(self._sock, self._position, wakeup.set)
        with log.listening(writer, wakeup):
            if log.length == self._position and log.outcome is None and not self._closed:
                wakeup.wait(HEARTBEAT_SECONDS)
        writer.finish()
        self._position = writer.position

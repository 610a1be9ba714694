"""The text of one answer while it is made: append-only, readable from any position by any number of followers.

A position is the number of characters (reasoning, content and the tools asked for, together) before it. One thread writes; setting and
appending to a list are atomic in Python, so readers in other threads need no lock.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from msgspec import Struct

Kind = Literal["content", "thinking", "tools"]  # of tools, each piece is whole lines of JSON
MAX_DELTA = 65_536
JOINED_PIECE = 1024


class Delta(Struct, frozen=True, gc=False):
    """A stretch of text of one kind; `end` is the position after it."""

    kind: Kind
    text: str
    end: int

    @property
    def start(self) -> int:
        """The position before it."""
        return self.end - len(self.text)


class Outcome(Struct, frozen=True):
    """How an answer ended. `length` is its number of characters, `usage` as the API names it.

    `reason` is what the model's server said of an end as it should be: `stop`, or `length` where a limit cut it.
    """

    status: str
    length: int
    usage: dict[str, int | None]
    error: str | None = None
    code: str | None = None
    reason: str | None = None


class Queued(Struct, frozen=True):
    """Where an answer stands in the queue: how many come up to and including it, and how long that is likely to take."""

    place: int
    wait_seconds: int


def cut(deltas: list[Delta], position: int) -> list[Delta]:
    """Give what lies after a position, neighbours of one kind joined to stretches of at most 64 Ki characters."""
    joined: list[Delta] = []
    for delta in deltas:
        if delta.end <= position:
            continue
        text = delta.text[max(0, position - delta.start) :]
        last = joined[-1] if joined else None
        if last and last.kind == delta.kind and len(last.text) + len(text) <= MAX_DELTA:
            joined[-1] = Delta(delta.kind, last.text + text, delta.end)
        else:
            joined.append(Delta(delta.kind, text, delta.end))
    return joined


class Listener(Protocol):
    """Takes pieces the moment they are said. It must neither block nor switch; it gives False when it can take no more."""

    def hear(self, delta: Delta) -> bool:
        """Take a piece."""
        ...


class AnswerLog:
    """Text and end of one answer of this process.

    Pieces of one kind are joined up to a KiB, so that memory goes with the text and not with the number of tokens.
    """

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.queued: Queued | None = None
        self._deltas: list[Delta] = []
        self._ends: list[int] = []
        self._waiting: set[threading.Event] = set()  # for text too
        self._resting: set[threading.Event] = set()  # for all but text
        self._ending = threading.Event()
        self._listeners: tuple[Listener, ...] = ()

    @property
    def length(self) -> int:
        """The number of characters so far."""
        return self._ends[-1] if self._ends else 0

    def append(self, kind: Kind, text: str) -> None:
        """Add a piece, hand it to the listeners and wake the others."""
        deltas, ends = self._deltas, self._ends
        last = deltas[-1] if deltas else None
        delta = Delta(kind, text, (last.end if last else 0) + len(text))
        if last and last.kind == kind and len(last.text) < JOINED_PIECE:
            deltas[-1] = Delta(kind, last.text + text, delta.end)
            ends[-1] = delta.end
        else:
            deltas.append(delta)
            ends.append(delta.end)  # last: whoever sees this end finds its delta
        for listener in self._listeners:
            if not listener.hear(delta):
                self._silence(listener)
        if self._waiting:
            for woken in tuple(self._waiting):
                woken.set()

    @contextmanager
    def listening(self, listener: Listener, wakeup: threading.Event) -> Iterator[None]:
        """Hand every further piece to a listener at once; `wakeup` is set when there is something else to do."""
        self._listeners = (*self._listeners, listener)
        self._resting.add(wakeup)
        try:
            yield
        finally:
            self._resting.discard(wakeup)
            self._silence(listener)

    def _silence(self, listener: Listener) -> None:
        self._listeners = tuple(other for other in self._listeners if other is not listener)

    def close(self, outcome: Outcome) -> None:
        """Set the end and wake the followers."""
        self.outcome = outcome
        self._ending.set()
        self.wake()

    def after(self, position: int, most: int | None = None) -> list[Delta]:
        """Give what lies after a position: all of it, or about `most` characters."""
        ends = self._ends
        first, last = bisect_right(ends, position), len(ends)
        if most is not None:
            last = min(last, bisect_right(ends, position + most) + 1)
        return cut(self._deltas[first:last], position)

    def text(self, kind: Kind) -> str:
        """Give all text of one kind."""
        return "".join(delta.text for delta in self._deltas if delta.kind == kind)

    def runs(self) -> list[list[str | int]]:
        """Give how the kinds followed each other, as [[kind, characters], …]."""
        runs: list[list[str | int]] = []
        for delta in self._deltas:
            if runs and runs[-1][0] == delta.kind:
                runs[-1][1] = int(runs[-1][1]) + len(delta.text)
            else:
                runs.append([delta.kind, len(delta.text)])
        return runs

    def wait(self, position: int, timeout: float) -> None:
        """Return when there may be news after a position, or after `timeout` seconds."""
        woken = threading.Event()
        self._waiting.add(woken)
        try:
            if self.length <= position and self.outcome is None:
                woken.wait(timeout)
        finally:
            self._waiting.discard(woken)

    def wait_for_end(self) -> Outcome:
        """Return the outcome when there is one."""
        while (outcome := self.outcome) is None:
            self._ending.wait()
        return outcome

    def wake(self) -> None:
        """Wake everybody who waits, for whatever."""
        for woken in (*self._waiting, *self._resting):
            woken.set()

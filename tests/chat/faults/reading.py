"""Readers of streams in the background, and what must hold for everything they were shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import urllib3

from tests.people import Event
from tests.waiting import wait_until


def question(chunks: Iterable[str], delay_ms: int = 0) -> str:
    """A question that the scripted model answers with these chunks."""
    return f"/fake {json.dumps({'chunks': list(chunks), 'delay_ms': delay_ms})}"


def numbers(count: int) -> list[str]:
    """Chunks in which every loss, doubling and disorder shows."""
    return [f"{number} " for number in range(count)]


class Reader:
    """Reads a stream in a thread; `shown` are the deltas so far, each with the moment of its arrival."""

    def __init__(self, stream: Iterator[Event]) -> None:
        self.message_id = str(next(stream).data["message_id"])
        self.shown: list[tuple[float, Event]] = []
        self.end: Event | None = None
        self.broken: Exception | None = None
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: Iterator[Event]) -> None:
        try:
            for event in stream:
                if event.name == "delta":
                    self.shown.append((time.monotonic(), event))
                elif event.name in ("done", "error"):
                    self.end = event
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.broken = error

    @property
    def text(self) -> str:
        """What the reader sees."""
        return text_of(event for _, event in list(self.shown))

    def text_before(self, moment: float) -> str:
        """What the reader saw at a moment."""
        return text_of(event for at, event in list(self.shown) if at < moment)

    def count_between(self, begin: float, end: float) -> int:
        """How many pieces arrived between two moments."""
        return sum(begin < at < end for at, _ in list(self.shown))

    def wait_for(self, length: int) -> None:
        """Return when so many characters were shown."""
        wait_until(lambda: len(self.text) >= length)

    def join(self) -> Event | None:
        """Wait for the end of the stream; gives its last event, or None where it was cut."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "the stream never ended"
        check_ids(event for _, event in self.shown)
        return self.end


def text_of(deltas: Iterable[Event]) -> str:
    """The text of some deltas."""
    return "".join(delta.data.get("content", "") for delta in deltas)


def check_ids(deltas: Iterable[Event], position: int = 0) -> None:
    """Every id continues the one before by the characters of its piece: nothing left out, doubled or out of order."""
    for delta in deltas:
        position += len(text_of([delta]))
        assert delta.id == position


def answer_of(messages: list[dict[str, Any]], message_id: str) -> dict[str, Any]:
    """One message of a conversation as the API gives it."""
    return next(message for message in messages if message["id"] == message_id)

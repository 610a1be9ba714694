"""Reads answers in tests: up to a failure, or in a thread while another one closes them."""

from __future__ import annotations

import threading
from typing import TypeVar

import pytest

from app.chat.providers.base import AnswerStream, End, Event, ModelRequest, Reasoning, Text, Turn
from app.errors import AppError

E = TypeVar("E", bound=AppError)


def ask(question: str = "Hi", model: str = "llama3") -> ModelRequest:
    return ModelRequest(model, (Turn("user", question),))


def text_of(events: list[Event]) -> str:
    return "".join(event.content for event in events if isinstance(event, Text))


def reasoning_of(events: list[Event]) -> str:
    return "".join(event.content for event in events if isinstance(event, Reasoning))


def read_until(kind: type[E], stream: AnswerStream) -> tuple[list[Event], E]:
    """Read a stream that has to fail like this; give what came before, and the failure."""
    events: list[Event] = []
    with pytest.raises(kind) as caught:
        events.extend(stream)  # one by one: what came before the failure stays
    assert type(caught.value) is kind
    assert not any(isinstance(event, End) for event in events)
    return events, caught.value


class Reader:
    """Reads a stream in a thread of its own."""

    def __init__(self, stream: AnswerStream) -> None:
        self.stream = stream
        self.events: list[Event] = []
        self.error: AppError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for event in self.stream:
                with self._changed:
                    self.events.append(event)
                    self._changed.notify_all()
        except AppError as error:
            self.error = error

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= count, 5), f"{self.events}, {self.error}"

    def assert_closes(self) -> None:
        """Close the stream from here; reading has to end soon, with neither an error nor an end event."""
        self.stream.close()
        self._thread.join(2)
        assert not self._thread.is_alive(), "close() did not end the iteration"
        assert self.error is None, self.error
        assert not any(isinstance(event, End) for event in self.events)

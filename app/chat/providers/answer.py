"""A running answer over HTTP: what every provider with a server of its own has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from urllib3.response import HTTPResponse

from app.chat.providers.base import Connected, Event, Reasoning, Text
from app.chat.providers.lines import LineSplitter
from app.chat.providers.transport import CALL_SECONDS, Closed, Deadline, Exchange, Timeouts, read_all
from app.errors import AppError

MAX_ERROR_BYTES = 64 * 1024

Refusal = Callable[[HTTPResponse, bytes], AppError]


class Decoder(Protocol):
    """Turns the lines of one answer into events; no I/O. Raises UpstreamError on garbage and on an error line."""

    ended: bool

    def feed(self, line: bytes) -> list[Event]:
        """Give the events of one line; `ended` is True once that includes the End."""
        ...

    def finish(self) -> list[Event]:
        """Give what is left when the lines are over; raises UpstreamError where the answer was not."""
        ...


class HttpAnswer:
    """An AnswerStream: sends the exchange's request and decodes its response.

    `refusal` makes an error out of a response with a status other than 200.
    """

    def __init__(self, exchange: Exchange, timeouts: Timeouts, decoder: Decoder, refusal: Refusal) -> None:
        self._exchange = exchange
        self._timeouts = timeouts
        self._decoder = decoder
        self._refusal = refusal
        self._speaking = False

    def close(self) -> None:
        """Break off, from any thread, at any time."""
        self._exchange.close()

    def __iter__(self) -> Iterator[Event]:
        """Connect, send and yield the events; see AnswerStream."""
        try:
            yield from self._events()
        except Closed:
            return
        finally:
            self._exchange.finish()

    def _events(self) -> Iterator[Event]:
        first_token = Deadline(self._timeouts.first_token)
        self._exchange.send(self._timeouts.connect, first_token)
        # Not after the status: while Ollama loads a model, which may take minutes, there is none.
        yield Connected()
        self._check_head(first_token)
        yield from self._decoded(first_token)

    def _check_head(self, first_token: Deadline) -> None:
        response = self._exchange.head(first_token)
        if response.status != 200:
            raise self._refusal(response, read_all(self._exchange, Deadline(CALL_SECONDS), MAX_ERROR_BYTES))

    def _decoded(self, first_token: Deadline) -> Iterator[Event]:
        for line in self._lines(first_token):
            for event in self._decoder.feed(line):
                self._speaking = True
                yield event
                self._check_open()
            if self._decoder.ended:
                return
        yield from self._decoder.finish()

    def _lines(self, first_token: Deadline) -> Iterator[bytes]:
        # What comes before the first token (a role, a comment that keeps a proxy awake) does not end the wait for it.
        splitter = LineSplitter()
        while data := self._exchange.read(self._timeouts.token if self._speaking else first_token.remaining()):
            yield from splitter.feed(data)
        yield from splitter.flush()

    def _check_open(self) -> None:
        if self._exchange.closed:
            raise Closed


def said(reasoning: str | None, content: str | None) -> list[Event]:
    """Give the events of what a line said; a NUL, which PostgreSQL can't store, becomes the replacement character."""
    events: list[Event] = []
    if reasoning:
        events.append(Reasoning(reasoning.replace("\0", "\N{REPLACEMENT CHARACTER}")))
    if content:
        events.append(Text(content.replace("\0", "\N{REPLACEMENT CHARACTER}")))
    return events

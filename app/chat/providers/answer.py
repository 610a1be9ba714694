"""A running answer over HTTP: what every provider with a server of its own has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic, sleep
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
        self._splitter = LineSplitter()
        self._spoke_at: float | None = None
        self._fault: AppError | None = None

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
            self._exchange.finish(ended=self._decoder.ended)

    def pump(self, take: Callable[[list[Event]], None]) -> None:
        """Connect, send and hand over the events; see PushStream."""
        try:
            first_token = self._ask()
            take([Connected()])
            self._check_head(first_token)
            self._exchange.pump(
                partial(self._hand_over, take), partial(self._patience, first_token), self._timeouts.token
            )
            if not self._decoder.ended:
                take(self._rest())
                self._check_sound()
        except Closed:
            return
        finally:
            self._exchange.finish(ended=self._decoder.ended)

    def _hand_over(self, take: Callable[[list[Event]], None], data: bytes) -> bool:
        if events := self._fed(self._splitter.feed(data)):
            take(events)
        self._check_sound()
        return self._decoder.ended

    def _events(self) -> Iterator[Event]:
        first_token = self._ask()
        # Not after the status: while Ollama loads a model, which may take minutes, there is none.
        yield Connected()
        self._check_head(first_token)
        while not self._decoder.ended and (data := self._exchange.read_in_time(partial(self._patience, first_token))):
            for event in self._fed(self._splitter.feed(data)):
                yield event
                self._check_open()
            self._check_sound()
            sleep(0)  # a server that never pauses must not keep everybody else from the event loop
        if not self._decoder.ended:
            yield from self._rest()
            self._check_sound()

    def _ask(self) -> Deadline:
        first_token = Deadline(self._timeouts.first_token)
        self._exchange.send(self._timeouts.connect, first_token)
        return first_token

    def _check_head(self, first_token: Deadline) -> None:
        response = self._exchange.head(first_token)
        if response.status != 200:
            raise self._refusal(response, read_all(self._exchange, Deadline(CALL_SECONDS), MAX_ERROR_BYTES))

    def _patience(self, first_token: Deadline) -> float:
        # Words count, and nothing else that comes (a role, a comment that keeps a proxy awake).
        if self._spoke_at is not None:
            return self._timeouts.token - (monotonic() - self._spoke_at)
        return 0 if first_token.is_over else first_token.remaining()

    def _rest(self) -> list[Event]:
        """Give what is left when the body has ended."""
        events = self._fed(self._splitter.flush())
        if self._decoder.ended or self._fault:
            return events
        try:
            return [*events, *self._decoder.finish()]
        except AppError as error:
            self._fault = error
            return events

    def _fed(self, lines: list[bytes]) -> list[Event]:
        """Give what was decoded; a fault waits until what was said before it in the same arrival is handed over."""
        events: list[Event] = []
        try:
            for line in lines:
                if self._decoder.ended:
                    break
                events += self._decoder.feed(line)
        except AppError as error:
            self._fault = error
        if events:
            self._spoke_at = monotonic()
        return events

    def _check_sound(self) -> None:
        if self._fault:
            raise self._fault

    def _check_open(self) -> None:
        if self._exchange.closed:
            raise Closed


def said(reasoning: str | None, content: str | None) -> list[Event]:
    """Give the events of what a line said."""
    events: list[Event] = []
    if reasoning:
        events.append(Reasoning(reasoning))
    if content:
        events.append(Text(content))
    return events

"""Connections to one server that wait for their next request: an answer that ended as it should gives its own back.

When an answer says that it is done, the bytes that end its framing may still be under way. Nobody waits for them: whether they came
is seen when the connection is wanted again.
"""

from __future__ import annotations

import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from app.chat.providers.chunked import ChunkedBody
from app.chat.providers.hub import take_buffered
from app.errors import UpstreamError

if TYPE_CHECKING:
    from http.client import HTTPResponse as PlainResponse

MAX_IDLE = 32
IDLE_SECONDS = 30.0


@dataclass
class _Idle:
    connection: HTTPConnection
    response: HTTPResponse
    body: ChunkedBody | None  # how far the response's body was read; None: to its end
    since: float = field(default_factory=monotonic)

    @property
    def is_fresh(self) -> bool:
        return monotonic() - self.since < IDLE_SECONDS

    def is_ready(self) -> bool:
        """Tell, without waiting, whether the response is over, nothing came after it, and the server is still there."""
        if self.body and not self._has_ended(self.body):
            return False
        self.response.close()
        return self.connection.is_connected

    def _has_ended(self, body: ChunkedBody) -> bool:
        with suppress(OSError, UpstreamError):  # nothing came since, or nothing that makes sense
            for _ in range(2):  # what lies in the buffer already, then what came since
                if body.feed(take_buffered(self.connection.sock, self.response)):
                    return False
        return body.is_spent

    def close(self) -> None:
        self.response.close()
        self.connection.close()


class IdleConnections:
    """At most so many of them; the one that was used last goes first, so that a crowd's connections end some time after it."""

    def __init__(self, limit: int = MAX_IDLE) -> None:
        self._limit = limit
        self._idle: deque[_Idle] = deque()
        self._lock = Lock()
        # A provider may be thrown away without a word; its sockets are not left to the garbage collector.
        self._finalizer = weakref.finalize(self, _close_all, self._idle)

    def take(self) -> HTTPConnection | None:
        """Give one that is ready for a request, or None; closes those that have become useless."""
        while (idle := self._newest()) is not None:
            if idle.is_fresh and idle.is_ready():
                return idle.connection
            idle.close()
        return None

    def give(
        self, connection: HTTPConnection, response: HTTPResponse, body: ChunkedBody | None, *, ended: bool
    ) -> None:
        """Keep a connection whose response was read to its end, or is about to end, as `ended` says; close any other.

        `body` is how far a chunked body was read where that was not done by http.client.
        """
        idle = _Idle(connection, response, None if response.closed else body or _unframed(response))
        is_over = response.closed or (ended and idle.body is not None)
        keeps = connection.sock is not None and response.status >= 200 and is_over
        with self._lock:
            if keeps and len(self._idle) < self._limit:
                self._idle.append(idle)
                return
        idle.close()

    def close(self) -> None:
        """Close all that wait now."""
        _close_all(self._idle)

    def _newest(self) -> _Idle | None:
        with self._lock:
            return self._idle.pop() if self._idle else None


def _close_all(idle: deque[_Idle]) -> None:
    while idle:
        idle.pop().close()


def _unframed(response: HTTPResponse) -> ChunkedBody | None:
    """Go on where http.client stands, which is between two chunks; None where it is not."""
    plain: PlainResponse = response._fp  # type: ignore[assignment]
    if not plain.chunked or plain.chunk_left:
        return None
    return ChunkedBody(after_chunk=plain.chunk_left == 0)

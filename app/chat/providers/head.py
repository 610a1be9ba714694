"""A response whose status and headers must be there by a moment, however little of them comes at a time.

A socket's timeout starts anew with every byte: a server that sends one now and then would keep us for hours.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from http.client import BadStatusLine, HTTPConnection, HTTPResponse, parse_headers
from typing import Any

MAX_INTERIM = 10
Remaining = Callable[[], float]  # seconds that are left; raises TimeoutError when there are none


class BoundedResponse(HTTPResponse):
    """http.client's response; reading its head raises TimeoutError in time."""

    def __init__(self, sock: socket.socket, *args: Any, remaining: Remaining, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._raw = _BoundedReader(self.fp.detach(), sock, remaining)
        self.fp = io.BufferedReader(self._raw, 1024)

    def _read_status(self) -> tuple[str, int, str]:
        """Skip what comes before the response (100 Continue, 102 Processing, 103 Early Hints).

        http.client skips the first kind alone, and would take another for the whole response. The real one would then answer whoever
        gets the connection next.
        """
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:
                return version, status, reason
            if status == 101:
                break
            parse_headers(self.fp)
        raise BadStatusLine("no response, but interim ones")

    def begin(self) -> None:
        """Read the head; the body is bounded by whoever reads it."""
        super().begin()
        self._raw.remaining = None


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, remaining: Remaining) -> None:
        self._raw = raw
        self._sock = sock
        self.remaining: Remaining | None = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.remaining:
            self._sock.settimeout(self.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def bound_head(connection: HTTPConnection, remaining: Remaining) -> None:
    """Let the head of the connection's next response take no longer than `remaining()` says."""

    def respond(sock: socket.socket, *args: Any, **kwargs: Any) -> BoundedResponse:
        return BoundedResponse(sock, *args, remaining=remaining, **kwargs)

    connection.response_class = respond  # type: ignore[assignment]  # anything that makes a response will do

"""Reading a request's body: for a bounded time, and whatever is wrong with it is the sender's mistake.

Anybody may send a body, and it is read before anybody is asked who they are: a byte now and then must not hold a connection for ever.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, BinaryIO

from flask import Flask, request
from gunicorn.http.errors import ParseException

from app.errors import MalformedRequest, TooSlow

PATIENCE_SECONDS = 30.0


def init_app(app: Flask) -> None:
    """Bound every body before anything reads it."""
    app.before_request(_bound)


def _bound() -> None:
    sock = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if sock is not None:
        request.environ["wsgi.input"] = _BoundedBody(request.environ["wsgi.input"], sock)


class _BoundedBody:
    """A body, as far as Werkzeug reads one.

    A timeout of the socket would begin anew with each byte. When the time is over, the socket's reading half is shut instead: that
    ends a read in greenlets and in threads, and the answer still goes out.
    """

    def __init__(self, stream: BinaryIO, sock: Any) -> None:
        self._stream = stream
        self._sock = sock
        self._seconds_left = PATIENCE_SECONDS
        self._is_over = False

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes; raises TooSlow, MalformedRequest, and OSError when the sender is gone."""
        watch = threading.Timer(self._seconds_left, self._give_up)
        watch.daemon = True
        started = time.monotonic()
        watch.start()
        try:
            data = self._stream.read(size)
        except (OSError, ParseException) as error:
            raise self._refusal() from error
        finally:
            watch.cancel()
            self._seconds_left -= time.monotonic() - started
        if self._is_over and not data:
            raise self._refusal()
        return data

    def _give_up(self) -> None:
        self._is_over = True
        with suppress(OSError):  # closed already
            self._sock.shutdown(socket.SHUT_RD)

    def _refusal(self) -> TooSlow | MalformedRequest:
        return TooSlow() if self._is_over else MalformedRequest()

"""Reading from a model's server inside the event loop: one callback for each arrival, and no switch to a greenlet.

A greenlet that wakes for each token costs twice as much as the token itself. This leans on gevent's loop, on the raw socket below
gevent's and on http.client's buffer; whoever can't have them reads the ordinary way, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from urllib3.response import HTTPResponse

from app.chat.providers.chunked import ChunkedBody
from app.concurrency import is_on_hub
from app.errors import AppError

READ_BYTES = 65_536
READABLE = 1

# One for all: it is emptied before the callback that filled it returns. To allocate as much for each arrival takes as long as to read.
_arrived = memoryview(bytearray(READ_BYTES))

# What whoever waits in `run` is told of a mistake of ours; the event loop prints the mistake itself.
UNEXPECTED = RuntimeError("taking an arrival failed")

OnData = Callable[[bytes], bool]
Patience = Callable[[], float]  # how many seconds more to wait


def can_read_on_hub(sock: object, response: HTTPResponse) -> bool:
    """Tell whether this is a chunked body on a plain socket of gevent's, which has a raw one below it; not so with TLS."""
    if not is_on_hub():
        return False
    from gevent.socket import socket as gevent_socket  # noqa: PLC0415  # only where gevent runs already

    return type(sock) is gevent_socket and bool(getattr(response._fp, "chunked", False))


def take_buffered(sock: Any, response: HTTPResponse) -> bytes:
    """Give what arrived together with the head and lies in http.client's buffer, without waiting for more."""
    sock.settimeout(0)
    buffer = response._fp.fp  # type: ignore[union-attr]
    return bytes(buffer.read(len(buffer.peek())) or b"") if buffer else b""


class HubReader:
    """Hands the payload of a chunked body to `on_data` until that gives True, or the body ends, or something fails.

    `on_data` runs in the loop's own callback: it must neither block nor switch.
    """

    def __init__(self, sock: Any, on_data: OnData) -> None:
        from gevent import get_hub  # noqa: PLC0415
        from gevent.event import Event  # noqa: PLC0415

        self._receive_into = sock._sock.recv_into
        self._on_data = on_data
        self.body = ChunkedBody()
        self._watcher = get_hub().loop.io(sock.fileno(), READABLE)
        self._over = Event()
        self._error: Exception | None = None

    def run(self, buffered: bytes, patience: Patience, recheck: float) -> bool:
        """Read to the end; gives False when patience is over. Raises what reading or `on_data` raised.

        Nobody is woken for an arrival, so patience is asked again every `recheck` seconds: it may have become shorter by then.
        """
        if buffered:
            self._guard(buffered)
        if not self._over.is_set():
            self._watcher.start(self._guard)
        try:
            return self._wait(patience, recheck)
        finally:
            self._watcher.stop()
            self._watcher.close()

    def _wait(self, patience: Patience, recheck: float) -> bool:
        while not self._over.is_set():
            left = patience()
            if left <= 0:
                return False
            self._over.wait(min(left, recheck))
        if self._error:
            raise self._error
        return True

    def _guard(self, buffered: bytes | None = None) -> None:
        """Take one arrival; whatever goes wrong ends the reading."""
        over = True
        self._error = UNEXPECTED
        try:
            over = self._take(buffered or bytes(_arrived[: self._receive_into(_arrived)]))
            self._error = None
        except BlockingIOError:
            over, self._error = False, None
        except (OSError, AppError) as error:
            self._error = error
        finally:
            if over:
                self._watcher.stop()
                self._over.set()

    def _take(self, data: bytes) -> bool:
        payload = self.body.feed(data)
        wants_no_more = bool(payload) and self._on_data(payload)
        return wants_no_more or self.body.ended or not data

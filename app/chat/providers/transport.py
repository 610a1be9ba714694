"""One HTTP exchange with a model's server: connect, send, receive; closable at any time. Knows nothing of what is said.

Built on urllib3's connection classes and the standard library's threads and sockets alone, so it runs unchanged under
threads and under gevent's patches. Redirects are not followed and proxies of the environment are not used.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Self, TypeVar

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as HTTPTimeout

from app.chat.providers.chunked import ChunkedBody
from app.chat.providers.endpoint import Endpoint
from app.chat.providers.head import bound_head
from app.chat.providers.hub import HubReader, OnData, Patience, can_read_on_hub, take_buffered
from app.config import Settings
from app.errors import LLMUnavailable, UpstreamError, UpstreamTimeout

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
    from urllib3.response import HTTPResponse

RETRY_PAUSE_SECONDS = 0.1
UNAVAILABLE_RETRY_AFTER = 5
CALL_SECONDS = 3.0
MAX_BODY_BYTES = 8 * 1024 * 1024
READ_BYTES = 64 * 1024

T = TypeVar("T")

_FAULTS = (OSError, HTTPException, HTTPError)


@dataclass(frozen=True)
class Timeouts:
    """How long a stream may keep us waiting, in seconds: to connect, for the first token, and between two tokens."""

    connect: float = 5.0
    first_token: float = 600.0
    token: float = 60.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Take the three waits out of the settings."""
        return cls(
            connect=settings.connect_timeout_seconds,
            first_token=settings.first_token_timeout_seconds,
            token=settings.token_timeout_seconds,
        )


class Deadline:
    """A moment in the future; `remaining()` is a timeout for a socket, so never 0, which would mean "do not block"."""

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds that are left, at least a millisecond."""
        return max(self._at - monotonic(), 0.001)

    def check(self) -> float:
        """Give the same; raises TimeoutError once the moment has passed."""
        if self.is_over:
            raise TimeoutError("not answered in time")
        return self.remaining()

    @property
    def is_over(self) -> bool:
        """Whether the moment has passed."""
        return monotonic() > self._at


class Closed(Exception):
    """`close()` was called; never leaves this package."""


class Interrupt:
    """Carries a `close()` from any thread into whatever the exchange does at that moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fired = Event()
        self._action: Callable[[], None] | None = None

    @property
    def fired(self) -> bool:
        """Whether it was used."""
        return self._fired.is_set()

    def arm(self, action: Callable[[], None]) -> None:
        """Set what ends the present phase; done at once where the interrupt was used already."""
        with self._lock:
            self._action = action
            if self.fired:
                action()

    def disarm(self) -> None:
        """Forget the action: what it acted on is gone."""
        with self._lock:
            self._action = None

    def fire(self) -> None:
        """End the present phase, and every later one before it begins."""
        with self._lock:
            self._fired.set()
            if self._action:
                self._action()

    def wait(self, seconds: float) -> None:
        """Sleep, unless interrupted."""
        self._fired.wait(seconds)


class Dial:
    """One attempt to connect, in a thread of its own: a name lookup can't be interrupted, but it can be left alone."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._error: Exception | None = None
        self._done = False
        self._abandoned = False
        self.awake = Event()

    def wait(self, seconds: float) -> None:
        """Connect; raises TimeoutError after so many seconds or once `awake` is set, and what the connect raised."""
        Thread(target=self._run, name="dial", daemon=True).start()
        self.awake.wait(seconds)
        with self._lock:
            self._abandoned = not self._done
        if self._abandoned:
            raise TimeoutError("not connected in time")
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._connection.connect()
        except (OSError, HTTPError, ValueError) as error:  # ValueError: a host name that can't be encoded
            self._error = error
        with self._lock:
            self._done = True
            if self._abandoned or self._error:
                self._connection.close()
        self.awake.set()


class Exchange:
    """One request and its response: `send`, `head`, `read` until it gives b"", `finish`.

    All but `close` belong to one thread. They raise Closed after `close()`, else LLMUnavailable (not connected),
    UpstreamTimeout (silence) or UpstreamError (broken off). A connection that is refused or reset before the first byte
    is tried once more; one that waited for this request and was closed meanwhile does not count.
    """

    def __init__(self, endpoint: Endpoint, method: str, path: str, body: bytes | None = None) -> None:
        self._endpoint = endpoint
        self._request = (method, path, body)
        self._interrupt = Interrupt()
        self._connect_seconds = 0.0
        self._retried = False
        self._reused: bool | None = None  # whether the connection had waited for this request; None: not connected yet
        self._body: ChunkedBody | None = None
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._response: HTTPResponse | None = None

    @property
    def closed(self) -> bool:
        """Whether `close()` or `finish()` was called."""
        return self._interrupt.fired

    def close(self) -> None:
        """Break off, from any thread, at any time; whoever waits in another method gets Closed at once."""
        self._interrupt.fire()

    def send(self, connect_seconds: float, deadline: Deadline) -> None:
        """Connect, in at most so many seconds, and send the request."""
        self._connect_seconds = connect_seconds
        self._persist(self._connect_and_send, deadline)

    def head(self, deadline: Deadline) -> HTTPResponse:
        """Give the response, of which only status and headers are here."""
        self._response = self._persist(self._receive_head, deadline)
        return self._response

    def read(self, seconds: float) -> bytes:
        """Give what has arrived of the body, waiting for it if nothing has; b"" at the end."""
        self._check_open()
        if self._socket is None or self._response is None or self._response.closed:
            return b""
        try:
            self._socket.settimeout(seconds)
            data = self._response.read1(READ_BYTES)
        except _FAULTS as error:
            raise self._fault(error) from error
        self._check_open()
        return data or b""

    def read_in_time(self, patience: Patience) -> bytes:
        """Give the next bytes, b"" at the end; raises UpstreamTimeout also where something comes, but nothing that counts."""
        if (left := patience()) <= 0:
            raise self._fault(TimeoutError())
        return self.read(left)

    def pump(self, on_data: OnData, patience: Patience, recheck: float) -> None:
        """Hand the body to `on_data` as it arrives, until that gives True, or until patience is over; see HubReader.

        On gevent's hub `on_data` is called from the event loop, where it must not block.
        """
        self._check_open()
        if self._response is None or not can_read_on_hub(self._socket, self._response):
            while (data := self.read_in_time(patience)) and not on_data(data):
                sleep(0)  # a server that never pauses must not keep everybody else from the event loop
            return
        try:
            buffered = take_buffered(self._socket, self._response)
            reader = HubReader(self._socket, on_data)
            self._body = reader.body
            if not reader.run(buffered, patience, recheck):
                raise TimeoutError
        except _FAULTS as error:
            raise self._fault(error) from error
        self._check_open()

    def finish(self, *, ended: bool = False) -> None:
        """Give the connection up: it waits for another request where the body is over, or about to be, as `ended` says."""
        self._interrupt.disarm()
        if self._connection and self._response and not self.closed:
            self._endpoint.idle.give(self._connection, self._response, self._body, ended=ended)
            self._response = self._connection = self._socket = None
        self._drop()
        self._interrupt.fire()

    def _persist(self, step: Callable[[Deadline], T], deadline: Deadline) -> T:
        try:
            return step(deadline)
        except _FAULTS as error:
            fault = self._fault(error)
            if not _is_transient(error) or (self._retried and not self._reused):
                raise fault from error
        if not self._reused:
            self._retried = True
            self._interrupt.wait(RETRY_PAUSE_SECONDS)
        return self._persist(step, deadline)

    def _connect_and_send(self, deadline: Deadline) -> HTTPConnection:
        connection = self._connect(min(self._connect_seconds, deadline.remaining()))
        method, path, body = self._request
        url, headers = self._endpoint.path(path), self._endpoint.headers
        connection.timeout = deadline.remaining()
        with suppress(ConnectionError):  # it may have refused before it read all; what it said is there for head()
            connection.request(method, url, body, headers, preload_content=False, decode_content=False)
        self._check_open()
        return connection

    def _connect(self, seconds: float) -> HTTPConnection:
        self._check_open()
        waiting = self._endpoint.idle.take() if self._reused is None else None
        self._reused = waiting is not None
        connection = waiting or self._dial(seconds)
        self._connection, self._socket = connection, connection.sock
        self._interrupt.arm(partial(_shut_down, connection.sock))
        self._check_open()
        return connection

    def _dial(self, seconds: float) -> HTTPConnection:
        connection = self._endpoint.connection(seconds)
        dial = Dial(connection)
        self._interrupt.arm(dial.awake.set)
        dial.wait(seconds)
        return connection

    def _receive_head(self, deadline: Deadline) -> HTTPResponse:
        # No connection: it was reset before the first byte, so once more from the start.
        connection = self._connection or self._connect_and_send(deadline)
        self._check_open()
        connection.timeout = deadline.remaining()
        bound_head(connection, deadline.check)
        return connection.getresponse()

    def _check_open(self) -> None:
        if self.closed:
            raise Closed

    def _fault(self, error: Exception) -> Exception:
        """Give what to raise; the connection is of no use any more."""
        was_connected = self._socket is not None
        self._drop()
        if self.closed:
            return Closed()
        if not was_connected:
            return LLMUnavailable(self._endpoint.unreachable(error), retry_after=UNAVAILABLE_RETRY_AFTER)
        if isinstance(error, (TimeoutError, HTTPTimeout)):
            return UpstreamTimeout(f"{self._endpoint.label} stopped answering.")
        return UpstreamError(f"{self._endpoint.label} broke off the answer.")

    def _drop(self) -> None:
        self._interrupt.disarm()
        if self._response:
            self._response.close()
        if self._connection:
            self._connection.close()
        self._response = self._connection = self._socket = None


def fetch(
    endpoint: Endpoint, method: str, path: str, body: bytes | None = None, *, seconds: float = CALL_SECONDS
) -> tuple[int, bytes]:
    """Make one small call within `seconds` and give the status and the body, at most 8 MiB; raises as Exchange does."""
    deadline = Deadline(seconds)
    exchange = Exchange(endpoint, method, path, body)
    try:
        exchange.send(seconds, deadline)
        status = exchange.head(deadline).status
        return status, read_all(exchange, deadline)
    finally:
        exchange.finish()


def read_all(exchange: Exchange, deadline: Deadline, limit: int = MAX_BODY_BYTES) -> bytes:
    """Give the rest of the response's body; raises UpstreamError where it is longer than `limit`."""
    body = bytearray()
    while data := exchange.read(deadline.remaining()):
        body += data
        if len(body) > limit:
            raise UpstreamError("The model's server sent an answer that is too long.")
        if deadline.is_over:
            raise UpstreamTimeout("The model's server took too long to answer.")
    return bytes(body)


def _is_transient(error: Exception) -> bool:
    return isinstance(error, ConnectionError) or isinstance(error.__cause__, ConnectionError)


def _shut_down(sock: socket.socket) -> None:
    # Not close(): that would not wake a thread which waits in recv() on this socket.
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:  # the server was quicker
        return

"""A small HTTP/1.1 server on 127.0.0.1 for the fake model servers: one asyncio loop in a thread of its own.

It records every request and whether its client went away, and can misbehave on purpose.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Fault = Literal["hang_up", "reset", "cut", "silence", "garbage", "error", "long_line"]


@dataclass(frozen=True)
class Reply:
    """What to answer to one chat request; times in seconds.

    `fault` happens after `after` pieces (reasoning counts): `hang_up` closes without a word, `reset` sends RST, `cut`
    ends the answer properly but too early, `silence` waits for ever, `garbage`, `error` and `long_line` send such a line.
    """

    chunks: tuple[str, ...] = ("Hel", "lo")
    thinking: tuple[str, ...] = ()
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    before: float = 0  # silence before the first byte
    delay: float = 0  # before every further piece
    fault: Fault | None = None
    after: int = 0
    status: int = 200
    error: Any = "model runner has unexpectedly stopped"
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = "stop"
    prompt_tokens: int = 26


@dataclass(eq=False)
class Request:
    """A request as it came. `closed`: the client went away before the end of the answer; `answered`: it did not.

    `connection` is the number of the connection that it came on.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FakeServer:
    """Start it as a context manager. Subclasses answer in `respond`; `script` says how to, for the requests to come."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.default_reply = Reply()
        self.connections: set[_Connection] = set()  # those that are open
        self.accepted = 0
        self._replies: deque[Reply] = deque()
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._arrived = threading.Condition()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name=type(self).__name__, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def script(self, *replies: Reply) -> None:
        """Answer the next chat requests like this, one reply each; after them comes `default_reply`."""
        self._replies.extend(replies)

    def next_reply(self) -> Reply:
        return self._replies.popleft() if self._replies else self.default_reply

    def asked(self, path: str) -> list[Request]:
        """The requests for this path so far, oldest first."""
        return [request for request in self.requests if request.path == path]

    def wait_for(self, path: str, count: int = 1, seconds: float = 5) -> Request:
        """Wait until a path was asked for so often, and give the last of these requests."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.asked(path)) >= count, seconds), f"nobody asked for {path}"
        return self.asked(path)[count - 1]

    def received(self, request: Request) -> None:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()

    async def respond(self, request: Request, wire: Wire) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(5), "the fake server did not start"

    def stop(self) -> None:
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, backlog=2048)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        # Server.close() breaks, and leaks, a connection that is just being accepted: let those come to be first.
        self._loop.remove_reader(server.sockets[0].fileno())
        await _turns(5)
        server.close()
        for connection in list(self.connections):
            connection.wire.abort()
        await _turns(2)


async def _turns(count: int) -> None:
    """Let the loop do what it has at hand."""
    for _ in range(count):
        await asyncio.sleep(0)


class Wire:
    """The writing side of one connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._chunked = False

    def send(self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole response."""
        self._head(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})})
        self._transport.write(body)

    def send_json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(status, "application/json", json.dumps(value).encode(), headers)

    def begin(self, content_type: str) -> None:
        """The head of a response in chunks."""
        self._chunked = True
        self._head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    def write(self, data: bytes) -> None:
        """One chunk."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    def abort(self) -> None:
        self._transport.abort()

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in headers.items())]
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())


class _Connection(asyncio.Protocol):
    """Reads requests off one connection, one after the other, and notices when the client goes away."""

    wire: Wire

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.wire = Wire(transport)
        self._server.accepted += 1
        self._number = self._server.accepted
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._request is None:
            self._take_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._request and not self._request.answered.is_set():
            self._request.closed.set()
        if self._task:
            self._task.cancel()

    def _take_request(self) -> None:
        head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not separator:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = bytearray(rest[length:])
        self._request = Request(method, path, headers, rest[:length], self._number)
        self._server.received(self._request)
        self._task = asyncio.get_running_loop().create_task(self._answer(self._request))

    async def _answer(self, request: Request) -> None:
        await self._server.respond(request, self.wire)
        request.answered.set()
        self._request = None
        self._take_request()


def serve_forever(server: FakeServer) -> None:
    """Run until Ctrl-C, for demonstrations and benchmarks."""
    server.start()
    print(f"{type(server).__name__} on {server.url}", flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()

"""`flask doctor --url`: what stands between here and an installation, told by a stream."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from app.config import Settings
from tests.chat.providers.ports import answering, refusing_port, server_context
from tests.serving import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

Pump = Callable[[socket.socket, socket.socket], None]


@pytest.fixture(scope="module")
def server(base_settings: Settings) -> Iterator[Server]:
    """An installation; its database is never asked."""
    running = Server(base_settings)
    yield running
    running.stop()


@contextmanager
def proxy(server: Server, pump: Pump) -> Iterator[str]:
    """A proxy that hands the response on in its own way."""

    def serve() -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                near, _ = listener.accept()
                threading.Thread(target=carry, args=(near,), daemon=True).start()

    def carry(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", server.port)) as far, suppress(OSError):
            head = near.recv(65536).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            far.sendall(head)
            pump(far, near)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def collecting(far: socket.socket, near: socket.socket) -> None:
    parts = []
    while data := far.recv(65536):
        parts.append(data)
    near.sendall(b"".join(parts))


def impatient(seconds: float) -> Pump:
    """Cuts a connection that is silent for so long."""

    def pump(far: socket.socket, near: socket.socket) -> None:
        far.settimeout(seconds)
        while data := far.recv(65536):
            near.sendall(data)

    return pump


def replacing(old: bytes, new: bytes) -> Pump:
    def pump(far: socket.socket, near: socket.socket) -> None:
        while data := far.recv(65536):
            near.sendall(data.replace(old, new))

    return pump


def ask(runner: FlaskCliRunner, url: str) -> tuple[int, str]:
    result = runner.invoke(args=["doctor", "--url", url])
    return result.exit_code, result.output


def test_it_works(runner: FlaskCliRunner, server: Server) -> None:
    code, told = ask(runner, server.url + "/")

    assert code == 0, told
    assert [line[:4] for line in told.splitlines()] == ["ok  "] * 3
    assert "7 events, each as it was sent" in told
    assert "a pause of 16 s is bridged" in told


def test_a_proxy_that_collects(runner: FlaskCliRunner, server: Server) -> None:
    with proxy(server, collecting) as url:
        code, told = ask(runner, url)

    assert code == 1
    assert "buffered: the first word came" in told
    assert "nginx: proxy_buffering off" in told
    assert "flushpackets=on" in told


def test_a_proxy_that_gives_its_name_is_told_its_own_setting(runner: FlaskCliRunner, server: Server) -> None:
    def named(far: socket.socket, near: socket.socket) -> None:
        parts = []
        while data := far.recv(65536):
            parts.append(data.replace(b"Server: gunicorn", b"Server: nginx/1"))
        near.sendall(b"".join(parts))

    with proxy(server, named) as url:
        _, told = ask(runner, url)

    assert "nginx: proxy_buffering off" in told
    assert "apache" not in told


def test_a_proxy_that_cuts(runner: FlaskCliRunner, server: Server) -> None:
    with proxy(server, impatient(0.2)) as url:
        code, told = ask(runner, url)

    assert code == 1
    assert "cut after" in told
    assert "proxy_read_timeout" in told


def test_a_proxy_that_bears_no_silence(runner: FlaskCliRunner, server: Server) -> None:
    with proxy(server, impatient(4)) as url:
        code, told = ask(runner, url)

    assert code == 1
    assert "ok    stream" in told
    assert "without a word" in told


@pytest.mark.parametrize(
    ("old", "new", "remark"),
    [
        (b"Content-Type: text/event-stream", b"Content-Type: text/html", "Content-Type is text/html"),
        (b"Cache-Control: ", b"Content-Encoding: br\r\nCache-Control: ", "compressed (br)"),
        (b"no-store, no-transform", b"max-age=60", "Cache-Control was changed"),
    ],
)
def test_a_proxy_that_changes_headers(
    runner: FlaskCliRunner, server: Server, old: bytes, new: bytes, remark: str
) -> None:
    with proxy(server, replacing(old, new)) as url:
        code, told = ask(runner, url)

    assert code == 1
    assert remark in told


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        (b"301 Moved\r\nLocation: https://chat.example/readyz/stream\r\n", "redirected to https://chat.example"),
        (b"404 Not Found\r\n", "no Password-less Chat"),
        (b"400 Bad Request\r\n", "ALLOWED_HOSTS"),
        (b"502 Bad Gateway\r\n", "can't reach the application"),
    ],
)
def test_another_answer(runner: FlaskCliRunner, answer: bytes, remark: str) -> None:
    with answering(b"HTTP/1.1 " + answer + b"Content-Length: 0\r\nConnection: close\r\n\r\n") as port:
        code, told = ask(runner, f"http://127.0.0.1:{port}")

    assert code == 1
    assert remark in told


def test_a_certificate_that_nobody_knows(runner: FlaskCliRunner, tmp_path: Path) -> None:
    with answering(b"", server_context(tmp_path)) as port:
        code, told = ask(runner, f"https://127.0.0.1:{port}")

    assert code == 1
    assert "SSL_CERT_FILE" in told


def test_nobody_there(runner: FlaskCliRunner) -> None:
    with refusing_port() as port:
        code, told = ask(runner, f"http://127.0.0.1:{port}")

    assert code == 1
    assert "can't be reached" in told
    assert "is no address" in ask(runner, "chat.example")[1]


def test_the_stream_is_for_a_few_at_a_time(settings: Settings) -> None:
    server = Server(settings)

    def open_stream(stack: ExitStack) -> bytes:
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        sock.sendall(b"GET /readyz/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return sock.recv(65536)

    def is_free() -> bool:
        time.sleep(1)  # it may be asked twenty times a minute
        with ExitStack() as stack:
            return b" 200 " in open_stream(stack)

    with ExitStack() as stack:
        answers = [open_stream(stack) for _ in range(5)]
    wait_until(is_free)  # who went away gives the place back
    server.kill()

    assert [answer.split()[1] for answer in answers] == [b"200"] * 4 + [b"503"]
    assert b"Retry-After: 5" in answers[-1]

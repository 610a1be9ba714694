"""Small calls over the transport; its streams are tested through the providers."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from app.chat.providers.endpoint import Endpoint
from app.chat.providers.transport import Interrupt, Timeouts, fetch
from app.config import Settings
from app.errors import LLMUnavailable, UpstreamError, UpstreamTimeout
from tests.chat.providers.ports import answering, dripping, refusing_port, server_context, unanswered_port
from tests.fake_http import FakeServer, Request, Wire


class Echo(FakeServer):
    """Answers a path with what it is called after."""

    async def respond(self, request: Request, wire: Wire) -> None:
        match request.path:
            case "/large":
                wire.send(200, "text/plain", b"x" * 9 * 1024 * 1024)
            case "/short":
                wire.begin("text/plain")
                wire.write(b"half")
                wire.hang_up()
            case "/drip":  # a byte now and then
                wire.begin("text/plain")
                for _ in range(100):
                    wire.write(b".")
                    await asyncio.sleep(0.1)
            case "/moved":
                wire.send(302, "text/plain", b"", {"Location": "/"})
            case _:
                wire.send_json({"path": request.path})


def endpoint(url: str, key: str = "") -> Endpoint:
    return Endpoint("The server", url, "Start it.", key)


def test_it_works() -> None:
    with Echo() as server:
        assert fetch(endpoint(server.url), "GET", "/hello") == (200, b'{"path": "/hello"}')
        assert fetch(endpoint(server.url), "POST", "/hello", b"{}")[0] == 200
    assert [(request.method, request.body) for request in server.requests] == [("GET", b""), ("POST", b"{}")]


def test_the_address_may_have_a_path_and_a_name() -> None:
    with Echo() as server:
        target = endpoint(server.url.replace("//", "//ada:p%40ss@") + "/models/")
        fetch(target, "GET", "/hello")
    assert server.requests[0].path == "/models/hello"
    assert server.requests[0].headers["authorization"] == "Basic YWRhOnBAc3M="
    assert target.shown_url == f"{server.url}/models"


def test_no_secret_is_shown() -> None:
    target = endpoint("http://ada:hidden@127.0.0.1:1", "secret")
    assert "hidden" not in f"{target!r}{target.unreachable(OSError())}"
    assert "secret" not in f"{target!r}"


def test_the_key_is_sent() -> None:
    with Echo() as server:
        fetch(endpoint(server.url, "secret"), "GET", "/hello")
    assert server.requests[0].headers["authorization"] == "Bearer secret"


def test_a_redirect_is_not_followed() -> None:
    with Echo() as server:
        assert fetch(endpoint(server.url), "GET", "/moved") == (302, b"")
    assert len(server.requests) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Echo() as server:
        assert fetch(endpoint(server.url), "GET", "/hello")[0] == 200


BODIES = [
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\n\r\nok",
]


@pytest.mark.parametrize("answer", BODIES, ids=range(len(BODIES)))
def test_every_way_to_end_a_body(answer: bytes) -> None:
    with answering(answer) as port:
        assert fetch(endpoint(f"http://127.0.0.1:{port}"), "GET", "/") == (200, b"ok")


def test_a_refusal_before_the_request_was_read() -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    with answering(answer, early=True) as port:
        target = endpoint(f"http://127.0.0.1:{port}")
        assert fetch(target, "POST", "/", b"x" * 30_000_000) == (413, b"no")


def test_a_body_is_bounded() -> None:
    with Echo() as server, pytest.raises(UpstreamError, match="too long"):
        fetch(endpoint(server.url), "GET", "/large")


def test_a_body_that_breaks_off() -> None:
    with Echo() as server, pytest.raises(UpstreamError, match="broke off"):
        fetch(endpoint(server.url), "GET", "/short")


def test_refused() -> None:
    with refusing_port() as port, pytest.raises(LLMUnavailable) as caught:
        fetch(endpoint(f"http://127.0.0.1:{port}"), "GET", "/")
    assert caught.value.sentence == f"The server can't be reached at http://127.0.0.1:{port}. Start it."
    assert caught.value.retry_after == 5


def test_connecting_takes_its_time_and_no_more() -> None:
    with unanswered_port() as port, pytest.raises(LLMUnavailable):
        fetch(endpoint(f"http://127.0.0.1:{port}"), "GET", "/", seconds=0.3)


def test_all_of_it_takes_its_time_and_no_more() -> None:
    with Echo() as server, pytest.raises(UpstreamTimeout):
        fetch(endpoint(server.url), "GET", "/drip", seconds=0.5)
    assert not server.requests[0].answered.is_set()


@pytest.mark.parametrize(
    "head", [b"X", b"HTTP/1.1 200 OK\r\nX-Header: x\r\nX-Header: ", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_a_head_that_never_ends(head: bytes) -> None:
    with dripping(head) as port, pytest.raises(UpstreamTimeout):
        fetch(endpoint(f"http://127.0.0.1:{port}"), "GET", "/", seconds=0.5)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
)
def test_something_that_does_not_speak_http(answer: bytes) -> None:
    with answering(answer) as port, pytest.raises(UpstreamError):
        fetch(endpoint(f"http://127.0.0.1:{port}"), "GET", "/")


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with answering(b"", server_context(tmp_path)) as port, pytest.raises(LLMUnavailable, match="does not trust"):
        fetch(endpoint(f"https://127.0.0.1:{port}"), "GET", "/")


def test_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with answering(answer, server_context(tmp_path)) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert fetch(endpoint(f"https://127.0.0.1:{port}"), "GET", "/") == (200, b"ok")


def test_a_server_that_vanishes_is_noticed() -> None:
    with Echo() as server:
        connection = endpoint(server.url).connection(5)
        connection.connect()
        assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        connection.close()


def test_timeouts_come_from_the_settings() -> None:
    settings = Settings(
        secret_key="x", connect_timeout_seconds=1, first_token_timeout_seconds=2, token_timeout_seconds=3
    )
    assert Timeouts.from_settings(settings) == Timeouts(connect=1, first_token=2, token=3)


def test_an_interrupt_that_comes_first_is_not_missed() -> None:
    calls: list[str] = []
    interrupt = Interrupt()
    interrupt.fire()
    interrupt.arm(lambda: calls.append("armed"))
    assert calls == ["armed"]

"""Connections to a model's server that wait for their next request."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.chat.providers import pool
from app.chat.providers.base import Connected, End, Event, PushStream, Text
from app.chat.providers.endpoint import Endpoint
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.pool import MAX_IDLE
from app.chat.providers.transport import Deadline, Exchange, Timeouts, fetch, read_all
from app.errors import ModelNotFound, UpstreamError
from tests.chat.providers.conftest import PATIENT
from tests.chat.providers.ports import answering, server_context, take_request
from tests.chat.providers.reading import Reader, ask, read_until, text_of
from tests.fake_http import Reply
from tests.fake_ollama import FakeOllama
from tests.waiting import wait_until

Read = Callable[[PushStream], list[Event]]
DONE = b'{"message":{"role":"assistant","content":"Hi"},"done":true,"done_reason":"stop"}\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(DONE), DONE)
LAST = b"0\r\n\r\n"


def iterate(stream: PushStream) -> list[Event]:
    return list(stream)


def pump(stream: PushStream) -> list[Event]:
    events: list[Event] = []
    stream.pump(events.extend)
    return events


def connections(ollama: FakeOllama, count: int) -> list[int]:
    """The connections on which the requests so far came, once the last of them is answered to its last byte."""
    requests = [ollama.wait_for("/api/chat", number + 1) for number in range(count)]
    assert requests[-1].answered.wait(5)
    return [request.connection for request in requests]


@pytest.mark.parametrize("read", [iterate, pump])
def test_one_answer_after_the_other_shares_a_connection(
    ollama: FakeOllama, provider: OllamaProvider, read: Read
) -> None:
    for number in range(3):
        assert text_of(read(provider.chat(ask()))) == "Hello"
        assert connections(ollama, number + 1)[-1] == 1


def test_answers_at_the_same_time_do_not(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence"))
    reader = Reader(provider.chat(ask()))
    ollama.wait_for("/api/chat")
    list(provider.chat(ask()))
    assert [request.connection for request in ollama.requests] == [1, 2]
    reader.assert_closes()


def test_small_calls_share_a_connection(ollama: FakeOllama, provider: OllamaProvider) -> None:
    provider.list_models()
    provider.describe_model("llama3")
    assert [request.connection for request in ollama.requests] == [1, 1, 1]


def test_a_refusal_leaves_the_connection_as_it_is(ollama: FakeOllama, provider: OllamaProvider) -> None:
    read_until(ModelNotFound, provider.chat(ask(model="mistral")))
    list(provider.chat(ask()))
    assert [request.connection for request in ollama.requests] == [1, 1]


def test_another_server_never_gets_it(ollama: FakeOllama, provider: OllamaProvider) -> None:
    list(provider.chat(ask()))
    list(OllamaProvider(ollama.url, PATIENT, 4096).chat(ask()))
    assert connections(ollama, 2) == [1, 2]


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(HEAD + CHUNK + LAST, server_context(tmp_path), again=True) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        provider = OllamaProvider(f"https://127.0.0.1:{port}", Timeouts(connect=2), 4096)
        for _ in range(3):  # a second connection would never be accepted: the server cares for the first one
            assert text_of(list(provider.chat(ask()))) == "Hi"


@pytest.mark.parametrize("fault", ["reset", "cut", "garbage", "error"])
@pytest.mark.parametrize("read", [iterate, pump])
def test_what_broke_harms_no_later_answer(ollama: FakeOllama, provider: OllamaProvider, fault: str, read: Read) -> None:
    ollama.script(Reply(fault=fault, after=1))  # type: ignore[arg-type]
    with pytest.raises(UpstreamError):
        read(provider.chat(ask()))
    assert text_of(read(provider.chat(ask()))) == "Hello"


def test_a_stopped_answer_keeps_no_connection(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence", after=1))
    reader = Reader(provider.chat(ask()))
    reader.wait_for(2)
    reader.assert_closes()
    wait_until(lambda: not ollama.connections)


def test_closing_an_answer_that_has_ended_harms_nobody(ollama: FakeOllama, provider: OllamaProvider) -> None:
    first = provider.chat(ask())
    list(first)
    ollama.script(Reply(("a", "b", "c"), delay=0.1))
    assert connections(ollama, 1) == [1]
    second = iter(provider.chat(ask()))
    assert [next(second), next(second)] == [Connected(), Text("a")]
    first.close()
    assert text_of(list(second)) == "bc"
    assert connections(ollama, 2) == [1, 1]


@pytest.mark.parametrize("read", [iterate, pump])
def test_an_answer_that_is_done_waits_for_no_end_of_the_connection(read: Read) -> None:
    """Neither does the next one get that connection."""
    impatient = Timeouts(connect=5, first_token=5, token=1)
    with answering(HEAD + CHUNK, hold=True) as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", impatient, 4096)
        for _ in range(2):
            events = read(provider.chat(ask()))
            assert isinstance(events[-1], End)


@pytest.mark.parametrize("read", [iterate, pump])
def test_the_last_bytes_may_come_later(read: Read) -> None:
    go_on, is_sent = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            take_request(connection)
            connection.sendall(HEAD + CHUNK)
            go_on.wait(5)
            connection.sendall(LAST)
            is_sent.set()
            take_request(connection)
            connection.sendall(HEAD + CHUNK + LAST)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        provider = OllamaProvider(f"http://127.0.0.1:{listener.getsockname()[1]}", Timeouts(connect=1), 4096)
        assert text_of(read(provider.chat(ask()))) == "Hi"
        go_on.set()
        assert is_sent.wait(5)
        assert text_of(read(provider.chat(ask()))) == "Hi"
        thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("more", [b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"nonsense\r\n"])
def test_a_server_that_says_more_than_it_should_is_left(more: bytes) -> None:
    with answering(HEAD + CHUNK + more, hold=True) as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096)
        for _ in range(2):
            assert text_of(list(provider.chat(ask()))) == "Hi"


def test_a_connection_that_the_server_closed_is_not_used() -> None:
    with answering(HEAD + CHUNK + LAST) as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096)
        for _ in range(3):
            assert text_of(list(provider.chat(ask()))) == "Hi"


def test_one_that_is_closed_at_that_moment_is_no_failure(ollama: FakeOllama, provider: OllamaProvider) -> None:
    list(provider.chat(ask()))
    assert connections(ollama, 1) == [1]
    ollama.script(Reply(fault="hang_up"), Reply(fault="hang_up"), Reply(("Hello",)))
    assert text_of(list(provider.chat(ask()))) == "Hello"  # the new connection may break once, as ever
    assert connections(ollama, 4) == [1, 1, 2, 3]


def test_they_do_not_wait_for_ever(
    ollama: FakeOllama, provider: OllamaProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    list(provider.chat(ask()))
    list(provider.chat(ask()))
    assert [request.connection for request in ollama.requests] == [1, 2]


def test_their_number_is_bounded(ollama: FakeOllama) -> None:
    endpoint = Endpoint("Ollama", ollama.url)
    exchanges = [Exchange(endpoint, "GET", "/api/version") for _ in range(MAX_IDLE + 5)]
    for exchange in exchanges:
        exchange.send(5, Deadline(5))
    for exchange in exchanges:
        exchange.head(Deadline(5))
        read_all(exchange, Deadline(5))
        exchange.finish()
    assert ollama.accepted == len(exchanges)
    wait_until(lambda: len(ollama.connections) == MAX_IDLE)
    endpoint.idle.close()
    wait_until(lambda: not ollama.connections)


def test_they_go_with_who_kept_them(ollama: FakeOllama) -> None:
    fetch(Endpoint("Ollama", ollama.url), "GET", "/api/version")
    gc.collect()
    wait_until(lambda: not ollama.connections)


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints"])
@pytest.mark.parametrize("read", [iterate, pump])
def test_what_comes_before_the_response_is_not_the_response(status: str, read: Read) -> None:
    """Taken for it, the real one would answer the next question, which may be somebody else's."""
    interim = f"HTTP/1.1 {status}\r\nLink: </style.css>\r\n\r\n".encode()
    with answering(interim + HEAD + CHUNK, hold=True) as port:
        events = read(OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096).chat(ask()))

    assert isinstance(events[-1], End)


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 50]
)
def test_what_never_becomes_a_response_is_a_fault(interim: bytes) -> None:
    with answering(interim, hold=True) as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096)
        with pytest.raises(UpstreamError):
            iterate(provider.chat(ask()))

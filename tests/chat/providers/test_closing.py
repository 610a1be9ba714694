"""close() ends an answer in each of its phases, at once, here and at the server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.chat.providers.base import Connected, Text
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.openai import OpenAIProvider
from tests.chat.providers.conftest import PATIENT
from tests.chat.providers.ports import answering, server_context, unanswered_port
from tests.chat.providers.reading import Reader, ask
from tests.fake_http import Reply
from tests.fake_ollama import FakeOllama
from tests.fake_openai import FakeOpenAI


def test_before_anything(ollama: FakeOllama, provider: OllamaProvider) -> None:
    stream = provider.chat(ask())
    stream.close()
    assert list(stream) == []
    assert ollama.requests == []


def test_while_connecting() -> None:
    with unanswered_port() as port:
        reader = Reader(OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096).chat(ask()))
        reader.assert_closes()
    assert reader.events == []


def test_while_sending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        reader = Reader(OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096).chat(ask("x" * 30_000_000)))
        connection, _ = listener.accept()  # and never read
        with connection:
            reader.assert_closes()


def test_before_the_first_token(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence"))
    reader = Reader(provider.chat(ask()))
    request = ollama.wait_for("/api/chat")
    reader.assert_closes()
    assert request.closed.wait(5)


def test_between_tokens(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence", after=1))
    reader = Reader(provider.chat(ask()))
    reader.wait_for(2)
    reader.assert_closes()
    assert reader.events == [Connected(), Text("Hel")]
    assert ollama.requests[0].closed.wait(5)


def test_while_nobody_reads(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence", after=1))
    stream = provider.chat(ask())
    iterator = iter(stream)
    assert [next(iterator), next(iterator)] == [Connected(), Text("Hel")]
    stream.close()
    assert ollama.requests[0].closed.wait(5)
    assert list(iterator) == []


def test_what_already_arrived_is_not_given_any_more(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(("a",) * 5000))
    stream = provider.chat(ask())
    iterator = iter(stream)
    next(iterator)
    next(iterator)
    stream.close()
    assert list(iterator) == []


def test_while_a_refused_connection_is_tried_again(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="hang_up"), Reply(fault="silence"))
    reader = Reader(provider.chat(ask()))
    ollama.wait_for("/api/chat", 2)
    reader.assert_closes()


def test_after_the_end_and_twice(provider: OllamaProvider) -> None:
    stream = provider.chat(ask())
    assert len(list(stream)) == 5
    stream.close()
    stream.close()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    with answering(head, server_context(tmp_path), hold=True) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        reader = Reader(OllamaProvider(f"https://127.0.0.1:{port}", PATIENT, 4096).chat(ask()))
        reader.wait_for(1)
        reader.assert_closes()
    assert reader.events == [Connected()]


def test_an_openai_compatible_server_is_freed_as_well(server: FakeOpenAI, openai: OpenAIProvider) -> None:
    server.script(Reply(fault="silence", after=1))
    reader = Reader(openai.chat(ask(model="tiny")))
    reader.wait_for(2)
    reader.assert_closes()
    assert server.requests[0].closed.wait(5)

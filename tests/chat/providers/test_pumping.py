"""PushStream: the events of each arrival together."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from app.chat.providers.base import Connected, End, Event, Text, Usage
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.transport import Timeouts
from app.errors import UpstreamError, UpstreamTimeout
from tests.chat.providers.reading import ask, text_of
from tests.fake_http import Fault, Reply
from tests.fake_ollama import FakeOllama

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'{"model":"m","message":{"role":"assistant","content":"Hel"},"done":false}\n'


def pumped(url: str) -> list[Event]:
    events: list[Event] = []
    OllamaProvider(url, Timeouts(), 4096).chat(ask()).pump(events.extend)
    return events


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that sends exactly these bytes at once, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@contextmanager
def dripping(answer: bytes, sign: bytes) -> Iterator[str]:
    """A server that begins with these bytes and then sends the same sign again and again, until the client goes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(answer)
                while not over.wait(0.05):
                    connection.sendall(sign)

        over = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_it_works() -> None:
    with FakeOllama() as ollama:
        events = pumped(ollama.url)

    assert isinstance(events[0], Connected)
    assert text_of(events) == "Hello"
    assert [type(event) for event in events[-2:]] == [Usage, End]


@pytest.mark.parametrize("fault", ["hang_up", "reset", "cut", "garbage", "error"])
def test_a_broken_answer_keeps_what_was_said(fault: Fault) -> None:
    events: list[Event] = []
    with FakeOllama() as ollama:
        ollama.script(Reply(("Hel", "lo"), fault=fault, after=1))
        with pytest.raises(UpstreamError):
            OllamaProvider(ollama.url, Timeouts(), 4096).chat(ask()).pump(events.extend)

    assert text_of(events) == "Hel"


def test_silence_is_a_timeout() -> None:
    events: list[Event] = []
    with FakeOllama() as ollama:
        ollama.script(Reply(("Hel", "lo"), fault="silence", after=1))
        with pytest.raises(UpstreamTimeout):
            OllamaProvider(ollama.url, Timeouts(token=0.2), 4096).chat(ask()).pump(events.extend)

    assert text_of(events) == "Hel"


def test_text_that_arrives_together_with_garbage_is_kept() -> None:
    garbage = b"<html>\n"
    body = LINE + garbage
    events: list[Event] = []

    with saying(HEAD + b"%x\r\n%b\r\n" % (len(body), body)) as url, pytest.raises(UpstreamError):
        OllamaProvider(url, Timeouts(), 4096).chat(ask()).pump(events.extend)

    assert events[1:] == [Text("Hel")]


@pytest.mark.parametrize("is_chunked", [True, False])
def test_signs_of_life_without_words_are_silence(is_chunked: bool) -> None:
    """Blank lines, as some servers send them to keep a proxy awake."""
    head = HEAD if is_chunked else HEAD.replace(b"Transfer-Encoding: chunked", b"Connection: close")
    pieces = [b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data for data in (LINE, b"\n")]
    events: list[Event] = []
    with dripping(head + pieces[0], pieces[1]) as url, pytest.raises(UpstreamTimeout):
        OllamaProvider(url, Timeouts(token=0.3), 4096).chat(ask()).pump(events.extend)

    assert text_of(events) == "Hel"

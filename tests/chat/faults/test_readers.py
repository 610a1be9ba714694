"""Readers that are slow, dead or gone cost nobody else anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from app.config import Settings
from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, check_ids, numbers, question, text_of
from tests.chat.faults.sockets import RawReader, connections, memory_mib
from tests.fake_http import Reply
from tests.fake_ollama import FakeOllama
from tests.serving import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

SLOW_READERS = 20
LONG = tuple("👋" * 500 for _ in range(1800))  # 3.6 MB, and as much again in every copy
TOLD = "".join(LONG)


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def settings(settings: Settings, ollama: FakeOllama) -> Settings:
    return replace(settings, llm_providers=("ollama", "fake"), ollama_host=ollama.url)


def test_slow_readers_are_bounded_and_get_every_word(
    serve: Serve, browse: Browse, ollama: FakeOllama, kind: dict[str, bool]
) -> None:
    server = serve(**kind)
    alice = browse(server)
    ollama.script(Reply(("warm",)), Reply(LONG, delay=0.002))
    Reader(alice.stream("Warm up", model="llama3:latest")).join()
    before = memory_mib(server)
    fast = Reader(alice.stream("Tell me all", model="llama3:latest"))
    with ExitStack() as stack:
        phone = browse(server)  # the connections of one browser are counted
        slow = [stack.enter_context(RawReader(phone, server, fast.message_id)) for _ in range(SLOW_READERS)]
        for reader in slow:
            reader.read_some()
        others = Reader(alice.stream(question(numbers(100), 10), model="fake"))

        end = others.join()
        assert end
        assert (end.data["status"], others.text) == ("complete", "".join(numbers(100)))
        end = fast.join()
        assert end
        assert (end.data["status"], fast.text == TOLD) == ("complete", True)
        grown = memory_mib(server) - before
        for reader in slow:
            _, *deltas, last = reader.read_all()
            check_ids(deltas)
            assert text_of(deltas) == TOLD
            assert last.data["status"] == "complete"
    # The answer itself is there a few times while it is saved; a copy for each reader would be 72 MB and more.
    assert grown < (100 if "flask_run" in kind else 60), f"{grown:.0f} MiB for {SLOW_READERS} slow readers"


def has_no_connection(server: Server) -> bool:
    return connections(server) == 0


def test_dead_readers_are_dropped(serve: Serve, browse: Browse, ollama: FakeOllama) -> None:
    """They neither read nor close: what is left when a phone loses its network."""
    servers = [serve(), serve(stream_direct=False), serve(flask_run=True)]
    with ExitStack() as stack:
        dead = []
        for server in servers:
            alice = browse(server)
            ollama.script(Reply(LONG))
            answer = Reader(alice.stream("Tell me all", model="llama3:latest"))
            dead.append(stack.enter_context(RawReader(alice, server, answer.message_id)))
            answer.join()
            alice.close()
            assert connections(server) > 0

        for server in servers:
            wait_until(partial(has_no_connection, server), 60)


def test_a_browser_that_goes_away_leaves_nothing(
    serve: Serve, browse: Browse, kind: dict[str, bool], log: Path
) -> None:
    server = serve(**kind)
    alice = browse(server)
    said = numbers(300)
    reader = alice.stream(question(said, 10), model="fake")
    message_id = next(reader).data["message_id"]
    assert next(reader).name == "delta"
    alice.close()

    wait_until(lambda: connections(server) == 0)
    assert text_of(list(browse(server).follow(message_id))[1:-1]) == "".join(said)
    assert "Traceback" not in log.read_text()

"""The whole way through an Ollama: from the request to the fake server's socket and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.fake_http import Fault, Reply
from tests.fake_ollama import FakeOllama
from tests.people import Person, events, parse_events, sign_up
from tests.waiting import wait_until


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def carol(make_app: Callable[..., Flask], ollama: FakeOllama) -> Person:
    settings = {"llm_providers": ("ollama",), "ollama_host": ollama.url, "ollama_model": "llama3"}
    return sign_up(make_app(**settings), "carol@example.org")


def test_it_streams(carol: Person, ollama: FakeOllama) -> None:
    start, *deltas, done = carol.stream("Hello")

    assert start.data["model"] == "llama3:latest"
    assert "".join(delta.data.get("content", "") for delta in deltas)
    assert done.data["status"] == "complete"
    assert done.data["usage"]["completion_tokens"] > 0
    (request,) = ollama.asked("/api/chat")
    body = json.loads(request.body)
    assert (body["stream"], body["messages"]) == (True, [{"role": "user", "content": "Hello"}])
    assert body["options"]["num_ctx"] == 4096


def test_another_host_answers_where_one_is_down(make_app: Callable[..., Flask], ollama: FakeOllama) -> None:
    hosts = f"http://127.0.0.1:9,{ollama.url}"  # the discard port: nothing listens there
    dave = sign_up(make_app(llm_providers=("ollama",), ollama_host=hosts), "dave@example.org")

    assert dave.ask("Hello")["reply"] == "Hello"
    listed = dave.get("/api/models").get_json()
    assert (len(listed["models"]), listed["unreachable"]) == (2, [])


def test_it_answers_whole_but_asks_for_a_stream(carol: Person, ollama: FakeOllama) -> None:
    assert carol.ask("Hello")["reply"]

    assert json.loads(ollama.asked("/api/chat")[0].body)["stream"] is True


@pytest.mark.parametrize("fault", ["hang_up", "reset", "cut", "garbage", "error"])
def test_every_fault_in_mid_answer_ends_it_honestly_and_keeps_the_text(
    carol: Person, ollama: FakeOllama, fault: Fault
) -> None:
    ollama.script(Reply(chunks=("So ", "far", " and on"), fault=fault, after=2))

    body = carol.call("POST", "/api/chat", {"message": "Hello"})

    answer = body.get_json()
    assert (body.status_code, answer["code"], answer["reply"]) == (502, "upstream_error", "So far")
    kept = carol.get(f"/api/conversations/{answer['conversation_id']}").get_json()["messages"][-1]
    assert (kept["status"], kept["content"]) == ("failed", "So far")


def test_silence_ends_it_after_the_limit(make_app: Callable[..., Flask], ollama: FakeOllama) -> None:
    settings = {"llm_providers": ("ollama",), "ollama_host": ollama.url, "token_timeout_seconds": 0.3}
    dave = sign_up(make_app(**settings), "dave@example.org")
    ollama.script(Reply(chunks=("So ", "far", " and on"), fault="silence", after=2))

    body = dave.call("POST", "/api/chat", {"message": "Hello"})

    assert (body.status_code, body.get_json()["code"], body.get_json()["reply"]) == (504, "upstream_timeout", "So far")


@pytest.mark.parametrize(("status", "code"), [(500, 502), (400, 502), (503, 503), (404, 404)])
def test_a_refusal_has_its_status(carol: Person, ollama: FakeOllama, status: int, code: int) -> None:
    ollama.script(Reply(status=status))

    assert carol.call("POST", "/api/chat", {"message": "Hello"}).status_code == code


def test_stop_closes_the_connection_to_the_model(carol: Person, ollama: FakeOllama) -> None:
    ollama.script(Reply(chunks=("first", "never"), fault="silence", after=1))
    stream = carol.open_stream("Hello")
    (start,) = parse_events(next(stream).decode())
    next(stream)

    carol.call("POST", f"/api/messages/{start.data['message_id']}/stop")

    (request,) = ollama.asked("/api/chat")
    wait_until(request.closed.is_set)


def test_a_browser_that_goes_away_stops_nothing(carol: Person, ollama: FakeOllama) -> None:
    ollama.script(Reply(chunks=("a", "b", "c"), delay=0.1))
    stream = carol.open_stream("Hello")
    (start,) = parse_events(next(stream).decode())
    stream.close()  # type: ignore[attr-defined]  # as the server does when the browser is gone

    again = events(carol.get(f"/api/messages/{start.data['message_id']}/events"))

    assert "".join(event.data.get("content", "") for event in again) == "abc"
    assert ollama.asked("/api/chat")[0].answered.is_set()

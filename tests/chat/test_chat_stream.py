"""POST /api/chat/stream: the answer as server-sent events."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.people import HELLO, Person, parse_events, sign_up
from tests.waiting import wait_until

SLOW = '/fake {"chunks": ["a", "b"], "delay_ms": 30000}'


def test_it_works(alice: Person) -> None:
    start, *deltas, done = alice.stream('/fake {"chunks": ["Hel", "lo"]}')

    assert (start.name, start.id) == ("start", 0)
    assert {"conversation_id", "message_id", "question_id", "model", "title", "dropped_messages"} <= set(start.data)
    assert "".join(delta.data["content"] for delta in deltas) == "Hello"
    assert deltas[-1].id == 5
    assert (done.name, done.data["status"], done.data["length"]) == ("done", "complete", 5)
    assert done.data["message_id"] == start.data["message_id"]
    assert done.data["usage"]["first_token_ms"] is not None


def test_it_is_not_buffered_by_proxies(alice: Person) -> None:
    response = alice.call("POST", "/api/chat/stream", {"message": HELLO})

    assert response.headers["X-Accel-Buffering"] == "no"
    assert "no-transform" in response.headers["Cache-Control"]
    assert response.get_data(as_text=True).startswith("retry: ")


def test_ids_count_characters_of_reasoning_and_content(alice: Person) -> None:
    events = alice.stream('/fake {"chunks": ["Grüße 👋"], "thinking": "Hm…"}')

    thinking, content = events[1:3]
    assert (thinking.data, thinking.id) == ({"thinking": "Hm…"}, 3)
    assert (content.data, content.id) == ({"content": "Grüße 👋"}, 10)


@pytest.mark.parametrize(
    ("fault", "code"), [("error", "upstream_error"), ("cut", "upstream_error"), ("timeout", "upstream_timeout")]
)
def test_a_failing_model_ends_it_honestly(alice: Person, fault: str, code: str) -> None:
    *_, delta, end = alice.stream(f'/fake {{"fail": "{fault}", "after": 1, "chunks": ["So", "me"]}}')

    assert delta.data == {"content": "So"}
    assert (end.name, end.data["code"], end.data["length"]) == ("error", code, 2)
    assert end.data["error"].endswith(".")


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("unavailable", 503, "llm_unavailable"), ("not_found", 404, "model_not_found")]
)
def test_a_refusal_is_json_and_keeps_the_question(alice: Person, fault: str, status: int, code: str) -> None:
    response = alice.call("POST", "/api/chat/stream", {"message": f'/fake {{"fail": "{fault}"}}'})

    body = response.get_json()
    assert (response.status_code, body["code"]) == (status, code)
    assert ("Retry-After" in response.headers) == (status == 503)
    kept = alice.get(f"/api/conversations/{body['conversation_id']}").get_json()["messages"]
    assert [message["id"] for message in kept] == [body["question_id"]]


def test_the_answer_goes_on_without_the_browser(alice: Person) -> None:
    stream = alice.open_stream('/fake {"chunks": ["a", "b", "c", "d"], "delay_ms": 50}')
    (start,) = parse_events(next(stream).decode())
    stream.close()  # type: ignore[attr-defined]  # as the server does when the browser is gone

    def kept() -> str:
        path = f"/api/conversations/{start.data['conversation_id']}"
        return str(alice.get(path).get_json()["messages"][-1]["content"])

    wait_until(lambda: kept() == "abcd")


def test_signing_out_closes_the_stream(app: Flask, alice: Person) -> None:
    stream = alice.open_stream(SLOW)
    next(stream)

    alice.post("/auth/logout")

    assert parse_events(b"".join(stream).decode()) == []  # it ended, and gave nothing more


def test_suspending_closes_the_stream(alice: Person, admin: Person) -> None:
    stream = alice.open_stream(SLOW)
    next(stream)

    admin.post(f"/admin/users/{alice.id}/suspend")

    assert parse_events(b"".join(stream).decode()) == []


def test_one_person_has_at_most_four_answers_at_a_time(alice: Person, bob: Person) -> None:
    running = [parse_events(next(alice.open_stream(SLOW)).decode())[0] for _ in range(4)]
    fifth = alice.open_stream()
    next(fifth)

    (queued,) = parse_events(next(fifth).decode())

    assert (queued.name, queued.data["place"]) == ("queued", 1)
    assert queued.data["wait_seconds"] > 0
    assert bob.stream()[-1].name == "done"  # it holds up nobody else
    alice.call("POST", f"/api/messages/{running[0].data['message_id']}/stop")
    rest = parse_events(b"".join(fifth).decode())
    assert [event.name for event in rest] == ["delta", "done"]


def test_leaving_the_queue_is_possible(alice: Person) -> None:
    for _ in range(4):
        alice.open_stream(SLOW)
    fifth = alice.open_stream()
    (start,) = parse_events(next(fifth).decode())

    alice.call("POST", f"/api/messages/{start.data['message_id']}/stop")

    end = parse_events(b"".join(fifth).decode())[-1]
    assert (end.name, end.data["status"], end.data["length"]) == ("done", "stopped", 0)


def test_a_slot_is_shared_by_all(make_app: Callable[..., Flask]) -> None:
    app = make_app(max_answers=1)
    carol, dave = sign_up(app, "carol@example.org"), sign_up(app, "dave@example.org")
    (start,) = parse_events(next(carol.open_stream(SLOW)).decode())
    waiting = dave.open_stream()
    next(waiting)
    assert parse_events(next(waiting).decode())[0].name == "queued"

    carol.call("POST", f"/api/messages/{start.data['message_id']}/stop")

    assert parse_events(b"".join(waiting).decode())[-1].name == "done"


def test_a_running_answer_cannot_be_built_upon(alice: Person) -> None:
    (start,) = parse_events(next(alice.open_stream(SLOW)).decode())

    second = alice.call("POST", "/api/chat", {"message": "x", "conversation_id": start.data["conversation_id"]})

    assert (second.status_code, second.get_json()["code"]) == (409, "conflict")

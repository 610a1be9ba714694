"""GET /api/messages/<id>/events: following an answer from any position."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask

from tests.people import Event, Person, events, parse_events

SCRIPT = '/fake {"chunks": ["Grüße ", "an ", "👋 alle"], "thinking": "Wen?"}'
TEXT = "Wen?Grüße an 👋 alle"


def said(found: list[Event]) -> str:
    return "".join(
        event.data.get("thinking", "") + event.data.get("content", "") for event in found if event.name == "delta"
    )


def follow(person: Person, message_id: str, after: int | None = None) -> list[Event]:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    return events(person.get(f"/api/messages/{message_id}/events", headers=headers))


def test_it_works(alice: Person) -> None:
    answer = alice.ask(SCRIPT)

    start, *deltas, done = follow(alice, answer["message_id"])

    assert (start.name, start.data["conversation_id"]) == ("start", answer["conversation_id"])
    assert said(deltas) == TEXT
    assert (done.name, done.data["usage"]) == ("done", answer["usage"])


@pytest.mark.parametrize("forget", [False, True])
def test_it_replays_from_any_position(app: Flask, alice: Person, forget: bool) -> None:
    """The same from memory and from the database, once the process has forgotten the answer."""
    answer = alice.ask(SCRIPT)
    if forget:
        app.extensions["chat"].engine.forget_all()

    for after in range(len(TEXT) + 1):
        found = follow(alice, answer["message_id"], after)
        assert said(found) == TEXT[after:], after
        assert [event.name for event in found][-1] == "done"
        assert found[0].id == 0


def test_a_position_beyond_the_end_gets_the_end(alice: Person) -> None:
    answer = alice.ask(SCRIPT)

    start, done = follow(alice, answer["message_id"], 99_999)

    assert (start.name, done.name, done.data["length"]) == ("start", "done", len(TEXT))


def test_the_header_wins_over_the_query(alice: Person) -> None:
    answer = alice.ask(SCRIPT)
    path = f"/api/messages/{answer['message_id']}/events?after=2"

    assert said(events(alice.get(path))) == TEXT[2:]
    assert said(events(alice.get(path, headers={"Last-Event-ID": "5"}))) == TEXT[5:]


def test_two_followers_see_the_same_while_it_runs(app: Flask, alice: Person) -> None:
    stream = alice.open_stream('/fake {"chunks": ["a", "b", "c", "d", "e"], "delay_ms": 40}')
    (start,) = parse_events(next(stream).decode())

    second = follow(alice, start.data["message_id"])

    rest = parse_events(b"".join(stream).decode())
    assert said(second) == said(rest) == "abcde"


def test_a_failed_answer_ends_the_same_way_every_time(alice: Person) -> None:
    body = alice.call("POST", "/api/chat", {"message": '/fake {"fail": "error", "after": 1, "chunks": ["So", "me"]}'})

    for _ in range(2):
        *_, end = follow(alice, body.get_json()["message_id"])
        assert (end.name, end.data["code"], end.data["length"]) == ("error", "upstream_error", 2)


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 40, "²"])
def test_a_position_must_be_a_number(alice: Person, after: str) -> None:
    answer = alice.ask()

    response = alice.get(f"/api/messages/{answer['message_id']}/events", query_string={"after": after})

    assert (response.status_code, response.get_json()["field"]) == (422, "after")


def test_a_question_cannot_be_followed(alice: Person) -> None:
    answer = alice.ask()
    question = alice.get(f"/api/conversations/{answer['conversation_id']}").get_json()["messages"][0]

    assert alice.get(f"/api/messages/{question['id']}/events").status_code == 422


def test_absent_and_foreign_are_the_same(alice: Person, bob: Person) -> None:
    hers = alice.ask()["message_id"]
    assert alice.get(f"/api/messages/{hers}/events").status_code == 200

    foreign = bob.get(f"/api/messages/{hers}/events")
    absent = bob.get(f"/api/messages/{uuid4()}/events")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.get_data() == absent.get_data()

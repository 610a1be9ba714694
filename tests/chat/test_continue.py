"""Continuing an answer that ended too early: a new one begins with its text."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from app.chat.history import GO_ON
from app.extensions import db
from app.models.message import Message
from tests.chat.test_chat import fake_of
from tests.people import Person, events, parse_events

CUT = '/fake {"chunks": ["Once ", "upon"], "thinking": "Hm. ", "fail": "cut", "after": 2}'


def begin(person: Person) -> str:
    return str(person.call("POST", "/api/chat", {"message": CUT}).get_json()["message_id"])


def test_it_works(app: Flask, alice: Person) -> None:
    cut = begin(alice)
    fake_of(app).enqueue([" a", " time"])

    start, *deltas, done = events(alice.call("POST", "/api/chat/stream", {"continue_id": cut}))

    text = "".join(delta.data.get("content", "") for delta in deltas)
    assert text == "Once upon a time"
    assert deltas[0].data == {"thinking": "Hm. "}
    assert (done.data["status"], done.data["length"]) == ("complete", len("Hm. " + text))
    assert start.data["message_id"] != cut
    turns = fake_of(app).requests[-1].turns
    assert [turn.content for turn in turns][1:] == ["Once upon", GO_ON.content]


def test_the_cut_answer_stays_as_it_is(app: Flask, alice: Person) -> None:
    cut = begin(alice)
    fake_of(app).enqueue([" a time"])

    whole = alice.call("POST", "/api/chat", {"continue_id": cut}).get_json()["message_id"]

    with app.app_context():
        old, new = db.session.get(Message, UUID(cut)), db.session.get(Message, UUID(whole))
        assert old is not None
        assert new is not None
        assert (old.content, old.status) == ("Once upon", "failed")
        assert (new.content, new.reasoning, new.status) == ("Once upon a time", "Hm. ", "complete")
        assert new.parent_id == old.parent_id


def test_nothing_is_left_behind_when_the_model_is_away(app: Flask, alice: Person) -> None:
    cut = begin(alice)
    with app.app_context():
        before = db.session.query(Message).count()

    response = alice.call("POST", "/api/chat", {"continue_id": cut, "model": "nope"})

    assert response.status_code == 404
    with app.app_context():
        assert db.session.query(Message).count() == before


def test_a_running_answer_and_a_question_cannot_be_continued(alice: Person) -> None:
    (start,) = parse_events(next(alice.open_stream('/fake {"chunks": ["a"], "delay_ms": 60000}')).decode())

    for message_id in (start.data["message_id"], start.data["question_id"]):
        response = alice.call("POST", "/api/chat", {"continue_id": message_id})
        assert (response.status_code, response.get_json()["field"]) == (422, "continue_id")


def test_a_foreign_answer_is_not_found(alice: Person, bob: Person) -> None:
    assert bob.call("POST", "/api/chat", {"continue_id": begin(alice)}).status_code == 404


@pytest.mark.parametrize("value", [7, "x", []])
def test_it_must_be_an_id(alice: Person, value: object) -> None:
    response = alice.call("POST", "/api/chat", {"continue_id": value})

    assert (response.status_code, response.get_json()["field"]) == (422, "continue_id")

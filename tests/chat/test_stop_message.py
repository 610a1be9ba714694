"""POST /api/messages/<id>/stop."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from flask import Flask

from tests.people import Person, parse_events, sign_in
from tests.waiting import wait_until

SLOW = '/fake {"chunks": ["first", "never"], "delay_ms": 1500}'
ENDLESS = '/fake {"chunks": ["never"], "delay_ms": 60000}'


def start(person: Person, message: str) -> str:
    (event,) = parse_events(next(person.open_stream(message)).decode())
    return str(event.data["message_id"])


def status_of(person: Person, message_id: str) -> str:
    end = parse_events(person.get(f"/api/messages/{message_id}/events").get_data(as_text=True))[-1]
    return str(end.data.get("status") or end.data["code"])


def test_it_works(alice: Person) -> None:
    stream = alice.open_stream(SLOW)
    (event,) = parse_events(next(stream).decode())
    next(stream)  # the first word

    response = alice.call("POST", f"/api/messages/{event.data['message_id']}/stop")

    assert response.get_json() == {"message_id": event.data["message_id"], "status": "stopped"}
    (done,) = parse_events(b"".join(stream).decode())
    assert (done.name, done.data["status"], done.data["length"]) == ("done", "stopped", 5)
    messages = alice.get(f"/api/conversations/{event.data['conversation_id']}").get_json()["messages"]
    assert (messages[-1]["content"], messages[-1]["status"]) == ("first", "stopped")


def test_it_stops_an_answer_that_said_nothing_yet(alice: Person) -> None:
    message_id = start(alice, ENDLESS)

    assert alice.call("POST", f"/api/messages/{message_id}/stop").get_json()["status"] == "stopped"
    assert status_of(alice, message_id) == "stopped"


def test_stopping_twice_is_no_error(alice: Person) -> None:
    message_id = start(alice, ENDLESS)

    for _ in range(2):
        assert alice.call("POST", f"/api/messages/{message_id}/stop").get_json()["status"] == "stopped"


def test_an_ended_answer_stays_as_it_is(alice: Person) -> None:
    answer = alice.ask()

    response = alice.call("POST", f"/api/messages/{answer['message_id']}/stop")

    assert response.get_json()["status"] == "complete"


def test_another_process_can_stop_it(alice: Person, make_app: Callable[..., Flask]) -> None:
    message_id = start(alice, ENDLESS)
    other = make_app()
    elsewhere = Person(alice.id, alice.email, sign_in(other, alice.email), other)

    elsewhere.call("POST", f"/api/messages/{message_id}/stop")

    wait_until(lambda: not alice.app.extensions["chat"].engine.find(UUID(message_id)).is_running)
    assert status_of(elsewhere, message_id) == "stopped"


def test_absent_and_foreign_are_the_same(alice: Person, bob: Person) -> None:
    message_id = start(alice, ENDLESS)

    foreign = bob.call("POST", f"/api/messages/{message_id}/stop")
    absent = bob.call("POST", f"/api/messages/{uuid4()}/stop")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.get_data() == absent.get_data()
    assert alice.app.extensions["chat"].engine.find(UUID(message_id)).is_running

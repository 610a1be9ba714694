"""Who owns a running answer is a lease in its row."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.models.message import Message
from tests.people import Person, events, parse_events
from tests.waiting import wait_until

ENDLESS = '/fake {"chunks": ["a", "b", "c"], "delay_ms": 60000}'


def begin(person: Person) -> str:
    (start,) = parse_events(next(person.open_stream(ENDLESS)).decode())
    return str(start.data["message_id"])


def row(app: Flask, message_id: str) -> Message:
    with app.app_context():
        message = db.session.get(Message, UUID(message_id))
        assert message is not None
        return message


def test_a_lease_is_renewed_while_the_answer_runs(app: Flask, alice: Person) -> None:
    message_id = begin(alice)
    first = row(app, message_id).lease_expires_at
    assert first is not None

    wait_until(lambda: (row(app, message_id).lease_expires_at or first) > first)


def test_an_answer_without_a_living_process_is_marked(app: Flask, alice: Person) -> None:
    answer = alice.ask()
    with app.app_context():
        message = db.session.get(Message, UUID(answer["message_id"]))
        assert message is not None
        message.status, message.lease_expires_at = "streaming", utcnow() - timedelta(seconds=1)
        db.session.commit()

    wait_until(lambda: row(app, answer["message_id"]).status == "interrupted")
    app.extensions["chat"].engine.forget_all()
    end = events(alice.get(f"/api/messages/{answer['message_id']}/events"))[-1]
    assert (end.name, end.data["code"]) == ("error", "interrupted")


def test_a_process_that_lost_its_lease_ends_the_answer(app: Flask, alice: Person) -> None:
    message_id = begin(alice)
    with app.app_context():  # what another process does when this one slept too long
        taken = {"status": "interrupted", "lease_owner": None, "lease_expires_at": None}
        db.session.execute(db.update(Message).where(Message.id == UUID(message_id)).values(taken))
        db.session.commit()

    wait_until(lambda: app.extensions["chat"].engine.running_count() == 0)

    assert row(app, message_id).status == "interrupted"


def test_a_command_line_marks_nothing(app: Flask, alice: Person) -> None:
    message_id = begin(alice)
    app.extensions["chat"].engine.close()
    with app.app_context():
        db.session.execute(
            db.update(Message).values(status="streaming", lease_expires_at=utcnow() - timedelta(seconds=9))
        )
        db.session.commit()

    app.test_cli_runner().invoke(args=["list-users"])

    assert row(app, message_id).status == "streaming"

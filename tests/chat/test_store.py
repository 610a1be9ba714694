"""What happens to a running answer's rows when something else happens to them at the same time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from flask import Flask

from app.chat.answers.log import Outcome
from app.clock import utcnow
from app.database import new_id
from app.extensions import db
from app.models.message import AnswerChunk, Message
from tests.people import Person, parse_events
from tests.waiting import wait_until

SLOW = '/fake {"chunks": ["a", "b", "c", "d"], "delay_ms": 400}'


def begin(person: Person, message: str = SLOW) -> tuple[UUID, str]:
    (start,) = parse_events(next(person.open_stream(message)).decode())
    return UUID(start.data["message_id"]), start.data["conversation_id"]


def row(app: Flask, message_id: UUID) -> Message | None:
    with app.app_context():
        return db.session.get(Message, message_id)


def change(app: Flask, message_id: UUID, **values: object) -> None:
    with app.app_context():
        db.session.execute(db.update(Message).where(Message.id == message_id).values(values))
        db.session.commit()


def test_an_answer_called_interrupted_by_another_process_is_finished_all_the_same(app: Flask, alice: Person) -> None:
    """The whole text counts where the answer ended before its process heard of it."""
    message_id, _ = begin(alice)
    engine = app.extensions["chat"].engine
    generation = engine.find(message_id)
    wait_until(lambda: generation.log.length > 0)
    change(app, message_id, status="interrupted", lease_owner=None, lease_expires_at=None)

    engine.store.finish(generation, Outcome("complete", generation.log.length, {}))

    message = row(app, message_id)
    assert message is not None
    assert message.status == "complete"
    assert len(message.content) >= 1
    with app.app_context():
        assert db.session.query(AnswerChunk).count() == 0


def test_a_deleted_answer_does_not_stop_the_flush_of_the_others(app: Flask, alice: Person, bob: Person) -> None:
    deleted, _ = begin(alice)
    kept, _ = begin(bob, '/fake {"chunks": ["x", "y", "z"], "delay_ms": 500}')
    with app.app_context():
        db.session.execute(db.delete(Message).where(Message.id == deleted))
        db.session.commit()

    def is_flushed() -> bool:
        with app.app_context():
            return db.session.query(AnswerChunk).where(AnswerChunk.message_id == kept).count() > 0

    wait_until(is_flushed)


def test_a_process_does_not_declare_its_own_answers_dead(app: Flask, alice: Person) -> None:
    message_id, _ = begin(alice, '/fake {"chunks": ["a"], "delay_ms": 60000}')
    change(app, message_id, lease_expires_at=utcnow() - timedelta(seconds=60))

    app.extensions["chat"].engine.store.interrupt_expired([message_id])

    message = row(app, message_id)
    assert message is not None
    assert message.is_running


def test_an_answer_that_nobody_holds_is_interrupted(app: Flask, alice: Person) -> None:
    answer = alice.ask()
    message_id = UUID(answer["message_id"])
    change(app, message_id, status="streaming", lease_owner=None, lease_expires_at=None, content="", runs=None)
    with app.app_context():
        chunks = [AnswerChunk(message_id=message_id, start=0, kind="thinking", text="Hm. ")]
        chunks.append(AnswerChunk(message_id=message_id, start=4, kind="content", text="Yes"))
        db.session.add_all(chunks)
        db.session.commit()

    app.extensions["chat"].engine.store.interrupt_expired([])

    message = row(app, message_id)
    assert message is not None
    assert (message.status, message.reasoning, message.content) == ("interrupted", "Hm. ", "Yes")
    assert message.runs == [["thinking", 4], ["content", 3]]


def make_ghost(app: Flask, person: Person) -> UUID:
    """An answer that belongs to this process by its row, and that nobody makes."""
    message_id = UUID(person.ask()["message_id"])
    owner = app.extensions["chat"].engine.store.owner
    change(app, message_id, status="streaming", lease_owner=owner, lease_expires_at=utcnow() + timedelta(seconds=60))
    return message_id


def test_an_answer_of_ours_that_nobody_makes_is_interrupted(app: Flask, alice: Person) -> None:
    message_id = make_ghost(app, alice)
    change(app, message_id, lease_expires_at=utcnow() - timedelta(seconds=1))

    app.extensions["chat"].engine.store.interrupt_expired([])

    message = row(app, message_id)
    assert message is not None
    assert message.status == "interrupted"


def test_a_wish_to_stop_what_nobody_makes_holds_up_no_other(app: Flask, alice: Person, bob: Person) -> None:
    ghosts = [make_ghost(app, alice) for _ in range(3)]
    app.extensions["chat"].engine.forget_all()
    running, _ = begin(bob, '/fake {"chunks": ["a"], "delay_ms": 60000}')
    for message_id in (*ghosts, running):
        change(app, message_id, stop_requested=True)

    def is_stopped() -> bool:
        message = row(app, running)
        return message is not None and message.status == "stopped"

    wait_until(is_stopped)


def test_a_long_conversation_can_be_deleted(app: Flask, alice: Person) -> None:
    answer = alice.ask()
    conversation_id, parent_id = UUID(answer["conversation_id"]), UUID(answer["message_id"])
    with app.app_context():
        ids = [parent_id, *(new_id() for _ in range(3000))]
        rows = [
            {"id": own, "parent_id": parent, "conversation_id": conversation_id, "role": "user", "content": "x"}
            for parent, own in pairwise(ids)
        ]
        db.session.execute(db.insert(Message), rows)
        db.session.commit()

    assert alice.call("DELETE", f"/api/conversations/{conversation_id}").status_code == 204

    assert row(app, parent_id) is None

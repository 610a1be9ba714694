"""What the flusher does after the database was away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.chat.answers.generation import Generation
from app.extensions import db
from app.models.message import AnswerChunk, Message
from tests.people import Person, parse_events

ENDLESS = '/fake {"chunks": ["Hello ", "you", "never"], "delay_ms": 60000}'


@pytest.fixture
def generation(monkeypatch: pytest.MonkeyPatch, app: Flask, alice: Person) -> Generation:
    """A running answer that nobody flushes but the test."""
    monkeypatch.setattr("app.chat.answers.engine.TICK_SECONDS", 3600)
    monkeypatch.setattr("app.chat.answers.store.LEASE", timedelta(hours=1))
    (start,) = parse_events(next(alice.open_stream(ENDLESS)).decode())
    found = app.extensions["chat"].engine.find(UUID(start.data["message_id"]))
    assert isinstance(found, Generation)
    found.log.append("content", "Hello ")
    return found


def stored(app: Flask, generation: Generation) -> tuple[str, list[str]]:
    with app.app_context():
        message = db.session.get(Message, generation.job.message_id)
        assert message is not None
        chunks = db.session.query(AnswerChunk).filter_by(message_id=message.id).order_by(AnswerChunk.start)
        return message.status, [chunk.text for chunk in chunks]


def test_a_commit_that_nobody_confirmed_is_not_written_twice(
    app: Flask, generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = app.extensions["chat"].engine.store
    run = store._run

    def run_and_lose_the_connection(work: Callable[[Session], object]) -> None:
        run(work)
        raise OperationalError("COMMIT", {}, OSError("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(store, "_run", run_and_lose_the_connection)
        with pytest.raises(OperationalError):
            store.flush([generation])
    assert stored(app, generation) == ("streaming", ["Hello "])
    generation.log.append("content", "you")

    store.flush([generation])

    assert stored(app, generation) == ("streaming", ["Hello you"])


def test_what_another_process_ended_meanwhile_stays_ended(app: Flask, generation: Generation) -> None:
    with app.app_context():
        taken = {"status": "interrupted", "lease_owner": None, "lease_expires_at": None}
        db.session.execute(db.update(Message).where(Message.id == generation.job.message_id).values(taken))
        db.session.commit()

    app.extensions["chat"].engine.store.flush([generation])

    assert stored(app, generation)[0] == "interrupted"

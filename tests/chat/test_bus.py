"""Two processes with one REDIS_URL: what one does the other knows at once.

To tell what comes over the bus from what the database says a little later, the housekeeping of these processes never comes round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.extensions import db
from app.models.message import AnswerChunk
from tests.people import Event, Person, parse_events, sign_in, sign_up
from tests.valkey import Valkey
from tests.waiting import wait_until

COUNTING = '/fake {"chunks": [' + ", ".join(f'"{n} "' for n in range(60)) + '], "delay_ms": 10, "thinking": "Hm. "}'
WHOLE = "Hm. " + "".join(f"{n} " for n in range(60))
ENDLESS = '/fake {"chunks": ["a", "b", "c"], "delay_ms": 60000}'


@pytest.fixture
def _late_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.answers.engine.TICK_SECONDS", 3600)
    monkeypatch.setattr("app.chat.answers.store.LEASE", timedelta(hours=1))
    monkeypatch.setattr("app.chat.answers.following.LOOK_SECONDS", 3600)


@dataclass
class Two:
    """alice at two processes, with one and the same browser."""

    here: Person
    there: Person


@pytest.fixture
def two(make_app: Callable[..., Flask], valkey: Valkey) -> Two:
    first, second = (make_app(redis_url=valkey.url) for _ in range(2))
    alice = sign_up(first, "alice@example.org")
    client = second.test_client()
    cookie = alice.client.get_cookie("session")
    assert cookie
    client.set_cookie("session", cookie.value)
    join_bus(first, second)
    return Two(alice, Person(alice.id, alice.email, client, second))


def join_bus(*apps: Flask) -> None:
    for app in apps:
        app.extensions["chat"].engine.ensure_ticking()
        wait_for_bus(app)


def wait_for_bus(app: Flask, *, up: bool = True) -> None:
    wait_until(lambda: app.extensions["chat"].engine._bus.is_up is up)


def read(stream: Iterator[bytes]) -> Iterator[Event]:
    for piece in stream:
        yield from parse_events(piece.decode())


def begin(person: Person, message: str = COUNTING) -> tuple[str, Iterator[Event]]:
    stream = read(person.open_stream(message))
    return str(next(stream).data["message_id"]), stream


def follow(person: Person, message_id: str, after: int = 0) -> Iterator[Event]:
    response = person.get(f"/api/messages/{message_id}/events?after={after}")
    assert response.status_code == 200
    return read(iter(response.response))  # type: ignore[arg-type]


def said(found: list[Event]) -> str:
    return "".join(event.data.get("thinking", "") + event.data.get("content", "") for event in found)


@pytest.mark.usefixtures("_late_database")
def test_another_process_follows_it_live(two: Two) -> None:
    message_id, stream = begin(two.here)

    followed = list(follow(two.there, message_id))

    assert said(followed) == WHOLE
    assert (followed[-1].name, followed[-1].data["length"]) == ("done", len(WHOLE))
    assert len(followed) > 4  # it came as it was said
    assert list(stream)[-1].data == followed[-1].data


@pytest.mark.usefixtures("_late_database")
def test_nothing_of_that_came_from_the_database(two: Two) -> None:
    message_id, _ = begin(two.here)
    followed = follow(two.there, message_id)

    next(event for event in followed if event.id > 20)

    with two.here.app.app_context():
        chunks = db.session.query(AnswerChunk).filter_by(message_id=UUID(message_id))
        assert sum(len(chunk.text) for chunk in chunks) < 20


@pytest.mark.usefixtures("_late_database")
def test_another_process_resumes_it_anywhere(two: Two) -> None:
    message_id, stream = begin(two.here)
    next(event for event in stream if event.id > 20)

    streams = [(after, follow(two.there, message_id, after)) for after in range(0, 20, 3)]

    for after, followed in streams:
        assert said(list(followed)) == WHOLE[after:], after


@pytest.mark.usefixtures("_late_database")
def test_another_process_stops_it(two: Two) -> None:
    message_id, stream = begin(two.here, ENDLESS)
    followed = follow(two.there, message_id)

    assert two.there.call("POST", f"/api/messages/{message_id}/stop").get_json()["status"] == "stopped"

    assert [list(one)[-1].data["status"] for one in (stream, followed)] == ["stopped", "stopped"]


@pytest.mark.usefixtures("_late_database")
def test_signing_out_closes_followers_everywhere(two: Two) -> None:
    message_id, stream = begin(two.here, ENDLESS)
    followed = follow(two.there, message_id)
    assert next(followed).name == "start"

    two.there.post("/auth/logout")

    assert [event.name for event in followed] == []
    assert [event.name for event in stream] == []
    assert two.here.app.extensions["chat"].engine.running_count() == 1


@pytest.mark.usefixtures("_late_database")
def test_another_process_tells_the_place_in_the_queue(make_app: Callable[..., Flask], valkey: Valkey) -> None:
    first, second = (make_app(redis_url=valkey.url, max_answers=1) for _ in range(2))
    join_bus(first, second)
    alice = sign_up(first, "alice@example.org")
    elsewhere = Person(alice.id, alice.email, sign_in(second, alice.email), second)
    running, _ = begin(alice, ENDLESS)
    waiting, _ = begin(alice, COUNTING)

    followed = follow(elsewhere, waiting)

    assert next(event for event in followed if event.name == "queued").data["place"] == 1
    alice.call("POST", f"/api/messages/{running}/stop")
    assert said(list(followed)) == WHOLE


def test_the_loss_of_the_server_costs_no_text(two: Two, valkey: Valkey) -> None:
    message_id, stream = begin(two.here)
    followed = follow(two.there, message_id)
    seen = [next(event for event in followed if event.id > 4)]

    valkey.kill()
    rest = list(followed)

    assert said([*seen, *rest]).endswith(WHOLE[seen[0].id :])
    assert rest[-1].data == list(stream)[-1].data
    assert two.there.get("/readyz").get_json() == {"status": "ok", "database": "ok", "redis": "away"}
    assert said(list(follow(two.there, two.here.ask(COUNTING)["message_id"]))) == WHOLE


@pytest.mark.usefixtures("_late_database")
def test_it_heals_in_mid_answer(two: Two, valkey: Valkey) -> None:
    message_id, _ = begin(two.here, ENDLESS)
    followed = follow(two.there, message_id)
    assert next(followed).name == "start"
    valkey.kill()
    for person in (two.here, two.there):
        wait_for_bus(person.app, up=False)

    valkey.start()
    for person in (two.here, two.there):
        wait_for_bus(person.app)
    two.there.call("POST", f"/api/messages/{message_id}/stop")

    assert list(followed)[-1].data["status"] == "stopped"
    assert two.there.get("/readyz").get_json()["redis"] == "ok"
    assert said(list(follow(two.there, begin(two.here)[0]))) == WHOLE


def test_it_starts_without_the_server(make_app: Callable[..., Flask], valkey: Valkey) -> None:
    valkey.kill()
    alice = sign_up(make_app(redis_url=valkey.url), "alice@example.org")

    assert alice.ask()["reply"] == "Hi"
    assert alice.get("/readyz").get_json()["redis"] == "away"
    doctor = alice.app.test_cli_runner().invoke(args=["doctor"]).output
    assert "TODO  REDIS_URL" in doctor
    valkey.start()
    assert "ok    REDIS_URL" in alice.app.test_cli_runner().invoke(args=["doctor"]).output


@pytest.mark.usefixtures("_late_database")
def test_what_another_version_says_is_passed_over(two: Two, valkey: Valkey) -> None:
    valkey.publish(b"\x93no such thing")

    assert said(list(follow(two.there, begin(two.here)[0]))) == WHOLE

"""Wrong passkeys, and challenges that nobody answers, are slowed down by address; nobody locks an owner out."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import throttle
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket
from tests.auth.ceremonies import add_key, begin, send, sign_in_with
from tests.people import Person, send_form
from tests.software_authenticator import Answers, SoftKey


@pytest.fixture
def key(alice: Person) -> SoftKey:
    return add_key(alice)


def test_guessing_is_throttled_by_address(app: Flask, key: SoftKey) -> None:
    guesser = app.test_client()
    wrong = {"credential": key.sign(begin(guesser, "sign-in"), Answers(tampered="signature"))}
    statuses = [send(guesser, "sign-in", wrong).status_code for _ in range(121)]

    assert statuses == [403] * 120 + [429]
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    answer = key.sign(begin(guesser, "sign-in"))
    assert send(guesser, "sign-in", {"credential": answer}, environ_base=elsewhere).status_code == 200


def test_a_flood_from_elsewhere_refuses_nobody(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    with app.app_context():
        before = db.session.scalars(db.select(ThrottleBucket.key)).all()
    stranger = app.test_client()
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    options = send(stranger, "sign-in/options", environ_base=elsewhere).get_json()
    wrong = {"credential": key.sign(options, Answers(tampered="signature"))}
    assert send(stranger, "sign-in", wrong, environ_base=elsewhere).status_code == 403
    with app.app_context():
        used_up = db.update(ThrottleBucket).where(ThrottleBucket.key.not_in(before)).values(tokens=0)
        db.session.execute(used_up)
        db.session.commit()
    assert send(stranger, "sign-in", wrong, environ_base=elsewhere).status_code == 429

    assert sign_in_with(client, key).status_code == 200, "in a browser that never signed in before, too"


def test_the_owner_gets_in_from_the_very_address_of_a_flood(app: Flask, alice: Person, key: SoftKey) -> None:
    send_form(alice.client, "/auth/logout")
    with app.app_context():
        for charge in (
            (throttle.UNGUESSABLE_BY_ADDRESS, "passkey 127.0.0.1"),
            (throttle.CHALLENGE_BY_ADDRESS, "127.0.0.1"),
        ):
            throttle.pay(charge)
        db.session.execute(db.update(ThrottleBucket).where(ThrottleBucket.tokens > 100).values(tokens=0))
        db.session.commit()
    assert send(app.test_client(), "sign-in/options").status_code == 429

    assert sign_in_with(alice.client, key).status_code == 200, "a browser that signed in before"


def test_a_known_device_has_its_own_limit(alice: Person, key: SoftKey) -> None:
    send_form(alice.client, "/auth/logout")
    wrong = {"credential": key.sign(begin(alice.client, "sign-in"), Answers(tampered="signature"))}
    statuses = [send(alice.client, "sign-in", wrong).status_code for _ in range(13)]

    assert statuses == [403] * 12 + [429]


def test_challenges_are_throttled_by_address(app: Flask, client: FlaskClient) -> None:
    assert send(client, "sign-in/options").status_code == 200
    with app.app_context():
        db.session.execute(db.update(ThrottleBucket).values(tokens=0))
        db.session.commit()

    assert send(client, "sign-in/options").status_code == 429
    assert send(client, "sign-in/options", environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200

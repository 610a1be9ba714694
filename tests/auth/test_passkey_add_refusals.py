"""New passkeys that must be refused, one wrong thing at a time: nothing is stored."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
import webauthn
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.extensions import db
from tests.auth.ceremonies import add_key, begin, finish, refusal, send, state
from tests.moved_clock import Clock
from tests.people import Person
from tests.software_authenticator import (
    BACKED_UP,
    EDDSA,
    ES256,
    ES384,
    PRESENT,
    RS256,
    VERIFIED,
    Answers,
    SoftKey,
    make_key,
    to_base64url,
)

OFF_THE_CURVE = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\1" * 32})
WRONG_ANSWERS: dict[str, tuple[Answers, str]] = {
    "another site": (Answers(origin="https://evil.example"), "origin"),
    "another port": (Answers(origin="http://localhost:1"), "origin"),
    "another relying party": (Answers(rp_id="evil.example"), "rp_id"),
    "a sign-in": (Answers(type="webauthn.get"), "type"),
    "in another site's frame": (Answers(client_data={"crossOrigin": True}), "cross_origin"),
    "below another origin": (Answers(client_data={"topOrigin": "https://evil.example"}), "cross_origin"),
    "nobody there": (Answers(flags=VERIFIED), "user_present"),
    "nobody checked": (Answers(flags=PRESENT), "user_verified"),
    "backed up without being able to": (Answers(flags=PRESENT | VERIFIED | BACKED_UP), "backup_state"),
    "a challenge of its own": (Answers(challenge=secrets.token_bytes(32)), "challenge"),
    "the id of another one inside": (Answers(credential_id=b"another"), "credential_id"),
    "no id inside": (Answers(credential_id=b""), "credential_id"),
    "a point off the curve": (Answers(public_key=OFF_THE_CURVE), "algorithm"),
    "no key": (Answers(public_key=cbor2.dumps({})), "algorithm"),
    "a key that is a number": (Answers(public_key=cbor2.dumps(4)), "algorithm"),
    "a key without its halves": (Answers(public_key=cbor2.dumps({1: 2, 3: -7, -1: 1})), "algorithm"),
    "a key of an unheard-of type": (Answers(public_key=cbor2.dumps({1: 99, 3: -7})), "algorithm"),
    "no attestation, and yet one": (Answers(statement={"sig": b"x"}), "attestation"),
    "a statement of its own that is wrong": (Answers(fmt="packed", statement={"alg": -7, "sig": b"x"}), "attestation"),
    "a certificate": (Answers(fmt="packed", statement={"alg": -7, "sig": b"x", "x5c": [b"y"]}), "attestation"),
    "another format": (Answers(fmt="tpm"), "attestation"),
    "an unheard-of format": (Answers(fmt="homemade"), "attestation"),
}


def refuse(app: Flask, act: Callable[[], Any], reason: str) -> None:
    before = state(app)
    assert refusal(act()) == (403, "passkey_refused", reason)
    assert state(app) == before


def add(person: Person, how: Answers | None = None, **changes: Any) -> Any:
    options = begin(person.client, "add")
    return finish(person.client, "add", make_key(options, **changes).register(options, how))


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_passkey_a_wrong_answer(app: Flask, alice: Person, case: str) -> None:
    how, reason = WRONG_ANSWERS[case]

    refuse(app, lambda: add(alice, how), reason)


@pytest.mark.parametrize("case", [name for name, (_, reason) in WRONG_ANSWERS.items() if reason != "credential_id"])
def test_passkey_a_wrong_answer_makes_no_account(app: Flask, client: FlaskClient, case: str) -> None:
    how, reason = WRONG_ANSWERS[case]
    options = begin(client, "sign-up", email="ada@example.org")

    refuse(app, lambda: finish(client, "sign-up", make_key(options).register(options, how)), reason)
    assert client.get("/chat").status_code == 302


def test_passkey_an_algorithm_that_was_not_offered(app: Flask, alice: Person) -> None:
    refuse(app, lambda: add(alice, algorithm=ES384), "algorithm")


@pytest.mark.parametrize("named", [EDDSA, RS256, -65535, -36, 0])
def test_passkey_a_key_under_the_name_of_another_algorithm(app: Flask, alice: Person, named: int) -> None:
    options = begin(alice.client, "add")
    key = make_key(options)
    lying = cbor2.dumps({**cbor2.loads(key.public_key), 3: named})

    refuse(app, lambda: finish(alice.client, "add", key.register(options, Answers(public_key=lying))), "algorithm")


def test_passkey_a_curve_that_does_not_belong_to_the_algorithm(app: Flask, alice: Person) -> None:
    options = begin(alice.client, "add")
    key = make_key(options, algorithm=ES384)
    key.algorithm = ES256

    refuse(app, lambda: finish(alice.client, "add", key.register(options)), "algorithm")


def test_passkey_a_short_rsa_key(app: Flask, alice: Person) -> None:
    options = begin(alice.client, "add")
    key = make_key(options, algorithm=RS256)
    key.private_key = rsa.generate_private_key(65537, 1024)

    refuse(app, lambda: finish(alice.client, "add", key.register(options)), "algorithm")


def test_passkey_a_key_that_is_too_large(app: Flask, alice: Person) -> None:
    huge = cbor2.dumps({1: 3, 3: RS256, -1: b"\xff" * 3000, -2: b"\x01\x00\x01"})

    refuse(app, lambda: add(alice, Answers(public_key=huge)), "algorithm")


def test_passkey_an_id_that_is_too_long(app: Flask, alice: Person) -> None:
    before = state(app)

    assert refusal(add(alice, credential_id=bytes(1024)))[:2] == (422, "invalid_field")
    assert state(app) == before


def test_passkey_the_same_passkey_twice(app: Flask, alice: Person) -> None:
    key = add_key(alice)
    before = state(app)
    options = begin(alice.client, "add")

    assert [held["id"] for held in options["excludeCredentials"]] == [to_base64url(key.credential_id)]
    assert refusal(finish(alice.client, "add", key.register(options)))[:2] == (409, "conflict")
    assert state(app) == before


def test_passkey_somebody_elses_passkey(app: Flask, alice: Person, bob: Person) -> None:
    key = add_key(alice)
    before = state(app)

    assert refusal(finish(bob.client, "add", key.register(begin(bob.client, "add"))))[:2] == (409, "conflict")
    assert state(app) == before


def test_passkey_somebody_elses_passkey_makes_no_account(app: Flask, client: FlaskClient, alice: Person) -> None:
    key = add_key(alice)
    before = state(app)
    options = begin(client, "sign-up", email="ada@example.org")

    assert refusal(finish(client, "sign-up", key.register(options)))[:2] == (409, "conflict")
    assert state(app) == before


def test_passkey_a_replayed_answer(app: Flask, alice: Person) -> None:
    options = begin(alice.client, "add")
    answer = make_key(options).register(options)
    assert finish(alice.client, "add", answer).status_code == 201

    refuse(app, lambda: finish(alice.client, "add", answer), "challenge")


def test_passkey_an_answer_after_two_minutes(app: Flask, alice: Person, clock: Clock) -> None:
    options = begin(alice.client, "add")
    clock.advance(seconds=121)

    refuse(app, lambda: finish(alice.client, "add", make_key(options).register(options)), "challenge")


def test_passkey_somebody_elses_challenge_in_the_same_browser(app: Flask, alice: Person, bob: Person) -> None:
    options = begin(alice.client, "add")
    cookie = alice.client.get_cookie("ceremony", path="/auth/passkeys")
    assert cookie
    bob.client.set_cookie("ceremony", cookie.value, path="/auth/passkeys")

    refuse(app, lambda: finish(bob.client, "add", make_key(options).register(options)), "challenge")


def test_passkey_a_challenge_of_another_browser(app: Flask, alice: Person, bob: Person) -> None:
    begin(bob.client, "add")
    options = begin(alice.client, "add")

    refuse(app, lambda: finish(bob.client, "add", make_key(options).register(options)), "challenge")


@pytest.mark.parametrize(("asked", "said"), [(True, False), (False, True)])
def test_passkey_a_silent_answer_serves_for_nothing_else(app: Flask, alice: Person, asked: bool, said: bool) -> None:
    options = begin(alice.client, "add", silent=asked)
    answer = make_key(options).register(options, Answers(flags=0))

    refuse(app, lambda: finish(alice.client, "add", answer, silent=said), "challenge")


def test_passkey_a_challenge_of_a_sign_up(app: Flask, alice: Person) -> None:
    options = begin(alice.client, "sign-up", email="ada@example.org")

    refuse(app, lambda: finish(alice.client, "add", make_key(options).register(options)), "challenge")


def test_passkey_an_attestation_that_can_not_be_read(app: Flask, alice: Person) -> None:
    for value in (
        b"\xff",
        b"",
        cbor2.dumps([]),
        cbor2.dumps({}),
        cbor2.dumps({"fmt": "none", "authData": b"x"}),
        b"\x81" * 9000,
    ):
        options = begin(alice.client, "add")
        answer = make_key(options).register(options)
        answer["response"]["attestationObject"] = to_base64url(value) or "AA"
        refuse(app, lambda answer=answer: finish(alice.client, "add", answer), "malformed")  # type: ignore[misc]


def test_passkey_it_takes_a_fresh_proof(app: Flask, alice: Person, clock: Clock) -> None:
    options = begin(alice.client, "add")
    answer = make_key(options).register(options)
    clock.advance(minutes=11)
    before = state(app)

    assert refusal(send(alice.client, "add/options"))[:2] == (403, "proof_needed")
    assert refusal(finish(alice.client, "add", answer))[:2] == (403, "proof_needed")
    assert state(app) == before


def test_passkey_nobody_adds_one_without_signing_in(app: Flask, client: FlaskClient) -> None:
    stranger = SoftKey("localhost", bytes(32))

    assert refusal(send(client, "add/options"))[:2] == (401, "not_signed_in")
    assert refusal(finish(client, "add", stranger.register({"challenge": "x"})))[:2] == (401, "not_signed_in")


def test_passkey_there_is_an_end(app: Flask, alice: Person) -> None:
    for _ in range(20):
        add_key(alice)
    before = state(app)

    response = add(alice)

    assert refusal(response)[:2] == (409, "conflict")
    assert "20 passkeys" in response.get_json()["error"]
    assert state(app) == before


@pytest.mark.parametrize("change", ["password_hash = 'another'", "active = false"])
def test_passkey_of_an_account_that_changed_meanwhile(
    app: Flask, alice: Person, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    options = begin(alice.client, "add")
    answer = make_key(options).register(options)
    before = state(app)
    with app.app_context():
        other = create_engine(db.engine.url)
    verify = webauthn.verify_registration_response

    def check(**arguments: Any) -> Any:
        with other.begin() as connection:
            connection.execute(text(f'UPDATE "user" SET {change}'))
        return verify(**arguments)

    monkeypatch.setattr(webauthn, "verify_registration_response", check)
    response = finish(alice.client, "add", answer)
    other.dispose()

    assert refusal(response)[:2] == (401, "not_signed_in")
    assert state(app) == before

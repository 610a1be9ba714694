"""Sign-ins by passkey that must fail, one wrong thing at a time: nobody is signed in, and nothing is stored."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import webauthn
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app import throttle
from app.auth import passkeys
from app.auth.passkey_bodies import SignInBody, decode
from app.auth.passkey_checks import Site
from app.extensions import db
from app.models.passkey import Passkey
from app.models.user import User
from app.tokens import hash_token
from tests.auth.ceremonies import add_key, begin, finish, kinds, refusal, send, sign_in_with, state
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import Person
from tests.software_authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Answers, SoftKey, to_base64url

WRONG_ANSWERS: dict[str, tuple[Answers, str]] = {
    "another site": (Answers(origin="https://evil.example"), "origin"),
    "a subdomain": (Answers(origin="http://login.localhost:5000"), "origin"),
    "another port": (Answers(origin="http://localhost:5001"), "origin"),
    "another scheme": (Answers(origin="https://localhost:5000"), "origin"),
    "a slash too many": (Answers(origin="http://localhost:5000/"), "origin"),
    "no origin": (Answers(origin=""), "origin"),
    "another relying party": (Answers(rp_id="evil.example"), "rp_id"),
    "a registration": (Answers(type="webauthn.create"), "type"),
    "an unheard-of type": (Answers(type="payment.get"), "type"),
    "in another site's frame": (Answers(client_data={"crossOrigin": True}), "cross_origin"),
    "below another origin": (Answers(client_data={"topOrigin": "https://evil.example"}), "cross_origin"),
    "nobody there": (Answers(flags=VERIFIED), "user_present"),
    "nobody checked": (Answers(flags=PRESENT), "user_verified"),
    "neither there nor checked": (Answers(flags=0), "user_present"),
    "backed up without being able to": (Answers(flags=PRESENT | VERIFIED | BACKED_UP), "backup_state"),
    "able to be backed up all at once": (Answers(flags=PRESENT | VERIFIED | ELIGIBLE), "backup_eligible"),
    "synced all at once": (Answers(flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP), "backup_eligible"),
    "a challenge of its own": (Answers(challenge=secrets.token_bytes(32)), "challenge"),
    "an empty challenge": (Answers(challenge=b""), "challenge"),
    "half a challenge": (Answers(challenge=secrets.token_bytes(16)), "challenge"),
    "client data changed afterwards": (Answers(tampered="client_data"), "signature"),
    "authenticator data changed afterwards": (Answers(tampered="authenticator_data"), "signature"),
    "signature changed": (Answers(tampered="signature"), "signature"),
    "nobody's handle": (Answers(user_handle=secrets.token_bytes(32)), "user_handle"),
    "no handle": (Answers(user_handle=None), "user_handle"),
    "an empty handle": (Answers(user_handle=b""), "user_handle"),
}


@pytest.fixture
def key(alice: Person) -> SoftKey:
    return add_key(alice)


def refuse(app: Flask, client: FlaskClient, act: Callable[[], Any], reason: str) -> None:
    """Act, and see the reason, and that nothing came of it."""
    before = state(app)
    assert refusal(act()) == (403, "passkey_refused", reason)
    assert state(app) == before
    assert client.get("/chat").status_code == 302


def test_passkey_the_right_answer_is_accepted(client: FlaskClient, key: SoftKey) -> None:
    assert sign_in_with(client, key).status_code == 200
    assert client.get("/chat").status_code == 200


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_passkey_a_wrong_answer(app: Flask, client: FlaskClient, alice: Person, key: SoftKey, case: str) -> None:
    how, reason = WRONG_ANSWERS[case]

    refuse(app, client, lambda: sign_in_with(client, key, how), reason)
    # What is refused before it is known whose it may be leaves no trace in anybody's log.
    assert ("passkey_refused" in kinds(app, alice.id)) == (reason != "challenge")


def test_passkey_another_users_handle(app: Flask, client: FlaskClient, key: SoftKey, bob: Person) -> None:
    with app.app_context():
        handle = db.session.get_one(User, bob.id).webauthn_handle

    refuse(app, client, lambda: sign_in_with(client, key, Answers(user_handle=handle)), "user_handle")


def test_passkey_a_signature_of_another_key(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    other = SoftKey(key.rp_id, key.user_handle, credential_id=key.credential_id)

    refuse(app, client, lambda: sign_in_with(client, other), "signature")


def test_passkey_a_foreign_credential_with_ones_own_signature(
    app: Flask, client: FlaskClient, key: SoftKey, bob: Person
) -> None:
    bobs = add_key(bob)
    forged = SoftKey(key.rp_id, key.user_handle, credential_id=key.credential_id)
    forged.private_key = bobs.private_key

    refuse(app, client, lambda: sign_in_with(client, forged), "signature")


def test_passkey_an_unknown_credential(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    stranger = SoftKey(key.rp_id, key.user_handle)

    refuse(app, client, lambda: sign_in_with(client, stranger), "unknown_credential")


def test_passkey_a_removed_credential(app: Flask, client: FlaskClient, alice: Person, key: SoftKey) -> None:
    with app.app_context():
        db.session.execute(db.delete(Passkey))
        db.session.commit()

    refuse(app, client, lambda: sign_in_with(client, key), "unknown_credential")


def test_passkey_a_replayed_answer(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    answer = key.sign(begin(client, "sign-in"))
    assert finish(client, "sign-in", answer).status_code == 200
    client.delete_cookie("session")

    refuse(app, client, lambda: finish(client, "sign-in", answer), "challenge")


def test_passkey_an_answer_beside_one_that_came_first(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    answer = key.sign(begin(client, "sign-in"))
    cookie = client.get_cookie("ceremony", path="/auth/passkeys")
    assert cookie
    browsers = [app.test_client() for _ in range(8)]
    for browser in browsers:
        browser.set_cookie("ceremony", cookie.value, path="/auth/passkeys")

    answers = at_once(partial(finish, browser, "sign-in", answer) for browser in browsers)

    assert sorted(one.status_code for one in answers) == [200] + [403] * 7


def test_passkey_a_wrong_answer_uses_the_challenge_up(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    options = begin(client, "sign-in")
    assert finish(client, "sign-in", key.sign(options, Answers(tampered="signature"))).status_code == 403

    refuse(app, client, lambda: finish(client, "sign-in", key.sign(options)), "challenge")


def test_passkey_an_answer_after_two_minutes(app: Flask, client: FlaskClient, key: SoftKey, clock: Clock) -> None:
    options = begin(client, "sign-in")
    clock.advance(seconds=121)

    refuse(app, client, lambda: finish(client, "sign-in", key.sign(options)), "challenge")


@pytest.mark.parametrize("has_cookie", [True, False])
def test_passkey_an_answer_in_another_browser(app: Flask, client: FlaskClient, key: SoftKey, has_cookie: bool) -> None:
    options = begin(app.test_client(), "sign-in")
    if has_cookie:
        begin(client, "sign-in")

    refuse(app, client, lambda: finish(client, "sign-in", key.sign(options)), "challenge")


def test_passkey_a_challenge_of_another_ceremony(app: Flask, alice: Person, key: SoftKey) -> None:
    answer = key.sign(begin(alice.client, "confirm"))
    before = state(app)

    assert refusal(finish(alice.client, "sign-in", answer)) == (403, "passkey_refused", "challenge")
    assert state(app) == before


def test_passkey_a_suspended_account(app: Flask, client: FlaskClient, alice: Person, key: SoftKey) -> None:
    with app.app_context():
        db.session.execute(db.update(User).where(User.id == alice.id).values(active=False))
        db.session.commit()

    refuse(app, client, lambda: sign_in_with(client, key), "suspended")


@pytest.mark.parametrize("again", [5, 4, 1, 0])
def test_passkey_a_counter_that_does_not_go_forwards_blocks(app: Flask, alice: Person, again: int) -> None:
    key = add_key(alice)
    assert sign_in_with(app.test_client(), key, Answers(sign_count=5)).status_code == 200
    thief = app.test_client()

    response = sign_in_with(thief, key, Answers(sign_count=again))

    assert refusal(response) == (403, "passkey_refused", "blocked")
    assert "its counter went backwards" in response.get_json()["error"]
    assert thief.get("/chat").status_code == 302
    assert kinds(app, alice.id)[-2:] == ["passkey_blocked", "passkey_refused"]
    assert "Blocked" in alice.get("/settings/security").text
    # And it stays so, for the copy and for the original.
    refuse(app, thief, lambda: sign_in_with(thief, key, Answers(sign_count=100)), "blocked")


def test_passkey_a_blocked_passkey_tells_only_who_holds_it(
    app: Flask, client: FlaskClient, alice: Person, key: SoftKey
) -> None:
    sign_in_with(app.test_client(), key, Answers(sign_count=5))
    sign_in_with(app.test_client(), key, Answers(sign_count=5))

    refuse(app, client, lambda: sign_in_with(client, key, Answers(tampered="signature")), "signature")


def test_passkey_an_id_that_is_written_in_two_ways(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    answer = key.sign(begin(client, "sign-in")) | {"id": to_base64url(b"another")}

    refuse(app, client, lambda: finish(client, "sign-in", answer), "credential_id")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clientDataJSON", b"no JSON"),
        ("clientDataJSON", b"[" * 3000),
        ("clientDataJSON", b"\xff\xfe{}"),
        ("clientDataJSON", b'{"type": "webauthn.get"}'),
        ("clientDataJSON", json.dumps({"type": "webauthn.get", "challenge": "!", "origin": "x"}).encode()),
        ("clientDataJSON", json.dumps({"type": 1, "challenge": [], "origin": None}).encode()),
    ],
)
def test_passkey_client_data_that_can_not_be_read(
    app: Flask, client: FlaskClient, key: SoftKey, name: str, value: bytes
) -> None:
    answer = key.sign(begin(client, "sign-in"))
    answer["response"][name] = to_base64url(value)

    refuse(app, client, lambda: finish(client, "sign-in", answer), "malformed")


@pytest.mark.parametrize("value", [b"short", bytes(36), bytes(37) + b"left over"])
def test_passkey_authenticator_data_that_can_not_be_read(
    app: Flask, client: FlaskClient, key: SoftKey, value: bytes
) -> None:
    answer = key.sign(begin(client, "sign-in"))
    answer["response"]["authenticatorData"] = to_base64url(value)

    refuse(app, client, lambda: finish(client, "sign-in", answer), "malformed")


@pytest.mark.parametrize("text", ["a", "a=", "+/+/", "ä", "YQ==", "YR"])
def test_passkey_what_is_no_base64url(app: Flask, client: FlaskClient, key: SoftKey, text: str) -> None:
    answer = key.sign(begin(client, "sign-in")) | {"id": text, "rawId": text}

    refuse(app, client, lambda: finish(client, "sign-in", answer), "malformed")


@pytest.mark.parametrize(
    "path",
    [(), ("id",), ("rawId",), ("type",), ("response",), ("response", "signature"), ("response", "clientDataJSON")],
)
@pytest.mark.parametrize("value", [None, 1, "", [], {}, "x" * 20_000])
def test_passkey_fields_of_another_kind_or_size(
    app: Flask, client: FlaskClient, key: SoftKey, path: tuple[str, ...], value: Any
) -> None:
    body: dict[str, Any] = {"credential": key.sign(begin(client, "sign-in"))}
    place = body
    for name in ("credential", *path)[:-1]:
        place = place[name]
    place[("credential", *path)[-1]] = value
    before = state(app)

    response = send(client, "sign-in", body)

    assert refusal(response)[:2] == (422, "invalid_field")
    assert "credential" in response.get_json()["field"]
    assert state(app) == before


def test_passkey_a_body_that_is_too_large(app: Flask, client: FlaskClient, key: SoftKey) -> None:
    answer = key.sign(begin(client, "sign-in")) | {"more": "x" * 40_000}
    before = state(app)

    assert refusal(finish(client, "sign-in", answer))[:2] == (413, "too_large")
    assert state(app) == before


def test_passkey_a_form_is_no_answer(client: FlaskClient, alice: Person) -> None:
    assert alice.post("/auth/passkeys/confirm", credential="x").status_code == 415


@pytest.mark.parametrize(
    "headers", [{"X-CSRFToken": ""}, {"X-CSRFToken": "x"}, {"Origin": "https://evil.example"}], ids=str
)
def test_passkey_another_sites_page_can_not_sign_anybody_in(
    app: Flask, client: FlaskClient, key: SoftKey, headers: dict[str, str]
) -> None:
    answer = key.sign(begin(client, "sign-in"))
    before = state(app)

    response = send(client, "sign-in", {"credential": answer}, headers=headers)

    assert refusal(response)[:2] == (403, "csrf")
    assert state(app) == before
    assert client.get("/chat").status_code == 302


@pytest.mark.parametrize(
    ("change", "code"), [("DELETE FROM passkey", "conflict"), ('UPDATE "user" SET active = false', "passkey_refused")]
)
def test_passkey_what_changed_while_it_was_checked_opens_nothing(
    app: Flask, client: FlaskClient, key: SoftKey, monkeypatch: pytest.MonkeyPatch, change: str, code: str
) -> None:
    answer = key.sign(begin(client, "sign-in"))
    with app.app_context():
        other = create_engine(db.engine.url)
    verify = webauthn.verify_authentication_response

    def check(**arguments: Any) -> Any:
        with other.begin() as connection:
            connection.execute(text(change))
        return verify(**arguments)

    monkeypatch.setattr(webauthn, "verify_authentication_response", check)
    response = finish(client, "sign-in", answer)
    other.dispose()

    assert refusal(response)[1] == code
    assert client.get("/chat").status_code == 302


def test_passkey_nothing_is_noted_of_a_use_before_there_is_a_session(
    app: Flask, client: FlaskClient, alice: Person, key: SoftKey
) -> None:
    """Both are one transaction: nobody removes the passkey in between."""
    answer = key.sign(begin(client, "sign-in"), Answers(sign_count=7))
    before = kinds(app, alice.id)
    cookie = client.get_cookie("ceremony", path="/auth/passkeys")
    assert cookie
    with app.app_context():
        site = Site("localhost", "http://localhost:5000")
        ceremony = passkeys.Ceremony(site, hash_token(cookie.value), throttle.Client("192.0.2.1"))
        body = decode(json.dumps({"credential": answer}).encode(), SignInBody)
        assert passkeys.sign_in(body.credential, ceremony).id == alice.id
        db.session.rollback()

    assert kinds(app, alice.id) == before
    with app.app_context():
        assert db.session.scalars(db.select(Passkey.sign_count)).one() == 0

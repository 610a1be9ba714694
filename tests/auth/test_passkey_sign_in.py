from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.login_session import LoginSession
from app.models.passkey import Passkey
from app.models.webauthn_challenge import WebAuthnChallenge
from tests.auth.ceremonies import add_key, begin, finish, kinds, send, sign_in_with
from tests.moved_clock import Clock
from tests.people import META, Person, make_user
from tests.software_authenticator import BACKED_UP, EDDSA, ELIGIBLE, ES256, RS256, from_base64url


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_it_works(app: Flask, client: FlaskClient, alice: Person, algorithm: int) -> None:
    response = sign_in_with(client, add_key(alice, algorithm=algorithm))

    assert (response.status_code, response.get_json()) == (200, {"next": "/"})
    assert "alice@example.org" in client.get("/settings/account").text
    assert kinds(app, alice.id)[-1] == "signed_in"
    with app.app_context():
        session = db.session.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
        assert session is not None
        assert (session.method, session.user_id) == ("passkey", alice.id)
        assert session.proven_at is not None
        assert db.session.scalars(select(Passkey)).one().last_used_at is not None
        assert db.session.scalars(select(WebAuthnChallenge)).all() == []


def test_the_options_are_the_same_for_everybody(app: Flask, client: FlaskClient, alice: Person) -> None:
    add_key(alice)
    make_user(app, "bob@example.org")
    seen = []
    for browser in (client, app.test_client(), alice.client):
        options = begin(browser, "sign-in")
        assert len(from_base64url(options.pop("challenge"))) == 32
        seen.append(options)

    assert (
        seen == [{"rpId": "localhost", "allowCredentials": [], "userVerification": "required", "timeout": 120_000}] * 3
    )


def test_the_relying_party_comes_from_public_url_alone(client: FlaskClient) -> None:
    other = "http://127.0.0.1:8000"
    found = META.search(client.get("/auth/forgot", base_url=other).text)
    assert found
    headers = {"X-CSRFToken": found[1]}

    response = client.post("/auth/passkeys/sign-in/options", json={}, headers=headers, base_url=other)

    assert response.get_json()["rpId"] == "localhost"


def test_it_leads_on_to_where_the_person_wanted_to_go(client: FlaskClient, alice: Person) -> None:
    key = add_key(alice)
    for wanted, given in (
        ("/settings/security", "/settings/security"),
        ("//evil.example", "/"),
        ("https://e.example", "/"),
    ):
        answer = key.sign(begin(client, "sign-in"))
        assert send(client, f"sign-in?next={wanted}", {"credential": answer}).get_json() == {"next": given}


@pytest.mark.parametrize("remember", [True, False])
def test_the_browser_is_remembered_where_that_is_wanted(client: FlaskClient, alice: Person, remember: bool) -> None:
    sign_in_with(client, add_key(alice), remember=remember)
    cookie = client.get_cookie("session")

    assert cookie
    assert (cookie.expires is not None) == remember


def test_a_counter_goes_forwards(app: Flask, client: FlaskClient, alice: Person) -> None:
    key = add_key(alice, counts=True)
    for _ in range(3):
        assert sign_in_with(client, key).status_code == 200

    with app.app_context():
        assert db.session.scalars(select(Passkey)).one().sign_count == 3


def test_a_synced_passkey_always_says_zero(client: FlaskClient, alice: Person) -> None:
    key = add_key(alice, backup=ELIGIBLE | BACKED_UP)

    assert [sign_in_with(client, key).status_code for _ in range(3)] == [200] * 3


def test_it_is_noted_when_a_passkey_begins_to_be_synced(app: Flask, client: FlaskClient, alice: Person) -> None:
    key = add_key(alice, backup=ELIGIBLE)
    assert "On this one device" in alice.get("/settings/security").text
    key.backup = ELIGIBLE | BACKED_UP
    sign_in_with(client, key)

    assert "Synced between your devices" in alice.get("/settings/security").text


def test_two_tabs_do_not_spoil_each_others_ceremony(client: FlaskClient, alice: Person) -> None:
    key = add_key(alice)
    first, second = begin(client, "sign-in"), begin(client, "sign-in")

    assert finish(client, "sign-in", key.sign(first)).status_code == 200
    assert finish(client, "sign-in", key.sign(second)).status_code == 200


def test_it_ends_the_session_that_was_there(app: Flask, alice: Person, bob: Person) -> None:
    key = add_key(alice)
    assert sign_in_with(bob.client, key).status_code == 200

    assert "alice@example.org" in bob.get("/settings/account").text
    with app.app_context():
        assert db.session.scalars(select(LoginSession.id).where(LoginSession.user_id == bob.id)).all() == []


def test_old_challenges_are_swept_out(app: Flask, client: FlaskClient, clock: Clock) -> None:
    for _ in range(3):
        begin(client, "sign-in")
    clock.advance(minutes=3)
    begin(client, "sign-in")

    with app.app_context():
        assert len(db.session.scalars(select(WebAuthnChallenge)).all()) == 1

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.links import create_sign_in_link
from app.models.email_token import EmailToken
from app.models.login_session import LoginSession
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User, find_user
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import Person, csrf_token, make_user, send_form, sign_in

EMAIL = "ada@example.org"
NEW = "a wholly new passphrase"


def make_link(app: Flask, email: str = EMAIL) -> str:
    """The path of a new link."""
    with app.app_context():
        user = find_user(email)
        assert user
        link = create_sign_in_link(user, "http://localhost:5000")
        db.session.commit()
    return urlsplit(link).path


@pytest.fixture
def link(app: Flask) -> str:
    make_user(app, EMAIL)
    return make_link(app)


def test_it_works(app: Flask, client: FlaskClient, link: str) -> None:
    assert f'Sign in as <span class="break">{EMAIL}' in client.get(link).text
    response = send_form(client, link)

    assert (response.status_code, response.location) == (303, "/settings/security")
    assert EMAIL in client.get("/settings/account").text
    with app.app_context():
        assert db.session.scalars(select(LoginSession.method)).all() == ["link"]


def test_looking_at_it_uses_nothing_up(app: Flask, client: FlaskClient, link: str) -> None:
    for scanner in [app.test_client() for _ in range(3)]:
        assert scanner.get(link).status_code == 200
        assert scanner.head(link).status_code == 200
        assert scanner.get("/chat").status_code == 302

    assert send_form(client, link).status_code == 303


def test_a_scanner_that_presses_no_button_uses_nothing_up(client: FlaskClient, link: str) -> None:
    assert client.post(link).status_code == 403, "a POST without the page's token"

    assert send_form(client, link).status_code == 303


def test_it_works_once(app: Flask, client: FlaskClient, link: str) -> None:
    assert send_form(client, link).status_code == 303
    second = app.test_client()

    assert second.get(link).status_code == 404
    answer = send_form(second, link)
    assert answer.status_code == 404
    assert "This link was used already, or it is too old." in answer.text
    assert second.get("/chat").status_code == 302


def test_of_ten_uses_at_once_one_succeeds(app: Flask, link: str) -> None:
    browsers = [app.test_client() for _ in range(10)]
    for browser in browsers:
        csrf_token(browser)
    answers = at_once(partial(send_form, browser, link) for browser in browsers)

    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 9
    with app.app_context():
        assert len(db.session.scalars(select(LoginSession)).all()) == 1


def test_it_is_valid_for_an_hour(client: FlaskClient, link: str, clock: Clock) -> None:
    clock.advance(minutes=59)
    assert client.get(link).status_code == 200
    clock.advance(minutes=2)

    assert client.get(link).status_code == 404
    assert send_form(client, link).status_code == 404


def test_it_is_worth_nothing_for_a_suspended_account(app: Flask, client: FlaskClient, link: str) -> None:
    with app.app_context():
        db.session.execute(db.update(User).values(active=False))
        db.session.commit()

    assert client.get(link).status_code == 404
    assert send_form(client, link).status_code == 404


def test_a_guess_is_no_link(client: FlaskClient, link: str) -> None:
    assert client.get(link).status_code == 200, "there is one to be guessed"
    for token in ("x", "null", "None", "%00", "undefined", "a" * 2000, "%F0%9F%99%82"):
        assert client.get(f"/auth/link/{token}").status_code == 404, token
        assert send_form(client, f"/auth/link/{token}").status_code == 404, token


def test_the_database_does_not_hold_it(app: Flask, link: str) -> None:
    token = link.rpartition("/")[2]
    assert len(token) == 43, "256 bits"

    with app.app_context():
        row = db.session.scalars(select(EmailToken)).one()
        assert token not in row.token_hash


def test_it_leads_to_the_public_address_whatever_the_request_says(
    make_app: Callable[..., Flask], admin: Person, alice: Person
) -> None:
    client = sign_in(make_app(public_url="http://chat.home.arpa:8080"), admin.email)
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    data = {"csrf_token": csrf_token(client)}
    page = client.post(f"/admin/users/{alice.id}/sign-in-link", data=data, headers=headers).text

    assert 'value="http://chat.home.arpa:8080/auth/link/' in page
    assert "evil.example" not in page


def test_afterwards_a_password_is_set(app: Flask, client: FlaskClient, link: str) -> None:
    send_form(client, link)
    assert send_form(client, "/settings/security", new_password=NEW).status_code == 303

    assert client.get("/chat").status_code == 200
    assert sign_in(app, EMAIL, NEW).get("/chat").status_code == 200


def test_an_account_without_a_password_gets_in(app: Flask, client: FlaskClient) -> None:
    make_user(app, EMAIL, password=None)
    send_form(client, make_link(app))

    assert send_form(client, "/settings/security", new_password=NEW).location == "/settings/security"


def test_a_first_password_wants_a_fresh_proof(app: Flask, client: FlaskClient, clock: Clock) -> None:
    make_user(app, EMAIL, password=None)
    send_form(client, make_link(app))
    clock.advance(minutes=11)

    assert send_form(client, "/settings/security", new_password=NEW).location.startswith("/auth/confirm")
    with app.app_context():
        assert db.session.scalars(select(User.password_hash)).all() == [None]


def test_it_replaces_whoever_was_signed_in(app: Flask, alice: Person, link: str) -> None:
    assert send_form(alice.client, link).status_code == 303

    assert EMAIL in alice.get("/settings/account").text
    with app.app_context():
        assert len(db.session.scalars(select(LoginSession)).all()) == 1


def test_a_new_password_ends_the_links_that_are_still_about(app: Flask, client: FlaskClient, link: str) -> None:
    second = make_link(app)
    assert client.get(second).status_code == 200
    send_form(client, link)
    send_form(client, "/settings/security", new_password=NEW)

    assert app.test_client().get(second).status_code == 404


def test_links_that_are_too_old_go_when_a_new_one_is_made(app: Flask, link: str, clock: Clock) -> None:
    assert link
    clock.advance(minutes=30)
    make_link(app)
    clock.advance(minutes=31)
    make_link(app)

    with app.app_context():
        assert len(db.session.scalars(select(EmailToken)).all()) == 2, "the first one is too old, the second one is not"


def test_guesses_from_the_owners_address_do_not_lock_the_owner_out(app: Flask, client: FlaskClient, link: str) -> None:
    home = sign_in(app, EMAIL)
    send_form(home, "/auth/logout")
    assert client.get("/auth/link/x").status_code == 404
    with app.app_context():
        db.session.execute(db.update(ThrottleBucket).values(tokens=0))
        db.session.commit()
    assert client.get(link).status_code == 429

    assert home.get(link).status_code == 200, "a browser that signed in before"

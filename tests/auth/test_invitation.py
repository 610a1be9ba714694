"""Who may make an account: everybody, whoever is invited, nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.invitations import create
from app.models.invitation import Invitation
from app.models.user import User
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import PASSWORD, csrf_token, make_user, send_form

EMAIL = "ada@example.org"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An installation where accounts are made by invitation."""
    return make_app(registration="invitation")


@pytest.fixture
def link(app: Flask) -> str:
    """The path of a new invitation."""
    return make_invitation(app)


def make_invitation(app: Flask) -> str:
    with app.app_context():
        link = create(None, "http://localhost:5000")
        db.session.commit()
    return urlsplit(link).path


def register(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD) -> TestResponse:
    return send_form(client, "/auth/register", email=email, password=password)


def count(app: Flask, table: type = User) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_it_works(app: Flask, client: FlaskClient, link: str) -> None:
    assert client.get(link).location == "/auth/register"
    assert client.get("/auth/register").status_code == 200
    assert register(client).status_code == 303

    assert client.get("/chat").status_code == 200
    assert (count(app), count(app, Invitation)) == (1, 0)


def test_without_one_there_is_no_account(app: Flask, client: FlaskClient, link: str) -> None:
    for answer in (client.get("/auth/register"), register(client)):
        assert answer.status_code == 403
        assert "Accounts are made by invitation here." in answer.text
    assert (count(app), count(app, Invitation)) == (0, 1)
    assert "Create an account" not in client.get("/auth/login").text


def test_it_works_once(app: Flask, client: FlaskClient, link: str) -> None:
    second = app.test_client()
    second.get(link)
    client.get(link)
    assert register(client).status_code == 303

    assert register(second, "eve@example.org").status_code == 403
    assert second.get(link).status_code == 403
    assert app.test_client().get(link).status_code == 403
    assert count(app) == 1


def test_looking_at_it_uses_nothing_up(app: Flask, client: FlaskClient, link: str) -> None:
    for scanner in [app.test_client() for _ in range(3)]:
        scanner.get(link)
        scanner.get("/auth/register")
    client.get(link)

    assert register(client).status_code == 303


def test_a_form_that_was_not_right_uses_nothing_up(app: Flask, client: FlaskClient, link: str) -> None:
    make_user(app, "taken@example.org")
    client.get(link)
    assert register(client, "taken@example.org").status_code == 409
    assert register(client, password="short").status_code == 422

    assert register(client).status_code == 303


def test_of_fifty_at_once_one_gets_in(app: Flask, link: str) -> None:
    browsers = [app.test_client() for _ in range(50)]
    for browser in browsers:
        browser.get(link)
        csrf_token(browser)
    works = (partial(register, browser, f"ada{n}@example.org") for n, browser in enumerate(browsers))
    statuses = [answer.status_code for answer in at_once(works)]

    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 403, 429, 503}
    assert count(app) == 1


def test_it_is_valid_for_seven_days(client: FlaskClient, link: str, clock: Clock) -> None:
    clock.advance(days=6.9)
    assert client.get(link).status_code == 302
    clock.advance(days=0.2)

    assert register(client).status_code == 403
    assert client.get(link).status_code == 403


def test_a_guess_is_no_invitation(client: FlaskClient, link: str) -> None:
    for token in ("x", "null", "None", "%00", "a" * 2000):
        assert client.get(f"/auth/invitation/{token}").status_code in (400, 403), token
    assert register(client).status_code == 403


def test_the_database_does_not_hold_it(app: Flask, link: str) -> None:
    token = link.rpartition("/")[2]
    assert len(token) == 43, "256 bits"
    with app.app_context():
        assert token not in db.session.scalars(select(Invitation.token_hash)).one()


def test_closed_is_closed(make_app: Callable[..., Flask], link: str) -> None:
    app = make_app(registration="closed")
    client = app.test_client()
    for answer in (client.get("/auth/register"), register(client), client.get(link)):
        assert answer.status_code == 403
        assert "Nobody can make an account here" in answer.text
    assert count(app) == 0
    assert app.test_cli_runner().invoke(args=["create-admin", EMAIL]).exit_code == 0


def test_fifty_registrations_at_once_make_no_administrator_and_no_address_twice(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    browsers = [app.test_client() for _ in range(50)]
    for browser in browsers:
        csrf_token(browser)
    works = (partial(register_from, browser, n) for n, browser in enumerate(browsers))
    statuses = [answer.status_code for answer in at_once(works)]

    assert set(statuses) <= {303, 409, 503}
    assert 0 < statuses.count(303) <= 25
    with app.app_context():
        users = db.session.scalars(select(User)).all()
        assert {user.role for user in users} == {"user"}
        assert len(users) == len({user.email_normalized for user in users}) == statuses.count(303)


def register_from(browser: FlaskClient, n: int) -> TestResponse:
    """Register one of 25 addresses, each twice, in two cases, all from different networks."""
    email = f"ada{n // 2}@example.org"
    data = {"email": email.upper() if n % 2 else email, "password": PASSWORD, "csrf_token": csrf_token(browser)}
    return browser.post("/auth/register", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})


def test_without_need_nothing_is_kept_of_a_path(client: FlaskClient) -> None:
    client.get(f"/auth/invitation/{'x' * 3900}")
    cookie = client.get_cookie("session")

    assert cookie is None or len(cookie.value) < 500

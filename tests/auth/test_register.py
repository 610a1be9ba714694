from __future__ import annotations

import re
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.user import User, find_user
from tests.parallel import at_once
from tests.people import PASSWORD, Person, csrf_token, make_user, send_form

EMAIL = "ada@example.org"


def register(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> TestResponse:
    return send_form(client, "/auth/register", email=email, password=password, **fields)


def count_users(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(User)) or 0


def test_it_works(app: Flask, client: FlaskClient) -> None:
    response = register(client, "Ada@Example.org")

    assert (response.status_code, response.location) == (303, "/")
    assert "Ada@Example.org" in client.get("/settings/account").text  # kept as it was typed
    with app.app_context():
        user = find_user(EMAIL)
        assert user is not None
        assert (user.role, user.active, user.name) == ("user", True, "")
        assert user.password_hash is not None
        assert user.password_hash.startswith("pbkdf2:sha256:")
        assert db.session.scalars(select(AuditEvent.kind).where(AuditEvent.subject_id == user.id)).all() == [
            "registered",
            "signed_in",
        ]


def test_the_page_has_one_form_with_address_and_password(client: FlaskClient) -> None:
    page = client.get("/auth/register").text

    assert page.count("<form") == 1
    assert 'autocomplete="username"' in page
    assert 'autocomplete="new-password"' in page


def test_it_accepts_addresses_of_the_world_and_of_home(app: Flask) -> None:
    home = ["me@home.local", "ada@localhost", "ada@box.home.arpa", "ada@chat.test"]
    for email in (*home, "jörg@exämple.org", "a+b.c@x.co"):
        client = app.test_client()
        assert register(client, email).status_code == 303, email
        assert send_form(client, "/auth/logout").status_code == 303
        assert send_form(client, "/auth/login", email=email, password=PASSWORD).status_code == 303


def test_it_forgives_spaces_around_the_address(app: Flask, client: FlaskClient) -> None:
    assert register(client, f"  {EMAIL} ").status_code == 303
    with app.app_context():
        assert find_user(EMAIL)


NO_ADDRESSES = [
    "",
    "ada",
    "ada@",
    "@example.org",
    "ada lovelace@example.org",
    "ada@example..org",
    "ada@-example.org",
    "ada@exam ple.org",
    "ada@example.org\nBcc: eve@example.org",
    "ada\0@example.org",
    "<script>@example.org",
    "ada@example.org, eve@example.org",
    "Ada <ada@example.org>",
    "a" * 250 + "@example.org",
    "ada@" + "a" * 250 + ".org",
]


def test_it_refuses_what_is_no_address(app: Flask, client: FlaskClient) -> None:
    for email in NO_ADDRESSES:
        assert register(client, email).status_code in (400, 422), email
    assert count_users(app) == 0


def test_an_address_that_grows_when_normalised_is_no_bug(client: FlaskClient) -> None:
    response = register(client, "\ufdfa" * 21 + "@example.org")  # NFKC makes 18 characters of each

    assert response.status_code == 422
    assert "too long" in response.text


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@example.org "])
def test_an_address_is_taken_whatever_its_case(app: Flask, client: FlaskClient, email: str) -> None:
    make_user(app, EMAIL)
    response = register(client, email)

    assert response.status_code == 409
    assert "There is an account with this address already." in response.text
    assert count_users(app) == 1
    assert client.get("/chat").status_code == 302


@pytest.mark.parametrize("email", ["\uff21\uff24\uff21@example.org", "ada@\uff45xample.org", "\u1d43da@example.org"])
def test_an_address_in_disguise_is_no_second_account(app: Flask, client: FlaskClient, email: str) -> None:
    make_user(app, EMAIL)

    assert register(client, email).status_code in (409, 422)
    assert count_users(app) == 1


@pytest.mark.parametrize(("password", "status"), [("k" * 7, 422), ("kx" * 4, 303), ("k" * 128, 303), ("k" * 129, 422)])
def test_a_password_has_8_to_128_characters(client: FlaskClient, password: str, status: int) -> None:
    response = register(client, password=password)

    assert response.status_code == status
    assert ("Use 8 to 128 characters." in response.text) == (status == 422)


@pytest.mark.parametrize("password", ["        ", "pässwörter 🙂", "-' OR 1=1 --", "aaaaaaa\0b"])
def test_a_password_may_hold_any_character(app: Flask, client: FlaskClient, password: str) -> None:
    status = register(client, password=password).status_code
    if "\0" in password:  # no keyboard types it, and no database stores it: refused before anything else
        assert status == 400
    else:
        assert status == 303
        assert send_form(app.test_client(), "/auth/login", email=EMAIL, password=password).status_code == 303


def test_a_common_password_is_refused(app: Flask, client: FlaskClient) -> None:
    for password in ("password", "PASSWORD1", "12345678", "iloveyou", "qwertyuiop"):
        response = register(client, password=password)
        assert response.status_code == 422, password
        assert "attacker" in response.text
    assert count_users(app) == 0


def test_a_refused_form_keeps_the_address_and_not_the_password(client: FlaskClient) -> None:
    page = register(client, password="k1tten!").text

    assert EMAIL in page
    assert "k1tten!" not in page


def test_nobody_becomes_an_administrator(app: Flask, client: FlaskClient) -> None:
    assert count_users(app) == 0, "the first account of all is the interesting one"
    register(client, role="admin", is_admin="1", active="1", id="1")

    assert client.get("/admin/users").status_code == 403


def test_many_first_registrations_at_once_make_no_administrator(app: Flask) -> None:
    browsers = [app.test_client() for _ in range(20)]
    for browser in browsers:
        csrf_token(browser)
    answers = at_once(partial(register, browser, f"ada{n}@example.org") for n, browser in enumerate(browsers))

    assert [answer.status_code for answer in answers] == [303] * 20
    with app.app_context():
        assert set(db.session.scalars(select(User.role))) == {"user"}
    assert count_users(app) == 20


def test_one_address_registered_twenty_times_at_once_is_one_account(app: Flask) -> None:
    browsers = [app.test_client() for _ in range(20)]
    for browser in browsers:
        csrf_token(browser)
    addresses = [EMAIL, EMAIL.upper()] * 10
    answers = at_once(partial(register, browser, email) for browser, email in zip(browsers, addresses, strict=True))

    assert sorted(answer.status_code for answer in answers) == [303] + [409] * 19
    assert count_users(app) == 1


def test_one_network_registers_twenty_accounts_an_hour(app: Flask, client: FlaskClient) -> None:
    data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}
    here = {"REMOTE_ADDR": "2001:db8:1:2::3"}
    neighbour = {"REMOTE_ADDR": "2001:db8:1:3::3"}
    make_user(app, EMAIL)
    for _ in range(20):
        assert client.post("/auth/register", data=data, environ_base=here).status_code == 409
    refused = client.post("/auth/register", data=data, environ_base={"REMOTE_ADDR": "2001:db8:1:2:ffff::4"})

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert client.post("/auth/register", data=data, environ_base=neighbour).status_code == 409


def test_it_leads_on_to_where_the_person_wanted_to_go(client: FlaskClient) -> None:
    data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}

    assert client.post("/auth/register?next=/settings/security", data=data).location == "/settings/security"


def test_who_is_signed_in_has_no_business_here(alice: Person) -> None:
    response = alice.get("/auth/register")

    assert (response.status_code, response.location) == (302, "/")


def test_an_address_that_is_far_too_long_is_refused_before_it_is_normalised(client: FlaskClient) -> None:
    marks = "\N{COMBINING GREEK YPOGEGRAMMENI}" * 100 + "\N{COMBINING GRAVE ACCENT}" * 8_000
    fields = {"email": f"a{marks}@e.org", "password": "long enough for anybody", "csrf_token": csrf_token(client)}

    response = client.post("/auth/register", data=fields)

    assert response.status_code == 422
    assert "at most 254 characters" in response.get_data(as_text=True)


@pytest.mark.parametrize("remember", [{"remember": "y"}, {}])
def test_staying_signed_in_is_a_choice(client: FlaskClient, remember: dict[str, str]) -> None:
    assert re.search(r'<input checked[^>]* name="remember"', client.get("/auth/register").text)
    send_form(client, "/auth/register", email="ada@example.org", password=PASSWORD, **remember)
    cookie = client.get_cookie("session")

    assert cookie is not None
    assert (cookie.expires is not None) == bool(remember)

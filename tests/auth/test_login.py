from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, select, text
from werkzeug.security import check_password_hash
from werkzeug.test import TestResponse

from app.auth import passwords
from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.login_session import LoginSession
from app.models.user import User
from tests.moved_clock import Clock
from tests.people import PASSWORD, csrf_token, make_user, send_form

EMAIL = "alice@example.org"


@pytest.fixture(autouse=True)
def _account(app: Flask) -> None:
    make_user(app, EMAIL)


def login(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> TestResponse:
    return send_form(client, "/auth/login", email=email, password=password, **fields)


def without_token(page: str) -> str:
    """The page without what is different on every page."""
    return re.sub(r'(content|value)="[^"]{60,}"', "", page)


def suspend(app: Flask, email: str) -> None:
    with app.app_context():
        db.session.execute(db.update(User).where(User.email == email).values(active=False))
        db.session.commit()


def test_it_works(app: Flask, client: FlaskClient) -> None:
    response = login(client)

    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/chat").status_code == 200
    with app.app_context():
        row = db.session.scalars(select(LoginSession)).one()
        assert row.method == "password"
        assert row.user.last_seen_at is not None
        assert db.session.scalars(select(AuditEvent.kind)).all() == ["signed_in"]


def test_the_page_has_one_form_with_address_and_password(client: FlaskClient) -> None:
    page = client.get("/auth/login").text

    assert page.count("<form") == 1
    assert 'autocomplete="username webauthn"' in page
    assert 'autocomplete="current-password"' in page


@pytest.mark.parametrize("email", [EMAIL.upper(), f" {EMAIL} ", "\uff21lice@example.org"])
def test_the_address_may_be_written_differently(client: FlaskClient, email: str) -> None:
    assert login(client, email).status_code == 303


def test_every_wrong_try_gets_the_same_answer(app: Flask, client: FlaskClient) -> None:
    make_user(app, "suspended@example.org")
    suspend(app, "suspended@example.org")
    make_user(app, "without@example.org", password=None)
    tries = [
        (EMAIL, "wrong password"),
        ("bobby@example.org", PASSWORD),
        ("suspended@example.org", PASSWORD),
        ("without@example.org", PASSWORD),
        ("without@example.org", "nobody has this password"),
    ]
    answers = [login(app.test_client(), email, password) for email, password in tries]

    assert [answer.status_code for answer in answers] == [401] * 5
    pages = {without_token(answer.text.replace(email, "")) for answer, (email, _) in zip(answers, tries, strict=True)}
    assert len(pages) == 1
    assert "The e-mail address or the password is not right." in pages.pop()
    assert len({tuple(answer.headers.keys()) for answer in answers}) == 1
    assert client.get("/chat").status_code == 302


@pytest.mark.parametrize("password", [PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1], "x" * 1000])
def test_a_password_is_right_or_wrong(client: FlaskClient, password: str) -> None:
    assert login(client, password=password).status_code == 401


def test_nothing_may_follow_the_longest_password(app: Flask, client: FlaskClient) -> None:
    longest = "kitten! " * 16
    make_user(app, "bob@example.org", password=longest)

    assert login(client, "bob@example.org", longest + "x").status_code == 401
    assert login(client, "bob@example.org", longest).status_code == 303


@pytest.mark.parametrize(
    ("email", "password"), [("", PASSWORD), (EMAIL, ""), ("a" * 321, PASSWORD), (EMAIL, "x" * 1025)]
)
def test_a_field_that_can_not_be_is_named(client: FlaskClient, email: str, password: str) -> None:
    assert login(client, email, password).status_code == 422


@pytest.mark.parametrize(("remember", "is_kept"), [({"remember": "y"}, True), ({}, False)])
def test_the_cookie_outlives_the_browser_only_when_wanted(
    client: FlaskClient, remember: dict[str, str], is_kept: bool
) -> None:
    login(client, **remember)
    cookie = client.get_cookie("session")

    assert cookie is not None
    assert (cookie.expires is not None) == is_kept


def test_the_cookies_are_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookies = login(client).headers.getlist("Set-Cookie")

    assert len(cookies) == 2
    for cookie in cookies:
        assert "; HttpOnly" in cookie
        assert "; SameSite=Lax" in cookie
        assert "; Secure" not in cookie


def test_over_https_the_cookies_are_secure(client: FlaskClient) -> None:
    base = "https://localhost"
    page = client.get("/auth/login", base_url=base).text
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page)[0]
    data = {"email": EMAIL, "password": PASSWORD, "csrf_token": token}
    response = client.post("/auth/login", base_url=base, data=data)

    assert response.status_code == 303, "also for a browser that sends neither Origin nor Referer"
    cookies = response.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("; Secure" in cookie for cookie in cookies)


def test_behind_https_the_cookies_are_secure(make_app: Callable[..., Flask]) -> None:
    client = make_app(public_url="https://localhost").test_client()
    cookies = login(client).headers.getlist("Set-Cookie")

    assert len(cookies) == 2
    assert all("; Secure" in cookie for cookie in cookies)


def test_the_cookie_of_before_is_worth_nothing(app: Flask, client: FlaskClient) -> None:
    csrf_token(client)
    before = client.get_cookie("session")
    login(client)
    after = client.get_cookie("session")
    assert before is not None
    assert after is not None

    planted = app.test_client()
    planted.set_cookie("session", before.value)
    assert planted.get("/chat").status_code == 302
    assert before.value != after.value


def test_a_session_ends_after_its_time(client: FlaskClient, clock: Clock) -> None:
    login(client)
    clock.advance(hours=23)
    assert client.get("/chat").status_code == 200
    clock.advance(hours=2)
    assert client.get("/chat").status_code == 302


def test_a_kept_session_ends_after_thirty_days(client: FlaskClient, clock: Clock) -> None:
    login(client, remember="y")
    clock.advance(days=29)
    assert client.get("/chat").status_code == 200
    clock.advance(days=2)
    assert client.get("/chat").status_code == 302


def test_sessions_that_are_over_leave_no_rows(app: Flask, client: FlaskClient, clock: Clock) -> None:
    login(client)
    clock.advance(days=2)
    login(app.test_client())

    with app.app_context():
        assert len(db.session.scalars(select(LoginSession)).all()) == 1


def test_a_forged_cookie_is_no_session(client: FlaskClient) -> None:
    for value in ("", "x", "eyJfdXNlcl9pZCI6ICIxIn0", ".eJw", "a.b.c", "\xff"):
        client.set_cookie("session", value)
        assert client.get("/chat").status_code == 302, value


def test_a_cookie_signed_with_another_key_is_no_session(make_app: Callable[..., Flask], alice_cookie: str) -> None:
    other = make_app(secret_key="another key, which is long enough as well").test_client()
    other.set_cookie("session", alice_cookie)

    assert other.get("/chat").status_code == 302


@pytest.fixture
def alice_cookie(client: FlaskClient) -> str:
    login(client)
    assert client.get("/chat").status_code == 200
    cookie = client.get_cookie("session")
    assert cookie is not None
    return cookie.value


def test_signing_in_again_changes_nothing_for_who_is_signed_in(app: Flask, client: FlaskClient) -> None:
    make_user(app, "bob@example.org")
    login(client)
    response = login(client, "bob@example.org")

    assert (response.status_code, response.location) == (302, "/")
    assert EMAIL in client.get("/settings/account").text


@pytest.mark.parametrize("change", ["password_hash = 'another'", "active = false"])
def test_what_is_no_longer_true_after_hashing_opens_nothing(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with app.app_context():
        other = create_engine(db.engine.url)

    def check(stored: str, password: str) -> bool:
        with other.begin() as connection:
            connection.execute(text(f'UPDATE "user" SET {change}'))
        return check_password_hash(stored, password)

    monkeypatch.setattr(passwords, "check_password_hash", check)
    response = login(client)
    other.dispose()

    assert (response.status_code, response.location) == (302, "/auth/login")
    with app.app_context():
        assert db.session.scalars(select(LoginSession)).all() == []


def test_every_browser_has_its_own_session(app: Flask) -> None:
    phone, laptop = app.test_client(), app.test_client()
    login(phone)
    login(laptop)
    send_form(phone, "/auth/logout")

    assert phone.get("/chat").status_code == 302
    assert laptop.get("/chat").status_code == 200


def test_when_the_browser_was_last_seen_is_noted_now_and_then(app: Flask, client: FlaskClient, clock: Clock) -> None:
    login(client)
    clock.advance(minutes=4)
    client.get("/chat")
    with app.app_context():
        first = db.session.scalars(select(LoginSession)).one().last_seen_at
    clock.advance(minutes=4)
    client.get("/chat")

    with app.app_context():
        row = db.session.scalars(select(LoginSession)).one()
        assert row.last_seen_at > first
        assert row.user.last_seen_at == row.last_seen_at


def test_a_session_that_ends_while_it_is_noted_is_over(app: Flask, client: FlaskClient, clock: Clock) -> None:
    login(client)
    clock.advance(minutes=10)
    with app.app_context():
        engine = db.engine
    other = create_engine(engine.url)
    ended: list[str] = []

    def end_it(_connection: object, statement: object, *_: object) -> None:
        if str(statement).startswith("UPDATE login_session") and not ended:
            ended.append(str(statement))
            with other.begin() as connection:
                connection.execute(text("DELETE FROM login_session"))

    event.listen(engine, "before_execute", end_it)
    response = client.get("/chat")
    other.dispose()

    assert ended, "it happened in between"
    assert response.location == "/auth/login?next=/chat"


OURS = ["/chat", "/settings/account?tab=1", "/chat/0199f4d2-0000-7000-8000-000000000000", "/auth/forgot?a=b&c=d"]
EVIL = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/..",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "\0//evil.example",
    "http:evil.example",
    "http:///evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "?next=//evil.example",
    "//[",
    "http://[",
    "//\u2100.example",
    "",
]


def test_it_leads_on_to_where_the_person_wanted_to_go(app: Flask) -> None:
    for target in OURS:
        client = app.test_client()
        assert client.get("/settings/account").location == "/auth/login?next=/settings/account"
        data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}
        assert client.post(f"/auth/login?next={quote(target)}", data=data).location == target


def test_it_leads_to_no_other_site(app: Flask) -> None:
    for target in EVIL:
        client = app.test_client()
        data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}
        path = f"/auth/login?next={quote(target, safe='')}"
        pages = [client.get(path), client.post(path, data=data), client.get(path)]
        addresses = [address for page in pages for address in re.findall(r'(?:href|action)="([^"]*)"', page.text)]
        assert [page.status_code for page in pages] in ([200, 303, 302], [400, 400, 400]), target
        assert not any("evil.example" in address for address in addresses), target
        assert {page.location for page in pages} <= {None, "/"}, target


def test_what_looks_evil_and_is_a_path_stays_here(app: Flask) -> None:
    for target in ("/%5Cevil.example", "/%2Fevil.example", "/.//evil.example", "/;@evil.example"):
        client = app.test_client()
        data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}
        location = client.post(f"/auth/login?next={quote(target, safe='')}", data=data).location
        assert urlsplit(urljoin("http://localhost/auth/login", location)).netloc == "localhost", target
        assert not location.startswith(("//", "/\\")), target

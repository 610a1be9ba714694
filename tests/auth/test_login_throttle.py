"""Wrong sign-ins are slowed down, for each pair, address and account; the owner's own browser is never locked out by others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import throttle
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from tests.auth.test_login import without_token
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import PASSWORD, csrf_token, make_user, send_form, sign_in

EMAIL = "alice@example.org"
WRONG = "not her password"
NEW_PASSWORD = "battery staple horse"


@pytest.fixture(autouse=True)
def _accounts(app: Flask) -> None:
    make_user(app, EMAIL)
    make_user(app, "bob@example.org")


class Attacker:
    """A browser that signs in from wherever it likes."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = csrf_token(client)

    def login(
        self, email: str = EMAIL, password: str = WRONG, address: str = "203.0.113.7", forwarded: str | None = None
    ) -> TestResponse:
        return self.client.post(
            "/auth/login",
            data={"email": email, "password": password, "csrf_token": self.token},
            environ_base={"REMOTE_ADDR": address},
            headers={"X-Forwarded-For": forwarded} if forwarded else {},
        )

    def flood(self, email: str = EMAIL) -> None:
        """Use up every try that strangers have on an account."""
        statuses = [self.login(email, address=f"198.51.100.{n}").status_code for n in range(101)]
        assert statuses == [401] * 100 + [429]


@pytest.fixture
def attacker(client: FlaskClient) -> Attacker:
    return Attacker(client)


def test_it_works(attacker: Attacker) -> None:
    statuses = [attacker.login().status_code for _ in range(7)]
    refused = attacker.login()

    assert statuses == [401] * 6 + [429]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "Too many tries." in refused.text


def test_the_right_password_does_not_get_through_either(attacker: Attacker) -> None:
    for _ in range(6):
        attacker.login()

    assert attacker.login(password=PASSWORD).status_code == 429, "else the answer would tell what to try again"


def test_an_address_that_nobody_has_is_slowed_down_alike(attacker: Attacker) -> None:
    statuses = [attacker.login("nobody@example.org").status_code for _ in range(7)]

    assert statuses == [401] * 6 + [429]


def test_the_case_of_the_address_does_not_matter(attacker: Attacker) -> None:
    for email in [EMAIL, EMAIL.upper(), EMAIL.title()] * 2:
        assert attacker.login(email).status_code == 401

    assert attacker.login(f" {EMAIL}").status_code == 429


def test_waiting_helps(attacker: Attacker, clock: Clock) -> None:
    for _ in range(6):
        attacker.login()
    refused = attacker.login()
    assert refused.status_code == 429
    clock.advance(seconds=int(refused.headers["Retry-After"]) + 1)

    assert attacker.login(password=PASSWORD).status_code == 303


def test_who_knows_the_password_is_never_slowed_down(app: Flask) -> None:
    for _ in range(12):
        assert Attacker(app.test_client()).login(password=PASSWORD).status_code == 303


def test_somebody_else_at_the_same_address_is_not_concerned(attacker: Attacker) -> None:
    for _ in range(7):
        attacker.login()

    assert attacker.login("bob@example.org", PASSWORD).status_code == 303


def test_one_network_has_thirty_tries_over_all_accounts(attacker: Attacker) -> None:
    statuses = [attacker.login(f"user{n}@example.org", address=f"2001:db8::{n:x}").status_code for n in range(31)]

    assert statuses == [401] * 30 + [429]
    assert attacker.login("user99@example.org", address="2001:db8:0:1::1").status_code == 401


def test_a_flood_from_everywhere_stops_at_a_hundred(attacker: Attacker) -> None:
    attacker.flood()

    assert attacker.login(password=PASSWORD, address="192.0.2.1").status_code == 429
    assert attacker.login("bob@example.org", PASSWORD, address="192.0.2.1").status_code == 303


def test_many_tries_at_once_do_not_slip_through(app: Flask) -> None:
    attackers = [Attacker(app.test_client()) for _ in range(12)]
    statuses = [answer.status_code for answer in at_once(attacker.login for attacker in attackers)]

    assert sorted(statuses) == [401] * 6 + [429] * 6


@pytest.fixture
def home(app: Flask) -> Attacker:
    """Alice's own browser, which signed in before and signed out."""
    browser = Attacker(app.test_client())
    assert browser.login(password=PASSWORD, address="192.0.2.1").status_code == 303
    csrf = csrf_token(browser.client)
    assert browser.client.post("/auth/logout", data={"csrf_token": csrf}).status_code == 303
    browser.token = csrf_token(browser.client)
    return browser


def test_the_owner_gets_in_while_strangers_flood(attacker: Attacker, home: Attacker) -> None:
    attacker.flood()
    assert attacker.login(password=PASSWORD, address="192.0.2.1").status_code == 429

    assert home.login(password=PASSWORD, address="192.0.2.1").status_code == 303


def test_a_new_password_makes_every_browser_a_stranger(app: Flask, attacker: Attacker, home: Attacker) -> None:
    browser = sign_in(app, EMAIL)
    changed = send_form(browser, "/settings/security", new_password=NEW_PASSWORD)
    assert changed.status_code == 303
    attacker.flood()

    assert home.login(password=NEW_PASSWORD, address="192.0.2.1").status_code == 429, (
        "whoever used it may be the reason"
    )


def test_a_browser_of_a_deleted_account_is_a_stranger(app: Flask, attacker: Attacker, home: Attacker) -> None:
    with app.app_context():
        db.session.execute(db.delete(User).where(User.email == EMAIL))
        db.session.commit()
    make_user(app, EMAIL)
    attacker.flood()

    assert home.login(password=PASSWORD, address="192.0.2.1").status_code == 429


def test_a_known_browser_has_its_own_limit(home: Attacker) -> None:
    statuses = [home.login(address=f"192.0.2.{n}").status_code for n in range(13)]

    assert statuses == [401] * 12 + [429]


def test_a_browser_known_to_one_account_is_a_stranger_to_another(attacker: Attacker, home: Attacker) -> None:
    attacker.flood("bob@example.org")

    assert home.login("bob@example.org", PASSWORD, address="192.0.2.1").status_code == 429


@pytest.mark.parametrize(
    "value", ["", "x", "null", '["alice@example.org", "me"]', "WyJhbGljZUBleGFtcGxlLm9yZyIsICJtZSJd.x"]
)
def test_a_forged_mark_helps_nobody(attacker: Attacker, value: str) -> None:
    attacker.client.set_cookie("device", value, path="/auth")
    statuses = [attacker.login().status_code for _ in range(7)]

    assert statuses == [401] * 6 + [429]


def test_a_forged_forwarding_header_is_not_believed(attacker: Attacker) -> None:
    statuses = [attacker.login(forwarded=f"198.51.100.{n}").status_code for n in range(7)]

    assert statuses == [401] * 6 + [429]


def test_a_trusted_proxy_is_believed(make_app: Callable[..., Flask]) -> None:
    attacker = Attacker(make_app(trusted_proxies=1).test_client())
    statuses = [attacker.login(forwarded=f"198.51.100.{n}").status_code for n in range(7)]

    assert statuses == [401] * 7


def test_what_was_forged_before_the_trusted_proxy_is_not_believed(make_app: Callable[..., Flask]) -> None:
    attacker = Attacker(make_app(trusted_proxies=1).test_client())
    statuses = [attacker.login(forwarded=f"198.51.100.{n}, 192.0.2.9").status_code for n in range(7)]

    assert statuses == [401] * 6 + [429]


def test_the_waits_grow(attacker: Attacker, clock: Clock) -> None:
    for _ in range(6):
        attacker.login()
    waits = []
    for _ in range(6):
        waits.append(int(attacker.login().headers["Retry-After"]))
        clock.advance(seconds=waits[-1])
        assert attacker.login().status_code == 401
    assert [round(wait / 60) for wait in waits] == [1, 2, 4, 8, 16, 16]


def test_who_knows_the_password_ends_the_growing(attacker: Attacker, clock: Clock) -> None:
    for _ in range(6):
        attacker.login()
    clock.advance(seconds=61)
    for _ in range(3):
        assert attacker.login(password=PASSWORD).status_code == 303
        send_form(attacker.client, "/auth/logout")
        attacker.token = csrf_token(attacker.client)
        attacker.client.delete_cookie("device", path="/auth")


def test_the_owner_gets_in_from_the_very_address_of_the_flood(attacker: Attacker, home: Attacker) -> None:
    for n in range(40):
        attacker.login(f"user{n}@example.org", address="192.0.2.1")
    assert attacker.login(address="192.0.2.1").status_code == 429

    assert home.login(password=PASSWORD, address="192.0.2.1").status_code == 303


def test_all_strangers_together_have_a_limit(app: Flask, attacker: Attacker, home: Attacker) -> None:
    with app.app_context():
        throttle.pay((throttle.LOGIN_OVERALL, "password"))
        db.session.execute(db.update(ThrottleBucket).where(ThrottleBucket.tokens > 200).values(tokens=-100))
        db.session.commit()

    assert attacker.login("somebody@example.org").status_code == 429
    assert attacker.login(password=PASSWORD, address="192.0.2.1").status_code == 429
    assert home.login(password=PASSWORD, address="192.0.2.1").status_code == 303


def test_a_refusal_says_the_same_of_known_and_unknown_addresses(app: Flask, clock: Clock) -> None:
    clock.stop()
    answers = []
    for email in (EMAIL, "nobody@example.org"):
        attacker = Attacker(app.test_client())
        for _ in range(6):
            attacker.login(email)
        refused = attacker.login(email)
        answers.append((refused.status_code, refused.text, refused.headers["Retry-After"]))
    assert without_token(answers[0][1]) == without_token(answers[1][1])
    assert answers[0][::2] == answers[1][::2]


def test_a_refusal_asks_no_database(app: Flask, attacker: Attacker) -> None:
    for _ in range(7):
        attacker.login()
    asked: list[str] = []
    with app.app_context():
        engine = db.engine

    def hear(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", hear)
    assert attacker.login().status_code == 429
    event.remove(engine, "before_cursor_execute", hear)

    assert asked == []


def test_old_tries_are_forgotten(app: Flask, attacker: Attacker, clock: Clock) -> None:
    attacker.login("nobody@example.org")
    clock.advance(days=3)
    attacker.login(password=PASSWORD)

    with app.app_context():
        assert len(db.session.scalars(db.select(ThrottleBucket)).all()) == 5, "those of the last sign-in alone"


def test_right_passwords_have_an_end_too(app: Flask, clock: Clock) -> None:
    clock.stop()
    statuses = [
        send_form(app.test_client(), "/auth/login", email=EMAIL, password=PASSWORD).status_code for _ in range(61)
    ]

    assert statuses == [303] * 60 + [429]


def test_wrong_passwords_do_not_use_up_the_right_ones(app: Flask) -> None:
    for number in range(70):
        elsewhere = {"REMOTE_ADDR": f"203.0.113.{number}"}
        client = app.test_client()
        data = {"email": EMAIL, "password": "wrong", "csrf_token": csrf_token(client)}
        assert client.post("/auth/login", data=data, environ_base=elsewhere).status_code == 401

    assert send_form(app.test_client(), "/auth/login", email=EMAIL, password=PASSWORD).status_code == 303

"""Signing in with a recovery code."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.login_session import LoginSession
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from tests.auth.test_recovery_codes import make_codes
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import Person, csrf_token, make_user, send_form, sign_in

NEW = "a wholly new passphrase"


@pytest.fixture
def codes(alice: Person) -> list[str]:
    return make_codes(alice)


def use(client: FlaskClient, code: str, email: str = "alice@example.org") -> TestResponse:
    return send_form(client, "/auth/recovery", email=email, code=code)


def test_it_works(app: Flask, client: FlaskClient, codes: list[str]) -> None:
    response = use(client, codes[3])

    assert (response.status_code, response.location) == (303, "/settings/security")
    assert "You are signed in. 9 recovery codes are left." in client.get("/settings/security").text
    with app.app_context():
        newest = select(LoginSession).order_by(LoginSession.id.desc())
        row = db.session.scalars(newest).first()
        assert row is not None
        assert (row.method, row.proven_at is not None) == ("recovery", True)
        kinds = db.session.scalars(select(AuditEvent.kind)).all()
        assert kinds.count("recovery_code_used") == 1


def test_the_last_ones_are_counted_down(app: Flask, codes: list[str]) -> None:
    said = []
    for code in codes:
        client = app.test_client()
        use(client, code)
        said.append(client.get("/settings/security").text)

    assert "1 recovery code is left." in said[8]
    assert "That was your last recovery code" in said[9]


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f"  {code}\t",
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: code.replace("0", "o").replace("1", "I"),
        lambda code: code.replace("-", "–"),
        lambda code: "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in code),
    ],
)
def test_typed_as_people_type(client: FlaskClient, codes: list[str], write: Callable[[str], str]) -> None:
    assert use(client, write(codes[0])).status_code == 303


def test_the_address_too(client: FlaskClient, codes: list[str]) -> None:
    assert use(client, codes[0], " ALICE@Example.org ").status_code == 303


def test_each_works_once(app: Flask, codes: list[str]) -> None:
    assert use(app.test_client(), codes[0]).status_code == 303
    assert use(app.test_client(), codes[0]).status_code == 401
    assert use(app.test_client(), codes[1]).status_code == 303


def test_of_ten_uses_at_once_one_succeeds(app: Flask, codes: list[str]) -> None:
    browsers = [app.test_client() for _ in range(10)]
    for browser in browsers:
        csrf_token(browser)
    answers = at_once(partial(use, browser, codes[0]) for browser in browsers)

    assert sorted(answer.status_code for answer in answers) == [303] + [401] * 9


def test_unknown_address_and_wrong_code_look_alike(app: Flask, codes: list[str]) -> None:
    wrong = "0000-0000-0000-0000"
    make_user(app, "suspended@example.org")
    with app.app_context():
        db.session.execute(db.update(User).where(User.email == "suspended@example.org").values(active=False))
        db.session.commit()
    pages = []
    for email in ("alice@example.org", "nobody@example.org", "suspended@example.org"):
        client = app.test_client()
        answer = use(client, wrong, email)
        page = re.sub(
            r'(content|value)="[^"]{40,}"', "", answer.text.replace(email, "")
        )  # each has a CSRF token of its own
        pages.append((answer.status_code, page))
    assert codes
    assert pages[0][0] == 401
    assert pages[0] == pages[1] == pages[2]


def test_a_suspended_account_stays_out(app: Flask, client: FlaskClient, admin: Person, codes: list[str]) -> None:
    with app.app_context():
        db.session.execute(db.update(User).where(User.email == "alice@example.org").values(active=False))
        db.session.commit()

    assert use(client, codes[0]).status_code == 401
    assert client.get("/chat").status_code == 302


def test_guesses_are_throttled(client: FlaskClient, codes: list[str]) -> None:
    statuses = [use(client, f"0000-0000-0000-0{number:03}").status_code for number in range(120)]

    assert statuses == [401] * 120
    answer = use(client, codes[0])
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_guesses_from_elsewhere_do_not_lock_the_owner_out(app: Flask, codes: list[str]) -> None:
    thief = app.test_client()
    for number in range(12):
        use(thief, f"0000-0000-0000-00{number:02}")
    owner = app.test_client()
    data = {"email": "alice@example.org", "code": codes[0], "csrf_token": csrf_token(owner)}

    answer = owner.post("/auth/recovery", data=data, environ_base={"REMOTE_ADDR": "192.0.2.77"})
    assert answer.status_code == 303


def test_guesses_from_the_owners_address_do_not_lock_the_owner_out(
    app: Flask, alice: Person, client: FlaskClient, codes: list[str]
) -> None:
    use(client, codes[0][:-1])
    with app.app_context():
        db.session.execute(db.update(ThrottleBucket).values(tokens=0))
        db.session.commit()
    assert use(client, codes[0]).status_code == 429
    send_form(alice.client, "/auth/logout")

    assert use(alice.client, codes[0]).status_code == 303, "a browser that signed in before"


def test_right_codes_are_not_counted(app: Flask, alice: Person) -> None:
    for _ in range(2):
        for code in make_codes(alice):
            assert use(app.test_client(), code).status_code == 303


def test_afterwards_a_password_is_set(app: Flask, client: FlaskClient, codes: list[str]) -> None:
    use(client, codes[0])
    assert send_form(client, "/settings/security", new_password=NEW).status_code == 303

    assert sign_in(app, "alice@example.org", NEW).get("/chat").status_code == 200


def test_ten_minutes_later_it_takes_another_proof(client: FlaskClient, codes: list[str], clock: Clock) -> None:
    use(client, codes[0])
    clock.advance(minutes=11)

    assert send_form(client, "/settings/security", new_password=NEW).location == "/auth/confirm"


def test_codes_survive_a_new_password(app: Flask, alice: Person, codes: list[str]) -> None:
    alice.post("/settings/security", new_password=NEW)

    assert use(app.test_client(), codes[0]).status_code == 303


def test_nonsense_is_answered(client: FlaskClient, codes: list[str]) -> None:
    for code in ("", "x" * 5000, "🙂" * 20, "null", "%", "0" * 16, "ﷺ" * 90):
        assert use(client, code).status_code in (401, 422), code
    for email in ("", "x" * 5000, "@", "alice@example.org\n"):
        assert use(client, codes[0], email).status_code in (303, 401, 422), email

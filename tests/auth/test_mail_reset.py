"""A new password by a mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.login_session import LoginSession
from app.models.passkey import Passkey
from app.models.recovery_code import RecoveryCode
from app.models.user import User
from tests.auth.test_recovery_codes import make_codes
from tests.mailbox import Mail, Mailbox, settle
from tests.parallel import at_once
from tests.people import PASSWORD, Person, copy_browser, csrf_token, make_user, send_form

NEW = "a wholly new passphrase"
CODE_PAGE = "/auth/reset/code"


@pytest.fixture
def app(make_app: Callable[..., Flask], mailbox: Mailbox) -> Iterator[Flask]:
    """The application, with a mail server."""
    app = make_app(mail_url=mailbox.url)
    yield app
    settle(app)


def ask(client: FlaskClient, mailbox: Mailbox, email: str, subject: str = "Choose a new password") -> Mail:
    assert send_form(client, "/auth/reset", email=email).location == CODE_PAGE
    mail = mailbox.wait(email)
    assert mail.subject == subject
    return mail


@pytest.fixture
def mail(client: FlaskClient, mailbox: Mailbox, alice: Person) -> Mail:
    """The mail that an unknown browser of Alice's asked for."""
    mailbox.wait(alice.email)  # the notice of her sign-in
    mailbox.mails.clear()
    return ask(client, mailbox, alice.email)


def can_sign_in(app: Flask, password: str) -> bool:
    return send_form(app.test_client(), "/auth/login", email="alice@example.org", password=password).status_code == 303


def test_the_link_works(app: Flask, client: FlaskClient, mailbox: Mailbox, mail: Mail) -> None:
    assert "alice@example.org" in client.get(mail.link).text
    answer = send_form(client, mail.link, new_password=NEW)

    assert (answer.status_code, answer.location) == (303, "/auth/login")
    assert "Your password is changed" in client.get("/auth/login").text
    assert can_sign_in(app, NEW)
    assert not can_sign_in(app, PASSWORD)
    settle(app)
    assert "Your password was changed" in [message.subject for message in mailbox.to("alice@example.org")]


def test_the_code_works(app: Flask, client: FlaskClient, mail: Mail) -> None:
    assert send_form(client, CODE_PAGE, code=mail.code, new_password=NEW).status_code == 303

    assert can_sign_in(app, NEW)


def test_every_session_ends_and_none_begins(app: Flask, client: FlaskClient, alice: Person, mail: Mail) -> None:
    assert alice.get("/chat").status_code == 200
    send_form(client, mail.link, new_password=NEW)

    assert alice.get("/api/models").status_code == 401
    assert client.get("/chat").status_code == 302
    with app.app_context():
        assert db.session.scalars(select(LoginSession)).all() == []


def test_passkeys_and_recovery_codes_stay(app: Flask, client: FlaskClient, alice: Person, mail: Mail) -> None:
    make_codes(alice)
    with app.app_context():
        row = {"user_id": alice.id, "credential_id": b"1", "public_key": b"1", "sign_count": 0, "rp_id": "localhost"}
        more = {"aaguid": "0" * 36, "transports": [], "backup_eligible": True, "backed_up": True, "name": "Phone"}
        db.session.add(Passkey(**row, **more))
        db.session.commit()
    send_form(client, mail.link, new_password=NEW)

    with app.app_context():
        assert len(db.session.scalars(select(Passkey)).all()) == 1
        assert len(db.session.scalars(select(RecoveryCode)).all()) == 10


def test_a_bad_password_uses_nothing_up(app: Flask, client: FlaskClient, mail: Mail) -> None:
    for bad in ("", "short", "password1", "x" * 129):
        assert send_form(client, mail.link, new_password=bad).status_code == 422, bad
        assert send_form(client, CODE_PAGE, code=mail.code, new_password=bad).status_code == 422, bad

    assert can_sign_in(app, PASSWORD)
    assert send_form(client, CODE_PAGE, code=mail.code, new_password=NEW).status_code == 303


def test_it_is_bound_to_the_browser_that_asked(app: Flask, client: FlaskClient, mail: Mail) -> None:
    other = app.test_client()
    assert other.get(mail.link).status_code == 403
    assert send_form(other, mail.link, new_password=NEW).status_code == 403
    assert send_form(other, CODE_PAGE, code=mail.code, new_password=NEW).location == "/auth/reset"
    assert can_sign_in(app, PASSWORD)

    assert send_form(client, mail.link, new_password=NEW).status_code == 303


def test_of_six_uses_at_once_one_succeeds(app: Flask, client: FlaskClient, mail: Mail) -> None:
    copies = [copy_browser(app, client) for _ in range(6)]
    for copy in copies:
        csrf_token(copy)
    answers = at_once(partial(send_form, copy, mail.link, new_password=f"{NEW} {i}") for i, copy in enumerate(copies))

    assert sorted(answer.status_code for answer in answers)[:2] != [303, 303]
    winner = [answer.status_code for answer in answers].index(303)
    assert can_sign_in(app, f"{NEW} {winner}")


def test_it_signs_nobody_in(client: FlaskClient, mail: Mail) -> None:
    token = mail.link.rpartition("/")[2]
    for path in (f"/auth/mail/{token}", f"/auth/link/{token}"):
        assert send_form(client, path).status_code == 404, path
    assert send_form(client, "/auth/mail/code", code=mail.code).location == "/auth/mail"


def test_no_account_without_a_password_gets_one(app: Flask, client: FlaskClient, mailbox: Mailbox) -> None:
    make_user(app, "bare@example.org", password=None)
    mail = ask(client, mailbox, "bare@example.org", "Your account has no password")

    assert "/auth/reset/" not in mail.text
    assert send_form(client, CODE_PAGE, code="000000", new_password=NEW).status_code == 422
    with app.app_context():
        assert db.session.scalars(select(User.password_hash)).all() == [None]


@pytest.mark.parametrize("way", ["link", "code"])
def test_no_password_comes_back_after_it_was_removed(app: Flask, client: FlaskClient, mail: Mail, way: str) -> None:
    with app.app_context():
        db.session.execute(db.update(User).values(password_hash=None))
        db.session.commit()
    path, fields = (mail.link, {}) if way == "link" else (CODE_PAGE, {"code": mail.code})
    answer = send_form(client, path, new_password=NEW, **fields)

    assert answer.status_code == 404
    assert "This link was used already, or it is too old." in answer.text
    with app.app_context():
        assert db.session.scalars(select(User.password_hash)).all() == [None]


def test_other_mails_are_worth_nothing_afterwards(client: FlaskClient, mailbox: Mailbox, mail: Mail) -> None:
    send_form(client, "/auth/mail", email="alice@example.org")
    other = mailbox.wait("alice@example.org", 2)
    assert client.get(other.link).status_code == 200
    send_form(client, mail.link, new_password=NEW)

    assert client.get(other.link).status_code == 404

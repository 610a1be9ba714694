"""Signing in by a mail: its link in the browser that asked, or its code there when the mail is read on another device."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.auth import mail_links
from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.email_token import EmailToken
from app.models.login_session import LoginSession
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from tests.mailbox import Mail, Mailbox, settle
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import PASSWORD, copy_browser, csrf_token, make_user, send_form, sign_in

EMAIL = "ada@example.org"
CODE_PAGE = "/auth/mail/code"


@pytest.fixture
def app(make_app: Callable[..., Flask], mailbox: Mailbox) -> Iterator[Flask]:
    """The application, with a mail server."""
    app = make_app(mail_url=mailbox.url)
    make_user(app, EMAIL)
    yield app
    settle(app)


@pytest.fixture
def mail(client: FlaskClient, mailbox: Mailbox) -> Mail:
    """The mail that this browser asked for."""
    assert send_form(client, "/auth/mail", email=EMAIL).location == CODE_PAGE
    return mailbox.wait(EMAIL)


def methods(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(LoginSession.method)))


def test_the_link_works(app: Flask, client: FlaskClient, mail: Mail) -> None:
    assert f'Sign in as <span class="break">{EMAIL}' in client.get(mail.link).text
    answer = send_form(client, mail.link)

    assert (answer.status_code, answer.location) == (303, "/")
    assert methods(app) == ["mail"]
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "signed_in")).one()
        assert event.method == "mail"


def test_the_code_works(app: Flask, client: FlaskClient, mail: Mail) -> None:
    answer = send_form(client, CODE_PAGE, code=mail.code)

    assert (answer.status_code, answer.location) == (303, "/")
    assert methods(app) == ["mail"]


@pytest.mark.parametrize("write", [lambda code: f"{code[:3]} {code[3:]}", lambda code: f" {code}. "])
def test_the_code_as_people_type_it(client: FlaskClient, mail: Mail, write: Callable[[str], str]) -> None:
    assert send_form(client, CODE_PAGE, code=write(mail.code)).status_code == 303


def test_the_mail_is_of_use(mail: Mail) -> None:
    assert mail.message["From"] == "Password-less Chat <no-reply@localhost>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert re.search(r"^http://localhost:5000/auth/mail/[\w-]{43}$", mail.text, re.M), "built from PUBLIC_URL"
    assert "within 10 minutes" in mail.text


def test_looking_at_it_uses_nothing_up(app: Flask, client: FlaskClient, mail: Mail) -> None:
    for browser in (client, app.test_client(), app.test_client()):
        assert browser.get(mail.link).status_code in (200, 403)
        assert browser.head(mail.link).status_code in (200, 403)
        assert browser.get("/chat").status_code == 302

    assert send_form(client, mail.link).status_code == 303


def test_it_is_bound_to_the_browser_that_asked(app: Flask, client: FlaskClient, mail: Mail) -> None:
    other = app.test_client()
    page = other.get(mail.link)
    assert page.status_code == 403
    assert "This link belongs to another browser" in page.text
    assert mail.code not in page.text
    assert send_form(other, mail.link).status_code == 403
    assert send_form(other, CODE_PAGE, code=mail.code).location == "/auth/mail"
    assert other.get("/chat").status_code == 302

    assert send_form(client, mail.link).status_code == 303, "nothing was used up"


def test_another_browser_that_asked_for_itself_is_another_one(app: Flask, mailbox: Mailbox, mail: Mail) -> None:
    make_user(app, "eve@example.org")
    eve = app.test_client()
    send_form(eve, "/auth/mail", email="eve@example.org")
    mailbox.wait("eve@example.org")

    assert eve.get(mail.link).status_code == 403
    assert send_form(eve, CODE_PAGE, code=mail.code).status_code == 422


def test_it_works_once(app: Flask, client: FlaskClient, mail: Mail) -> None:
    copy = copy_browser(app, client)
    assert send_form(client, mail.link).status_code == 303

    assert send_form(copy, mail.link).status_code == 404
    assert send_form(copy, CODE_PAGE, code=mail.code).status_code == 422
    assert methods(app) == ["mail"]


def test_of_ten_uses_at_once_one_succeeds(app: Flask, client: FlaskClient, mail: Mail) -> None:
    copies = [copy_browser(app, client) for _ in range(10)]
    for copy in copies:
        csrf_token(copy)
    by_link = [partial(send_form, copy, mail.link) for copy in copies[:6]]
    by_code = [partial(send_form, copy, CODE_PAGE, code=mail.code) for copy in copies[6:]]
    answers = at_once([*by_link, *by_code])

    assert [answer.status_code for answer in answers].count(303) == 1
    assert {answer.status_code for answer in answers} <= {303, 404, 422}
    assert methods(app) == ["mail"]


def test_five_tries_and_no_more(client: FlaskClient, mail: Mail) -> None:
    wrong = [f"{number:06}" for number in range(6) if f"{number:06}" != mail.code][:5]
    for code in wrong:
        answer = send_form(client, CODE_PAGE, code=code)
        assert answer.status_code == 422
        assert "This code is not right, or it is too old." in answer.text

    assert send_form(client, CODE_PAGE, code=mail.code).status_code == 422
    assert send_form(client, mail.link).status_code == 303, "nobody guesses the link"


def test_parallel_guesses_are_five_tries_too(app: Flask, client: FlaskClient, mail: Mail) -> None:
    copies = [copy_browser(app, client) for _ in range(12)]
    for copy in copies:
        csrf_token(copy)
    at_once(partial(send_form, copy, CODE_PAGE, code="x1") for copy in copies)

    with app.app_context():
        assert db.session.scalars(select(EmailToken.tries)).all() == [5]
    assert send_form(client, CODE_PAGE, code=mail.code).status_code == 422


def test_codes_can_not_be_tried_all_day(app: Flask, client: FlaskClient, mailbox: Mailbox, clock: Clock) -> None:
    statuses: list[int] = []
    for round_ in range(8):
        assert send_form(client, "/auth/mail", email=EMAIL).status_code == 303
        mailbox.wait(EMAIL, round_ + 1)
        statuses += [send_form(client, CODE_PAGE, code="x").status_code for _ in range(5)]
        clock.advance(minutes=31)

    assert set(statuses[:30]) == {422}
    assert 429 in statuses[30:]


def test_it_is_valid_for_ten_minutes(client: FlaskClient, mail: Mail, clock: Clock) -> None:
    clock.advance(minutes=9)
    assert client.get(mail.link).status_code == 200
    clock.advance(minutes=2)

    assert client.get(mail.link).status_code == 404
    assert send_form(client, mail.link).status_code == 404
    assert send_form(client, CODE_PAGE, code=mail.code).status_code == 422


def test_a_second_mail_leaves_the_first_one_good(client: FlaskClient, mailbox: Mailbox, mail: Mail) -> None:
    send_form(client, "/auth/mail", email=EMAIL)
    mailbox.wait(EMAIL, 2)

    assert send_form(client, mail.link).status_code == 303


def test_only_the_newest_code_counts(app: Flask, client: FlaskClient, mailbox: Mailbox, mail: Mail) -> None:
    """Otherwise one guess would be compared with the codes of five mails."""
    for count in (2, 3):
        send_form(client, "/auth/mail", email=EMAIL)
        newest = mailbox.wait(EMAIL, count)
    settle(app)
    with app.app_context():
        assert [bool(code) for code in db.session.scalars(select(EmailToken.code_hash).order_by(EmailToken.id))] == [
            False,
            False,
            True,
        ]

    assert send_form(client, CODE_PAGE, code=mail.code).status_code == 422
    assert send_form(client, CODE_PAGE, code=newest.code).status_code == 303


def test_the_database_holds_hashes(app: Flask, mail: Mail) -> None:
    with app.app_context():
        row = db.session.scalars(select(EmailToken)).one()
        stored = " ".join((row.token_hash, row.browser_hash, row.code_hash))
    assert mail.link.rpartition("/")[2] not in stored
    assert mail.code not in stored


def test_every_address_gets_the_same_answer(app: Flask, client: FlaskClient, mailbox: Mailbox) -> None:
    make_user(app, "suspended@example.org")
    with app.app_context():
        db.session.execute(db.update(User).where(User.email == "suspended@example.org").values(active=False))
        db.session.commit()
    pages = []
    for email in (EMAIL, "nobody@example.org", "suspended@example.org"):
        browser = app.test_client()
        answer = send_form(browser, "/auth/mail", email=email)
        wrong = send_form(browser, CODE_PAGE, code="000000x")
        page = browser.get(CODE_PAGE).text + wrong.text
        pages.append((answer.status_code, answer.location, wrong.status_code, page.replace(email, "")))
    pages = [(*page[:3], re.sub(r'(content|value)="[^"]{20,}"', "", page[3])) for page in pages]
    settle(app)

    assert pages[0] == pages[1] == pages[2]
    assert {mail.to for mail in mailbox.mails} == {EMAIL}


def test_mailboxes_are_not_flooded(app: Flask, client: FlaskClient, mailbox: Mailbox) -> None:
    statuses = [send_form(client, "/auth/mail", email=EMAIL).status_code for _ in range(6)]
    unknown = [send_form(client, "/auth/mail", email="nobody@example.org").status_code for _ in range(6)]
    settle(app)

    assert statuses == unknown == [303] * 5 + [429]
    assert len(mailbox.mails) == 5


@pytest.fixture
def home(app: Flask, mailbox: Mailbox) -> FlaskClient:
    """A browser that signed in before and signed out."""
    browser = sign_in(app, EMAIL)
    send_form(browser, "/auth/logout")
    mailbox.wait(EMAIL)  # the notice of a new device
    mailbox.mails.clear()
    return browser


def test_strangers_can_not_keep_mails_from_a_known_device(
    client: FlaskClient, home: FlaskClient, mailbox: Mailbox
) -> None:
    for path in ("/auth/mail", "/auth/reset") * 3:
        last = send_form(client, path, email=EMAIL)
    assert last.status_code == 429

    assert send_form(home, "/auth/mail", email=EMAIL).status_code == 303
    assert send_form(home, "/auth/reset", email=EMAIL).status_code == 303


def test_strangers_can_not_use_up_the_tries_of_a_known_device(
    app: Flask, client: FlaskClient, home: FlaskClient, mailbox: Mailbox
) -> None:
    send_form(client, "/auth/mail", email=EMAIL)
    mailbox.wait(EMAIL)
    statuses = [send_form(client, CODE_PAGE, code="x").status_code for _ in range(31)]
    assert statuses == [422] * 30 + [429]
    with app.app_context():
        db.session.execute(db.update(ThrottleBucket).values(tokens=0))
        db.session.commit()
    send_form(home, "/auth/mail", email=EMAIL)

    assert send_form(home, CODE_PAGE, code=mailbox.wait(EMAIL, 2).code).status_code == 303


def test_a_known_device_has_its_own_limits(home: FlaskClient) -> None:
    assert [send_form(home, "/auth/mail", email=EMAIL).status_code for _ in range(6)] == [303] * 5 + [429]
    assert [send_form(home, CODE_PAGE, code="x").status_code for _ in range(31)] == [422] * 30 + [429]


def test_who_asked_for_anothers_address_is_a_stranger_to_it(app: Flask, client: FlaskClient, home: FlaskClient) -> None:
    make_user(app, "bob@example.org")
    for _ in range(5):
        send_form(client, "/auth/mail", email="bob@example.org")

    assert send_form(home, "/auth/mail", email="bob@example.org").status_code == 429


def test_nothing_is_used_up_before_there_is_a_session(app: Flask, client: FlaskClient, mail: Mail) -> None:
    """Both are one transaction: where the second fails, the mail is as good as before."""
    with app.app_context():
        row = db.session.scalars(select(EmailToken)).one()
        assert mail_links.use_for_sign_in(row).email == EMAIL
        db.session.rollback()

    assert send_form(client, mail.link).status_code == 303


def test_it_is_no_administrators_link(client: FlaskClient, mail: Mail) -> None:
    token = mail.link.rpartition("/")[2]
    for path in (f"/auth/link/{token}", f"/auth/reset/{token}"):
        assert client.get(path).status_code == 404
        assert send_form(client, path, new_password=PASSWORD).status_code == 404


def test_a_guess_is_no_link(client: FlaskClient, mail: Mail) -> None:
    assert client.get(mail.link).status_code == 200, "there is one to be guessed"
    for token in ("x", "null", "None", "%00", "undefined", "a" * 2000, "%F0%9F%99%82"):
        assert client.get(f"/auth/mail/{token}").status_code == 404, token
        assert send_form(client, f"/auth/mail/{token}").status_code == 404, token


def test_it_is_worth_nothing_for_a_suspended_account(app: Flask, client: FlaskClient, mail: Mail) -> None:
    with app.app_context():
        db.session.execute(db.update(User).values(active=False))
        db.session.commit()

    assert send_form(client, mail.link).status_code == 404
    assert send_form(client, CODE_PAGE, code=mail.code).status_code == 422


def test_the_session_proves_nothing(app: Flask, client: FlaskClient, mail: Mail) -> None:
    send_form(client, mail.link)

    for path in ("/settings/recovery-codes", "/settings/email"):
        led, sent = client.get(path), send_form(client, path, email="eve@example.org")
        assert (led.status_code, led.location) == (302, f"/auth/confirm?next={path}")
        assert (sent.status_code, sent.location) == (303, "/auth/confirm"), path
    assert "new_password" not in client.get("/settings/security").text
    assert send_form(client, "/settings/security", new_password="a wholly new passphrase").location == "/auth/confirm"
    with app.app_context():
        assert db.session.scalars(select(LoginSession.proven_at)).all() == [None]


def test_without_a_password_it_can_not_set_one(app: Flask, client: FlaskClient, mailbox: Mailbox) -> None:
    make_user(app, "bare@example.org", password=None)
    send_form(client, "/auth/mail", email="bare@example.org")
    send_form(client, mailbox.wait("bare@example.org").link)
    assert client.get("/chat").status_code == 200

    answer = send_form(client, "/settings/security", new_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/auth/confirm")
    with app.app_context():
        user = db.session.scalars(select(User).where(User.email == "bare@example.org")).one()
        assert user.password_hash is None


def test_without_a_mail_server_there_is_none_of_this(make_app: Callable[..., Flask]) -> None:
    app = make_app(mail_url="")
    client = app.test_client()
    for path in ("/auth/mail", CODE_PAGE, "/auth/mail/x", "/auth/reset", "/auth/reset/code", "/auth/reset/x"):
        assert client.get(path).status_code == 404, path
    assert "mail me" not in client.get("/auth/login").text
    assert "This server sends no mail." in client.get("/auth/forgot").text

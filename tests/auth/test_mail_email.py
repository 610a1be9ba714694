"""Another e-mail address: confirmed by a mail to the new one, told to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.user import User
from tests.mailbox import Mail, Mailbox, settle
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import PASSWORD, Person, copy_browser, csrf_token, make_user, send_form, sign_in

OLD, NEW = "alice@example.org", "Alice.Liddell@example.org"
CODE_PAGE = "/settings/email/code"


@pytest.fixture
def app(make_app: Callable[..., Flask], mailbox: Mailbox) -> Iterator[Flask]:
    """The application, with a mail server."""
    app = make_app(mail_url=mailbox.url)
    yield app
    settle(app)


@pytest.fixture
def mail(mailbox: Mailbox, alice: Person) -> Mail:
    """The mail to the new address."""
    assert alice.post("/settings/email", email=NEW).location == CODE_PAGE
    return mailbox.wait(NEW)


def addresses(app: Flask) -> set[tuple[str, str]]:
    with app.app_context():
        return {(user.email, user.email_normalized) for user in db.session.scalars(select(User))}


def test_the_link_works(app: Flask, alice: Person, mailbox: Mailbox, mail: Mail) -> None:
    assert NEW in alice.get(mail.link).text
    assert addresses(app) == {(OLD, OLD)}, "looking changes nothing"
    answer = alice.post(mail.link)

    assert (answer.status_code, answer.location) == (303, "/settings/account")
    assert addresses(app) == {(NEW, NEW.lower())}
    assert alice.get("/chat").status_code == 200
    assert sign_in(app, NEW, PASSWORD)
    with app.app_context():
        kinds = db.session.scalars(select(AuditEvent.kind).where(AuditEvent.subject_id == alice.id)).all()
        assert kinds.count("email_changed") == 1
    settle(app)
    told = [message.to for message in mailbox.mails if message.subject == "Your e-mail address was changed"]
    assert sorted(told) == sorted([OLD, NEW])


def test_the_code_works(app: Flask, alice: Person, mail: Mail) -> None:
    assert alice.post(CODE_PAGE, code=mail.code).location == "/settings/account"

    assert addresses(app) == {(NEW, NEW.lower())}


def test_other_browsers_are_signed_out(app: Flask, alice: Person, mail: Mail) -> None:
    phone = sign_in(app, OLD)
    alice.post(mail.link)

    assert phone.get("/api/models").status_code == 401


def test_mails_to_the_old_address_are_worth_nothing_afterwards(
    app: Flask, alice: Person, mailbox: Mailbox, mail: Mail
) -> None:
    thief = app.test_client()
    send_form(thief, "/auth/mail", email=OLD)
    settle(app)
    stolen = next(message for message in reversed(mailbox.to(OLD)) if message.subject == "Your sign-in link")
    assert thief.get(stolen.link).status_code == 200
    alice.post(mail.link)

    assert send_form(thief, stolen.link).status_code == 404


def test_an_address_that_is_taken_gets_the_same_answer_and_no_mail(
    app: Flask, alice: Person, bob: Person, mailbox: Mailbox
) -> None:
    settle(app)
    before = len(mailbox.to(bob.email))
    answer = alice.post("/settings/email", email=bob.email.upper())

    assert answer.location == CODE_PAGE
    settle(app)
    assert len(mailbox.to(bob.email)) == before
    assert (bob.email, bob.email) in addresses(app)


def test_an_address_that_was_taken_meanwhile(app: Flask, alice: Person, mail: Mail) -> None:
    make_user(app, NEW.upper())
    answer = alice.post(mail.link)

    assert answer.location == "/settings/account"
    assert "There is an account with this address already." in alice.get("/settings/account").text
    assert (OLD, OLD) in addresses(app)


def test_two_who_want_the_same_address_at_once(app: Flask, alice: Person, bob: Person, mailbox: Mailbox) -> None:
    alice.post("/settings/email", email=NEW)
    first = mailbox.wait(NEW)
    bob.post("/settings/email", email=NEW)
    second = mailbox.wait(NEW, 2)
    csrf_token(alice.client), csrf_token(bob.client)
    at_once([partial(alice.post, first.link), partial(bob.post, second.link)])

    assert [normal for _, normal in addresses(app)].count(NEW.lower()) == 1
    assert len(addresses(app)) == 2


def test_only_the_spelling_may_change_too(app: Flask, alice: Person, mailbox: Mailbox) -> None:
    alice.post("/settings/email", email="Alice@Example.org")
    alice.post(mailbox.wait("Alice@Example.org").link)

    assert addresses(app) == {("Alice@Example.org", OLD)}


def test_it_is_bound_to_the_browser_and_to_the_account(app: Flask, alice: Person, bob: Person, mail: Mail) -> None:
    phone = sign_in(app, OLD)
    assert phone.get(mail.link).status_code == 403
    assert send_form(phone, mail.link).status_code == 403
    assert bob.post(mail.link).status_code == 403
    assert app.test_client().get(mail.link).status_code == 302
    send_form(alice.client, "/auth/logout")
    assert addresses(app) == {(OLD, OLD), (bob.email, bob.email)}


def test_parallel_uses_succeed_once(app: Flask, alice: Person, mail: Mail) -> None:
    copies = [copy_browser(app, alice.client) for _ in range(5)]
    for copy in copies:
        csrf_token(copy)
    at_once(partial(send_form, copy, mail.link) for copy in copies)

    with app.app_context():
        kinds = db.session.scalars(select(AuditEvent.kind)).all()
        assert kinds.count("email_changed") == 1


def test_addresses_can_not_be_tried_all_day(app: Flask, alice: Person, clock: Clock) -> None:
    statuses = [alice.post("/settings/email", email=f"victim+{n}@example.org").status_code for n in range(6)]

    assert statuses == [303] * 5 + [429]


def test_an_old_proof_is_not_enough(app: Flask, alice: Person, mailbox: Mailbox, clock: Clock) -> None:
    clock.advance(minutes=11)

    led, sent = alice.get("/settings/email"), alice.post("/settings/email", email=NEW)
    assert (led.status_code, led.location) == (302, "/auth/confirm?next=/settings/email")
    assert (sent.status_code, sent.location) == (303, "/auth/confirm")
    settle(app)
    assert mailbox.to(NEW) == []


def test_strangers_can_not_keep_the_mail_away(app: Flask, alice: Person, mailbox: Mailbox) -> None:
    stranger = app.test_client()
    assert [send_form(stranger, "/auth/mail", email=NEW).status_code for _ in range(6)] == [303] * 5 + [429]
    send_form(stranger, "/auth/mail/code", code="x")

    assert alice.post("/settings/email", email=NEW).location == CODE_PAGE
    assert alice.post(CODE_PAGE, code=mailbox.wait(NEW).code).location == "/settings/account"


@pytest.mark.parametrize(
    "email", ["", "alice", "a b@example.org", "x" * 300 + "@example.org", "eve@example.org\r\nBcc: x@y.z"]
)
def test_what_is_no_address_is_refused(app: Flask, alice: Person, mailbox: Mailbox, email: str) -> None:
    assert alice.post("/settings/email", email=email).status_code == 422
    settle(app)
    assert {message.to for message in mailbox.mails} <= {OLD}


def test_without_a_mail_server_the_page_says_why(make_app: Callable[..., Flask], alice: Person) -> None:
    client = sign_in(make_app(mail_url=""), alice.email)

    assert client.get("/settings/email").status_code == 404
    assert "MAIL_URL" in client.get("/settings/account").text

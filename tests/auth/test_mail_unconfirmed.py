"""Addresses that nobody confirmed: whoever typed one gains nothing by it, and who reads its mails ends up in no stranger's account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models.user import User
from tests.auth.ceremonies import sign_up_with
from tests.auth.test_recovery_codes import make_codes
from tests.mailbox import Mail, Mailbox, settle
from tests.people import PASSWORD, Person, make_user, send_form, sign_up

EMAIL = "victim@example.org"
PLAIN = "This address is not confirmed"


@pytest.fixture
def app(make_app: Callable[..., Flask], mailbox: Mailbox) -> Iterator[Flask]:
    """The application, with a mail server."""
    app = make_app(mail_url=mailbox.url)
    yield app
    settle(app)


@pytest.fixture
def ada(app: Flask) -> Person:
    """Somebody who did not confirm her address yet."""
    return sign_up(app, EMAIL, confirmed=False)


def ask_to_confirm(ada: Person, mailbox: Mailbox) -> Mail:
    assert ada.post("/settings/email", email=EMAIL).location == "/settings/email/code"
    return mailbox.wait(EMAIL)


def is_confirmed(app: Flask, user_id: UUID) -> bool:
    with app.app_context():
        return db.session.get_one(User, user_id).email_confirmed_at is not None


def test_who_signs_up_with_a_strangers_address_gets_no_company(
    app: Flask, client: FlaskClient, mailbox: Mailbox
) -> None:
    """A stranger makes the account and waits inside for the owner of the address, who comes by a mail."""
    stranger = app.test_client()
    response, _ = sign_up_with(stranger, EMAIL)
    assert response.status_code < 300
    assert make_codes(Person(UUID(int=0), EMAIL, stranger, app))
    for path in ("/auth/mail", "/auth/reset"):
        assert send_form(client, path, email=EMAIL).location == f"{path}/code"
    settle(app)

    assert [mail.subject for mail in mailbox.to(EMAIL)] == [PLAIN] * 2
    for mail in mailbox.to(EMAIL):
        assert "tell the administrator" in mail.text
        assert "/auth/" not in mail.text
        assert send_form(client, "/auth/mail/code", code="000000").status_code == 422


def test_the_answer_is_that_for_everybody(app: Flask, client: FlaskClient, ada: Person) -> None:
    make_user(app, "bob@example.org")
    answers = [send_form(client, "/auth/mail", email=email) for email in (EMAIL, "bob@example.org", "no@example.org")]

    assert len({(answer.status_code, answer.location) for answer in answers}) == 1


@pytest.mark.parametrize("way", ["link", "code"])
def test_the_person_confirms_it(app: Flask, client: FlaskClient, ada: Person, mailbox: Mailbox, way: str) -> None:
    assert "Confirm this address" in ada.get("/settings/account").text
    assert f'value="{EMAIL}"' in ada.get("/settings/email").text
    mail = ask_to_confirm(ada, mailbox)
    if way == "link":
        assert "Confirm the address" in ada.get(mail.link).text
        assert not is_confirmed(app, ada.id), "looking changes nothing"
        ada.post(mail.link)
    else:
        ada.post("/settings/email/code", code=mail.code)

    page = ada.get("/settings/account").text
    assert "Your e-mail address is confirmed." in page
    assert "Confirm this address" not in page
    assert is_confirmed(app, ada.id)
    send_form(client, "/auth/mail", email=EMAIL)
    assert mailbox.wait(EMAIL, 2).subject == "Your sign-in link"


def test_somebody_elses_confirmation_counts_for_nobody(app: Flask, ada: Person, bob: Person, mailbox: Mailbox) -> None:
    mail = ask_to_confirm(ada, mailbox)
    assert bob.post(mail.link).status_code == 403

    assert not is_confirmed(app, ada.id)


def test_a_change_of_address_confirms_the_new_one_and_tells_it_alone(app: Flask, ada: Person, mailbox: Mailbox) -> None:
    ada.post("/settings/email", email="ada@example.org")
    ada.post(mailbox.wait("ada@example.org").link)
    settle(app)

    assert is_confirmed(app, ada.id)
    assert mailbox.to(EMAIL) == []
    assert mailbox.to("ada@example.org")[-1].subject == "Your e-mail address was changed"


def test_nothing_that_a_stranger_says_of_their_browser_is_mailed(app: Flask, mailbox: Mailbox) -> None:
    make_user(app, EMAIL)
    browser = app.test_client()
    browser.environ_base["HTTP_USER_AGENT"] = "Your account will be deleted. Keep it: http://evil.example Firefox"
    send_form(browser, "/auth/login", email=EMAIL, password=PASSWORD)

    text = mailbox.wait(EMAIL).text
    assert "Firefox, from 127.0.0.1" in text
    assert "evil" not in text


def test_without_a_mail_server_nothing_of_this_shows(make_app: Callable[..., Flask]) -> None:
    page = sign_up(make_app(mail_url=""), EMAIL, confirmed=False).get("/settings/account").text

    assert "onfirmed" not in page
    assert "Confirm this address" not in page

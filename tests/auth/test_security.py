from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from tests.people import PASSWORD, Person, copy_browser, csrf_token, send_form, sign_in

NEW = "a wholly new passphrase"


def change(person: Person, current: str = PASSWORD, new: str = NEW) -> int:
    return person.post("/settings/security", current_password=current, new_password=new).status_code


def can_sign_in(app: Flask, password: str) -> bool:
    return send_form(app.test_client(), "/auth/login", email="alice@example.org", password=password).status_code == 303


def test_it_works(app: Flask, alice: Person) -> None:
    assert change(alice) == 303

    assert "Your password is changed." in alice.get("/settings/security").text
    assert can_sign_in(app, NEW)
    assert not can_sign_in(app, PASSWORD)
    with app.app_context():
        kinds = select(AuditEvent.kind).where(AuditEvent.subject_id == alice.id)
        assert "password_changed" in db.session.scalars(kinds).all()


def test_all_other_browsers_are_signed_out(app: Flask, alice: Person, bob: Person) -> None:
    phone = sign_in(app, alice.email)
    assert phone.get("/chat").status_code == 200
    change(alice)

    assert phone.get("/chat").status_code == 302
    assert bob.get("/chat").status_code == 200


def test_a_stolen_cookie_of_this_very_browser_is_dead(app: Flask, alice: Person) -> None:
    thief = copy_browser(app, alice.client)
    assert thief.get("/api/conversations").status_code == 200
    change(alice)

    assert thief.get("/api/conversations").status_code == 401
    assert alice.get("/api/conversations").status_code == 200


@pytest.mark.parametrize("remember", [{"remember": "y"}, {}])
def test_the_browser_is_remembered_as_before(app: Flask, alice: Person, remember: dict[str, str]) -> None:
    client = app.test_client()
    send_form(client, "/auth/login", email=alice.email, password=PASSWORD, **remember)
    send_form(client, "/settings/security", current_password=PASSWORD, new_password=NEW)
    cookie = client.get_cookie("session")

    assert cookie is not None
    assert (cookie.expires is not None) == bool(remember)


def test_a_wrong_current_password_changes_nothing(app: Flask, alice: Person) -> None:
    phone = sign_in(app, alice.email)
    for current in ("wrong", "", PASSWORD + "x", "x" * 5000):
        assert change(alice, current) == 422, current

    assert can_sign_in(app, PASSWORD)
    assert phone.get("/chat").status_code == 200


def test_a_new_password_that_is_not_accepted_changes_nothing(app: Flask, alice: Person) -> None:
    for new in ("", "short", "x" * 129, "password1"):
        assert change(alice, new=new) == 422, new
    assert can_sign_in(app, PASSWORD)


def test_a_thief_at_the_keyboard_can_not_guess_for_ever(alice: Person) -> None:
    statuses = [change(alice, "wrong") for _ in range(13)]

    assert statuses == [422] * 12 + [429]


def test_leaving_the_current_password_out_does_not_help(app: Flask, alice: Person) -> None:
    data = {"new_password": NEW, "csrf_token": csrf_token(alice.client)}

    assert alice.client.post("/settings/security", data=data).status_code == 422
    assert can_sign_in(app, PASSWORD)

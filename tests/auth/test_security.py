from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from tests.auth.ceremonies import add_key, confirm_with
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, copy_browser, parse_events, send_form, sign_in

NEW = "a wholly new passphrase"


def change(person: Person, new: str = NEW) -> int:
    return person.post("/settings/security", new_password=new).status_code


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
    send_form(client, "/settings/security", new_password=NEW)
    cookie = client.get_cookie("session")

    assert cookie is not None
    assert (cookie.expires is not None) == bool(remember)


def test_a_new_password_that_is_not_accepted_changes_nothing(app: Flask, alice: Person) -> None:
    for new in ("", "short", "x" * 129, "password1"):
        assert change(alice, new) == 422, new
    assert can_sign_in(app, PASSWORD)


def test_it_takes_a_fresh_proof(app: Flask, alice: Person, clock: Clock) -> None:
    assert 'name="new_password"' in alice.get("/settings/security").text
    clock.advance(minutes=11)
    page = alice.get("/settings/security").text
    assert 'name="new_password"' not in page
    assert "/auth/confirm?next=/settings/security%23password" in page

    answer = alice.post("/settings/security", new_password=NEW)
    assert (answer.status_code, answer.location) == (303, "/auth/confirm")
    assert can_sign_in(app, PASSWORD)


def test_who_forgot_it_changes_it_by_another_proof(app: Flask, alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    clock.advance(minutes=11)
    confirm_with(alice, key)

    assert change(alice) == 303
    assert can_sign_in(app, NEW)


def test_the_own_streams_go_on(alice: Person) -> None:
    stream = alice.open_stream('/fake {"chunks": ["So", "on"], "delay_ms": 300}')
    next(stream)
    change(alice)

    assert parse_events(b"".join(stream).decode())[-1].name == "done"

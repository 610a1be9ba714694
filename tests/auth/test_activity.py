"""The person's own page of the audit log."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import select

from app import audit
from app.extensions import db
from app.models.user import User
from tests.moved_clock import Clock
from tests.people import Person, make_user, send_form, sign_in


def happened(person: Person, query: str = "") -> list[str]:
    """What the page lists, from top to bottom."""
    page = person.get(f"/settings/activity{query}").text
    return [" ".join(re.sub("<[^>]+>", " ", text).split()) for text in re.findall("<h3>(.*?)</h3>", page, re.DOTALL)]


def test_it_works(app: Flask, alice: Person, bob: Person) -> None:
    send_form(app.test_client(), "/auth/login", email=alice.email, password="wrong")

    assert happened(alice) == ["Sign-in failed", "Signed in"]
    assert happened(bob) == ["Signed in"]
    page = alice.get("/settings/activity").text
    assert "with a password" in page
    assert "from 127.0.0.1" in page


def test_what_an_administrator_did_is_told_without_their_name(admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/promote")
    page = alice.get("/settings/activity").text

    assert happened(alice)[0] == "Made administrator"
    assert "by an administrator" in page
    assert admin.email not in page
    assert happened(admin)[0] == "Made administrator: alice@example.org"


def test_who_uses_somebodys_code_in_another_accounts_browser_is_no_administrator(
    app: Flask, alice: Person, bob: Person
) -> None:
    code = re.findall(r"<code>(\S+)</code>", alice.post("/settings/recovery-codes").text)[0]
    send_form(bob.client, "/auth/recovery", email=alice.email, code="0000-0000-0000-0000")
    send_form(bob.client, "/auth/recovery", email=alice.email, code=code)
    page = alice.get("/settings/activity").text

    assert happened(alice)[:3] == ["Signed in", "Recovery code used", "Sign-in failed"]
    assert "by an administrator" not in page
    assert page.count("from 127.0.0.1") == page.count("<h3>")


def test_names_are_shown_as_text(app: Flask, alice: Person) -> None:
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        audit.note("passkey_added", user, method="passkey", detail="<b>Key</b>")
        db.session.commit()
    page = alice.get("/settings/activity").text

    assert happened(alice)[0] == "Passkey added"
    assert "&lt;b&gt;Key&lt;/b&gt;" in page


def test_pages_of_fifty(app: Flask, alice: Person) -> None:
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        for _ in range(60):
            audit.note("confirmed", user)
        db.session.commit()

    assert [len(happened(alice, f"?page={n}")) for n in (1, 2, 3)] == [50, 11, 0]
    assert "Page 1 of 2" in alice.get("/settings/activity").text
    for page in ("0", "-1", "x", "9" * 5000):
        assert alice.get(f"/settings/activity?page={page}").status_code in (200, 400), page


def test_the_export_has_the_same_and_wants_a_proof(app: Flask, admin: Person, alice: Person, clock: Clock) -> None:
    admin.post(f"/admin/users/{alice.id}/promote")
    make_user(app, "stranger@example.org")
    sign_in(app, "stranger@example.org")
    assert alice.get("/settings/activity/export").location == "/auth/confirm?next=/settings/activity/export"
    clock.advance(minutes=1)
    alice = Person(alice.id, alice.email, sign_in(app, alice.email), app)
    answer = alice.get("/settings/activity/export")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="activity.json"'
    events = answer.get_json()
    assert [event["event"] for event in events] == ["signed_in", "promoted", "signed_in"]
    assert events[1]["by"] == "an administrator"
    assert admin.email not in answer.text
    assert "stranger" not in answer.text


def test_who_was_an_administrator_no_longer_learns_addresses(app: Flask, admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/suspend")
    assert alice.email in admin.get("/settings/activity").text
    with app.app_context():
        db.session.execute(db.update(User).where(User.id == admin.id).values(role="user"))
        db.session.commit()

    assert alice.email not in admin.get("/settings/activity").text
    assert alice.email not in admin.get("/settings/activity/export").text

"""A fresh proof before what matters most: asked for by a page, told to a program, given by the same person in the same browser."""

from __future__ import annotations

import re
from urllib.parse import quote
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.login_session import LoginSession
from app.models.passkey import Passkey
from app.models.user import User
from tests.auth.test_login import EVIL, OURS
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, copy_browser, csrf_token, make_user, sign_in

DELETE = "/settings/account/delete"
WHAT_ELSE = "Sign out, and sign in with a recovery code, or ask an administrator"


@pytest.fixture
def stale(alice: Person, clock: Clock) -> Person:
    """Alice, who signed in a while ago."""
    clock.advance(minutes=11)
    return alice


def confirm(person: Person, password: str = PASSWORD, next_path: str = DELETE) -> tuple[int, str | None]:
    answer = person.post(f"/auth/confirm?next={quote(next_path, safe='')}", password=password)
    return answer.status_code, answer.location


def test_it_works(app: Flask, stale: Person) -> None:
    led = stale.get(DELETE)
    assert (led.status_code, led.location) == (302, f"/auth/confirm?next={DELETE}")
    page = stale.get(led.location).text
    assert stale.email in page
    assert 'autocomplete="current-password"' in page
    assert confirm(stale) == (303, DELETE)

    assert stale.get(DELETE).status_code == 200
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "confirmed")).one()
        assert (event.actor_id, event.subject_id, event.method) == (stale.id, stale.id, "password")


def test_a_proof_is_good_for_ten_minutes(alice: Person, clock: Clock) -> None:
    assert alice.get(DELETE).status_code == 200, "signing in is a proof"
    clock.advance(minutes=9)
    assert alice.get(DELETE).status_code == 200
    clock.advance(minutes=2)

    assert alice.get(DELETE).status_code == 302


def test_a_program_is_told(stale: Person) -> None:
    for answer in (stale.get(DELETE, headers={"Accept": "application/json"}), stale.call("POST", DELETE, {})):
        assert answer.status_code == 403
        assert answer.get_json()["code"] == "proof_needed"


def test_what_was_posted_leads_back_to_its_page(admin: Person, alice: Person, clock: Clock) -> None:
    clock.advance(minutes=11)
    path = f"/admin/users/{alice.id}/suspend"
    data = {"csrf_token": admin.csrf()}
    answer = admin.client.post(path, data=data, headers={"Referer": "http://localhost/admin/users?q=alice"})

    assert (answer.status_code, answer.location) == (303, "/auth/confirm?next=/admin/users?q%3Dalice")
    assert "then do it once more" in admin.get(answer.location).text
    assert alice.get("/chat").status_code == 200, "nothing has happened"
    assert confirm(admin, next_path="/admin/users?q=alice") == (303, "/admin/users?q=alice")
    assert admin.post(path).location == "/admin/users"
    assert alice.get("/chat").status_code == 302


@pytest.mark.parametrize("headers", [{}, {"Referer": "http://["}])
def test_without_a_page_it_leads_to_the_start(
    admin: Person, alice: Person, clock: Clock, headers: dict[str, str]
) -> None:
    clock.advance(minutes=11)
    data = {"csrf_token": admin.csrf()}
    origin = {"Origin": "http://localhost"}
    answer = admin.client.post(f"/admin/users/{alice.id}/suspend", data=data, headers=headers | origin)

    assert (answer.status_code, answer.location) == (303, "/auth/confirm")
    assert admin.post("/auth/confirm", password=PASSWORD).location == "/"


def test_every_act_of_an_administrator_needs_it(admin: Person, alice: Person, clock: Clock) -> None:
    clock.advance(minutes=11)
    verbs = ("promote", "demote", "suspend", "restore", "sign-in-link")
    nobodys = UUID("0199f4d2-0000-7000-8000-000000000000")
    paths = [f"/admin/users/{alice.id}/{verb}" for verb in verbs]
    for path in (*paths, "/admin/invitations", f"/admin/invitations/{nobodys}/withdraw"):
        assert "/auth/confirm" in admin.post(path).location, path
    for file_format in ("csv", "json"):
        assert "/auth/confirm" in admin.get(f"/admin/activity/export.{file_format}").location
    assert [admin.get(f"/admin/{page}").status_code for page in ("users", "invitations", "activity")] == [200] * 3


def test_a_wrong_password_proves_nothing(app: Flask, stale: Person) -> None:
    for password in ("wrong", "", "x" * 2000):
        assert confirm(stale, password)[0] == 422

    assert stale.get(DELETE).status_code == 302
    with app.app_context():
        assert "proof_failed" in db.session.scalars(select(AuditEvent.kind)).all()


def test_somebody_elses_password_proves_nothing(app: Flask, stale: Person) -> None:
    make_user(app, "eve@example.org", password="the password of eve")

    assert confirm(stale, "the password of eve")[0] == 422
    answer = stale.post(
        "/auth/confirm", password="the password of eve", email="eve@example.org", username="eve@example.org"
    )
    assert answer.status_code == 422


def test_it_can_not_be_guessed_for_ever(stale: Person) -> None:
    assert [confirm(stale, "wrong")[0] for _ in range(13)] == [422] * 12 + [429]
    assert confirm(stale)[0] == 429, "else the answer would tell what to try again"


def test_who_guesses_elsewhere_does_not_lock_the_owner_out(app: Flask, alice: Person, clock: Clock) -> None:
    phone = Person(alice.id, alice.email, sign_in(app, alice.email), app)
    clock.advance(minutes=11)
    for _ in range(13):
        confirm(phone, "wrong")

    assert confirm(alice)[0] == 303


def test_it_gives_a_new_token(app: Flask, stale: Person) -> None:
    thief = copy_browser(app, stale.client)
    token = csrf_token(stale.client)
    assert thief.get("/api/conversations").status_code == 200
    confirm(stale)

    assert thief.get("/api/conversations").status_code == 401
    assert stale.get("/api/conversations").status_code == 200
    assert csrf_token(stale.client)
    data = {"name": "Alice", "csrf_token": token}
    assert stale.client.post("/settings/account", data=data).status_code == 303, "other tabs go on"


def test_the_proof_counts_in_this_browser_alone(app: Flask, alice: Person, clock: Clock) -> None:
    phone = sign_in(app, alice.email)
    clock.advance(minutes=11)
    confirm(alice)

    assert phone.get(DELETE).status_code == 302


def test_a_session_from_a_mail_proves_nothing_by_itself(app: Flask, alice: Person) -> None:
    phone = Person(alice.id, alice.email, sign_in(app, alice.email), app)
    with app.app_context():
        db.session.execute(db.update(LoginSession).values(method="mail", proven_at=None))
        db.session.commit()
    assert phone.get("/chat").status_code == 200

    assert phone.get(DELETE).status_code == 302
    assert confirm(phone) == (303, DELETE)
    assert phone.get(DELETE).status_code == 200


def test_it_leads_to_no_other_site(alice: Person) -> None:
    for target in OURS:
        assert confirm(alice, next_path=target) == (303, target)
    for target in EVIL:
        status, location = confirm(alice, next_path=target)
        page = alice.get(f"/auth/confirm?next={quote(target, safe='')}").text
        assert (status, location) in ((303, "/"), (400, None)), target
        assert not any("evil.example" in address for address in re.findall(r'(?:href|action|next)="([^"]*)"', page))


def test_nobody_is_asked_who_is_not_signed_in(app: Flask) -> None:
    assert app.test_client().get("/auth/confirm").location == "/auth/login?next=/auth/confirm"


def test_without_a_password_it_says_what_to_do(app: Flask, stale: Person) -> None:
    with app.app_context():
        db.session.execute(db.update(User).values(password_hash=None))
        db.session.commit()
    page = stale.get("/auth/confirm").text

    assert 'name="password"' not in page
    assert "neither a password nor a passkey" in page
    assert WHAT_ELSE in page
    assert stale.post("/auth/confirm", password="").status_code == 422
    assert stale.get(DELETE).status_code == 302


def test_who_has_a_passkey_may_use_it(app: Flask, stale: Person, bob: Person) -> None:
    key = {"public_key": b"", "backup_eligible": True, "backed_up": True, "rp_id": "localhost", "name": "Key"}
    page = stale.get("/auth/confirm").text
    assert "data-passkey" not in page
    assert WHAT_ELSE in page
    with app.app_context():
        db.session.add(Passkey(user_id=stale.id, credential_id=b"1", **key))
        db.session.commit()

    page = stale.get("/auth/confirm").text
    assert 'data-passkey="confirm"' in page
    assert WHAT_ELSE in page, "the device that holds it may be lost"
    assert "data-passkey" not in bob.get("/auth/confirm").text


def test_a_session_that_ended_meanwhile_proves_nothing(app: Flask, stale: Person) -> None:
    thief = copy_browser(app, stale.client)
    token = csrf_token(thief)
    with app.app_context():
        db.session.execute(db.delete(LoginSession))
        db.session.commit()

    assert thief.post("/auth/confirm", data={"password": PASSWORD, "csrf_token": token}).location.startswith(
        "/auth/login"
    )

"""Promoting and demoting: there is always an administrator left."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.user import User
from tests.parallel import at_once
from tests.people import Person, make_user, sign_in, sign_up

NOBODY = "0199f4d2-0000-7000-8000-000000000000"


def admins(app: Flask) -> set[UUID]:
    with app.app_context():
        return set(db.session.scalars(select(User.id).where(User.role == "admin", User.active)))


def act(person: Person, verb: str, user_id: UUID | str) -> str:
    """Press a button of the table and give what is said then."""
    response = person.post(f"/admin/users/{user_id}/{verb}")
    assert (response.status_code, response.location) == (303, "/admin/users")
    return person.get("/admin/users").text


def test_promote_works(app: Flask, admin: Person, alice: Person) -> None:
    assert "alice@example.org is an administrator now." in act(admin, "promote", alice.id)

    assert admins(app) == {admin.id, alice.id}
    assert alice.get("/admin/users").status_code == 200
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "promoted")).one()
        assert (event.actor_id, event.subject_id, event.address) == (admin.id, alice.id, "127.0.0.1")


def test_demote_works(app: Flask, admin: Person, alice: Person) -> None:
    act(admin, "promote", alice.id)
    assert "alice@example.org is an ordinary user now." in act(admin, "demote", alice.id)

    assert admins(app) == {admin.id}
    assert alice.get("/admin/users").status_code == 302, "her sessions are over"
    assert sign_in(app, alice.email).get("/admin/users").status_code == 403


def test_the_last_administrator_can_not_be_demoted(app: Flask, admin: Person, alice: Person) -> None:
    assert "This is the only administrator." in act(admin, "demote", admin.id)

    assert admins(app) == {admin.id}


def test_a_suspended_administrator_is_no_second_one(app: Flask, admin: Person) -> None:
    second = make_user(app, "second@example.org", role="admin")
    act(admin, "suspend", second)
    assert "This is the only administrator." in act(admin, "demote", admin.id)

    act(admin, "demote", second)
    assert admins(app) == {admin.id}


def test_an_administrator_may_step_down(app: Flask, admin: Person) -> None:
    second = make_user(app, "second@example.org", role="admin")
    assert admin.post(f"/admin/users/{admin.id}/demote").status_code == 303

    assert admins(app) == {second}
    assert admin.get("/admin/users").status_code == 403


@pytest.mark.parametrize("verb", ["demote", "suspend"])
@pytest.mark.parametrize("whom", ["each other", "themselves"])
def test_of_two_at_once_one_administrator_stays(app: Flask, verb: str, whom: str) -> None:
    one, two = (sign_up(app, f"admin{n}@example.org", role="admin") for n in range(2))
    targets = (two, one) if whom == "each other" else (one, two)
    pairs = zip((one, two), targets, strict=True)
    answers = at_once([partial(actor.post, f"/admin/users/{target.id}/{verb}") for actor, target in pairs])

    assert {answer.status_code for answer in answers} <= {302, 303, 403}
    assert len(admins(app)) == 1


def test_nobody_is_not_found(admin: Person) -> None:
    for verb in ("promote", "demote", "suspend", "restore", "sign-in-link"):
        assert admin.post(f"/admin/users/{NOBODY}/{verb}").status_code == 404, verb
        assert admin.post(f"/admin/users/nobody/{verb}").status_code == 404, verb
        assert admin.get(f"/admin/users/{admin.id}/{verb}").status_code == 405, verb


@pytest.mark.parametrize("verb", ["promote", "restore"])
def test_doing_it_twice_changes_nothing_more(app: Flask, admin: Person, alice: Person, verb: str) -> None:
    act(admin, verb, alice.id)
    before = admins(app)
    act(admin, verb, alice.id)

    assert admins(app) == before

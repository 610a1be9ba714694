"""What is written down of what happens to accounts, and that it stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import Executable, delete, select, update

from app import audit
from app.extensions import db
from app.models.audit_event import AppendOnlyError, AuditEvent
from tests.people import PASSWORD, Person, csrf_token, make_user, send_form, sign_in

LONG = "2001:db8:1111:2222:3333:4444:5555:6666"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (LONG, LONG),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (f"{LONG}%a-rather-long-name", LONG),
        (f"{LONG}-and-something-else", ""),
        ("_hidden", "_hidden"),
    ],
)
def test_an_address_is_kept_whole_or_not_at_all(make_app: Callable[..., Flask], sent: str, kept: str) -> None:
    app = make_app(trusted_proxies=1)
    make_user(app, "ada@example.org")
    client = app.test_client()
    data = {"email": "ada@example.org", "password": PASSWORD, "csrf_token": csrf_token(client)}

    assert client.post("/auth/login", data=data, headers={"X-Forwarded-For": sent}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(AuditEvent.address).where(AuditEvent.kind == "signed_in")).all() == [kept]


def note(app: Flask) -> AuditEvent:
    with app.app_context():
        audit.note("signed_in", None, detail="x" * 300)
        db.session.commit()
        return db.session.scalars(select(AuditEvent)).one()


def test_an_event_can_not_be_changed(app: Flask) -> None:
    note(app)
    with app.app_context():
        event = db.session.scalars(select(AuditEvent)).one()
        assert len(event.detail) == 200
        event.kind = "nothing"
        with pytest.raises(AppendOnlyError):
            db.session.commit()


def test_an_event_can_not_be_deleted(app: Flask) -> None:
    note(app)
    with app.app_context():
        db.session.delete(db.session.scalars(select(AuditEvent)).one())
        with pytest.raises(AppendOnlyError):
            db.session.commit()


@pytest.mark.parametrize(
    "statement",
    [
        delete(AuditEvent),
        delete(AuditEvent).where(AuditEvent.kind == "signed_in"),
        update(AuditEvent).values(kind="nothing"),
        AuditEvent.__table__.delete(),  # type: ignore[attr-defined]
        AuditEvent.__table__.update().values(kind="nothing"),  # type: ignore[attr-defined]
    ],
)
def test_no_statement_of_the_application_takes_events_away(app: Flask, statement: Executable) -> None:
    note(app)
    with app.app_context():
        with pytest.raises(AppendOnlyError):
            db.session.execute(statement)
        db.session.rollback()
        assert db.session.scalars(select(AuditEvent.kind)).all() == ["signed_in"]


def test_the_events_of_a_deleted_account_stay(app: Flask, alice: Person) -> None:
    with app.app_context():
        before = set(db.session.scalars(select(AuditEvent.id)))
    alice.post("/settings/account/delete", confirm="y")

    with app.app_context():
        rows = db.session.scalars(select(AuditEvent)).all()
        assert before < {row.id for row in rows}
        assert {row.subject_id for row in rows} == {alice.id}


def test_who_deletes_their_account_does_not_hide_what_they_did(app: Flask, admin: Person, alice: Person) -> None:
    make_user(app, "second@example.org", role="admin")
    admin.post(f"/admin/users/{alice.id}/suspend")
    admin.post("/settings/account/delete", confirm="y")
    log = sign_in(app, "second@example.org").get("/admin/activity").text

    assert admin.email not in log
    assert log.count(f"deleted account {str(admin.id)[-6:]}") >= 2, "it suspended alice, and deleted itself"


def test_who_what_from_where_and_how_proved(app: Flask, admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/suspend")

    with app.app_context():
        rows = {row.kind: row for row in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))}
    suspended = rows["suspended"]
    assert (suspended.actor_id, suspended.subject_id) == (admin.id, alice.id)
    assert (suspended.address, suspended.method) == ("127.0.0.1", "password")
    signed_in = rows["signed_in"]
    assert (signed_in.actor_id, signed_in.subject_id, signed_in.method) == (alice.id, alice.id, "password")


def test_a_failed_sign_in_is_nobodys_deed(app: Flask, alice: Person) -> None:
    for email in (alice.email, "a password typed into the wrong field"):
        send_form(app.test_client(), "/auth/login", email=email, password="wrong")

    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "sign_in_failed")).all()
        assert [(row.actor_id, row.subject_id, row.detail) for row in rows] == [(None, alice.id, ""), (None, None, "")]

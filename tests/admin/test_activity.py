"""The audit log of all accounts."""

from __future__ import annotations

import csv
import io
import json
import re

from flask import Flask
from sqlalchemy import select

from app import audit
from app.extensions import db
from app.models import audit_overview
from app.models.audit_event import AuditEvent
from app.models.user import find_user
from tests.people import HELLO, Person, send_form


def rows(admin: Person, query: str = "") -> list[str]:
    """The rows of the table in words, from top to bottom."""
    page = admin.get(f"/admin/activity{query}")
    assert page.status_code == 200
    found = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", page.text, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in found]


def test_it_works(app: Flask, admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/suspend")
    first = rows(admin)[0]

    assert re.fullmatch(r"Suspended [\d-]+ [\d:]+ UTC admin@example.org alice@example.org 127.0.0.1 password", first)
    assert len(rows(admin)) == 3


def test_it_is_narrowed_by_event_and_by_address(admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/promote")

    assert len(rows(admin, "?kind=signed_in")) == 2
    assert len(rows(admin, "?kind=signed_in&q=ALICE")) == 1
    assert len(rows(admin, "?q=admin")) == 2, "who did it counts as much as whom it concerns"
    for nothing in ("?kind=nothing", "?q=nobody", "?q=%25", "?q=_", "?q='--"):
        assert rows(admin, nothing) == [], nothing
    assert "Nothing here matches." in admin.get("/admin/activity?q=nobody").text


def test_the_command_line_is_named(app: Flask, admin: Person) -> None:
    app.test_cli_runner().invoke(args=["create-admin", "root@example.org"])

    assert "command line root@example.org" in rows(admin, "?kind=promoted")[0]


def test_pages_of_fifty(app: Flask, admin: Person) -> None:
    with app.app_context():
        for _ in range(60):
            audit.note("confirmed", None)
        db.session.commit()

    assert [len(rows(admin, f"?kind=confirmed&page={n}")) for n in (1, 2, 3)] == [50, 10, 0]
    assert "/admin/activity?page=2&amp;kind=confirmed" in admin.get("/admin/activity?kind=confirmed").text
    for page in ("0", "-1", "x", "9" * 5000):
        assert admin.get(f"/admin/activity?page={page}").status_code in (200, 400), page


def test_the_export_has_all_of_it(app: Flask, admin: Person, alice: Person) -> None:
    with app.app_context():
        for n in range(audit_overview.BATCH_SIZE + 5):
            audit.note("confirmed", None, detail=str(n))
        db.session.commit()
    answer = admin.get("/admin/activity/export.json?kind=confirmed")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="activity.json"'
    events = json.loads(answer.text)
    assert [event["detail"] for event in events] == [str(n) for n in reversed(range(audit_overview.BATCH_SIZE + 5))]
    assert set(events[0]) == {"time", "event", "actor", "subject", "address", "method", "detail"}
    with app.app_context():
        taken = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "audit_exported")).one()
        assert (taken.actor_id, taken.detail) == (admin.id, "confirmed")


def test_the_csv_has_no_formulas(app: Flask, admin: Person, alice: Person) -> None:
    with app.app_context():
        for detail in ('=HYPERLINK("http://evil.example")', "x;=cmd", "＝cmd"):
            audit.note("passkey_added", find_user(alice.email), detail=detail)
        db.session.commit()
    answer = admin.get("/admin/activity/export.csv?kind=passkey_added")
    header, *lines = csv.reader(io.StringIO(answer.text))

    assert answer.mimetype == "text/csv"
    assert header[:3] == ["time", "event", "actor"]
    assert {line[-1] for line in lines} == {'\'=HYPERLINK("http://evil.example")', "x;'=cmd", "'＝cmd"}


def test_nothing_to_export_is_an_empty_file(admin: Person) -> None:
    assert admin.get("/admin/activity/export.json?kind=nothing").get_json() == []
    assert admin.get("/admin/activity/export.csv?kind=nothing").text == ""
    assert admin.get("/admin/activity/export.exe").status_code == 404


def test_it_never_shows_what_was_said(app: Flask, admin: Person, alice: Person) -> None:
    alice.ask(HELLO.replace("Hi", "My secret"))
    send_form(app.test_client(), "/auth/login", email=alice.email, password="my other secret")

    assert "secret" not in admin.get("/admin/activity").text

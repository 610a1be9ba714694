from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import select

from app.extensions import db
from app.links import draw_qr
from app.models.audit_event import AuditEvent
from tests.people import Person, make_user, send_form, sign_in


def links_in(page: str) -> list[str]:
    return re.findall(r'value="(http://localhost:5000/auth/link/[\w-]{43})"', page)


def test_it_works(app: Flask, admin: Person, alice: Person) -> None:
    response = admin.post(f"/admin/users/{alice.id}/sign-in-link")
    links = links_in(response.text)

    assert response.status_code == 200
    assert len(links) == 1
    assert alice.email in response.text
    phone = app.test_client()
    assert send_form(phone, urlsplit(links[0]).path).status_code == 303
    assert alice.email in phone.get("/settings/account").text


def test_it_is_there_for_a_camera_too(make_app: Callable[..., Flask], admin: Person, alice: Person) -> None:
    client = sign_in(make_app(public_url="http://chat.home.arpa:8080"), admin.email)
    page = send_form(client, f"/admin/users/{alice.id}/sign-in-link").text
    [link] = re.findall(r'value="(http://chat\.home\.arpa:8080/auth/link/[\w-]{43})"', page)
    drawn = escape(draw_qr(link))

    assert f'<img src="{drawn}" alt="The link as a QR code"' in page
    assert drawn.startswith("data:image/svg+xml")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_no_camera_is_sent_to_its_own_machine(
    make_app: Callable[..., Flask], admin: Person, alice: Person, host: str
) -> None:
    client = sign_in(make_app(public_url=f"http://{host}:5000"), admin.email)
    page = send_form(client, f"/admin/users/{alice.id}/sign-in-link").text

    assert "/auth/link/" in page
    assert 'QR code"' not in page
    assert "It works on this machine alone" in page


def test_the_page_is_kept_by_nobody(admin: Person, alice: Person) -> None:
    response = admin.post(f"/admin/users/{alice.id}/sign-in-link")

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"


def test_every_time_it_is_another_one(admin: Person, alice: Person) -> None:
    pages = [admin.post(f"/admin/users/{alice.id}/sign-in-link").text for _ in range(3)]

    assert len({links_in(page)[0] for page in pages}) == 3


def test_it_is_noted_without_the_link(app: Flask, admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/sign-in-link")

    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "link_created")).one()
        assert (event.actor_id, event.subject_id) == (admin.id, alice.id)


def test_there_is_none_for_a_suspended_account(admin: Person, alice: Person) -> None:
    admin.post(f"/admin/users/{alice.id}/suspend")
    response = admin.post(f"/admin/users/{alice.id}/sign-in-link")

    assert response.location == "/admin/users"
    assert "This account is suspended. Restore it first." in admin.get("/admin/users").text


def test_a_user_can_not_make_one(app: Flask, alice: Person) -> None:
    root = make_user(app, "root@example.org", role="admin")

    assert alice.post(f"/admin/users/{root}/sign-in-link").status_code == 403
    with app.app_context():
        assert not db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "link_created")).all()

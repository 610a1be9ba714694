"""The administrator's page of invitations, and `flask invite`."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.invitation import Invitation
from tests.people import PASSWORD, Person, send_form


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An installation where accounts are made by invitation."""
    return make_app(registration="invitation")


def links_in(text: str) -> list[str]:
    return re.findall(r"http://localhost:5000(/auth/invitation/[\w-]{43})", text)


def test_it_works(app: Flask, admin: Person) -> None:
    answer = admin.post("/admin/invitations")
    (link,) = links_in(answer.text)

    assert answer.status_code == 200
    assert admin.email in answer.text
    assert links_in(admin.get("/admin/invitations").text) == [], "shown once"
    client = app.test_client()
    client.get(link)
    assert send_form(client, "/auth/register", email="ada@example.org", password=PASSWORD).status_code == 303
    assert "No open invitations." in admin.get("/admin/invitations").text
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "invited")).one()
        assert event.actor_id == admin.id


def test_one_is_withdrawn(app: Flask, admin: Person) -> None:
    (link,) = links_in(admin.post("/admin/invitations").text)
    with app.app_context():
        (invitation,) = db.session.scalars(select(Invitation.id))
    path = f"/admin/invitations/{invitation}/withdraw"

    assert admin.post(path).location == "/admin/invitations"
    assert app.test_client().get(link).status_code == 403
    assert admin.post(path).status_code == 404


@pytest.mark.parametrize(
    ("mode", "words"), [("open", "no invitation is needed"), ("closed", "Nobody may make an account")]
)
def test_the_page_says_where_it_is_of_no_use(
    make_app: Callable[..., Flask], admin: Person, mode: str, words: str
) -> None:
    other = make_app(registration=mode).test_client()
    cookie = admin.client.get_cookie("session")
    assert cookie
    other.set_cookie("session", cookie.value)

    assert words in other.get("/admin/invitations").text
    assert words not in admin.get("/admin/invitations").text


def test_the_command_makes_one(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["invite"])
    (link,) = links_in(result.output)

    assert result.exit_code == 0
    client = app.test_client()
    assert client.get(urlsplit(link).path).location == "/auth/register"


def test_the_command_says_where_it_is_of_no_use(make_app: Callable[..., Flask]) -> None:
    assert "REGISTRATION is open" in make_app().test_cli_runner().invoke(args=["invite"]).output
    closed = make_app(registration="closed").test_cli_runner().invoke(args=["invite"])
    assert closed.exit_code == 1
    assert "REGISTRATION is closed" in closed.output

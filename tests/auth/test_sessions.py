"""The page of signed-in browsers."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from app.auth.browsers import describe, is_handheld
from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.login_session import LoginSession
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, csrf_token, send_form

PHONE = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"
AGENTS = [
    (PHONE, "Firefox on Android"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
        "Chrome on Windows",
    ),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows"),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15",
        "Safari on Mac",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/26.0 Mobile/15E148 Safari/604.1",
        "Safari on iPhone",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) CriOS/142.0 Mobile/15E148 Safari/604.1",
        "Chrome on iPhone",
    ),
    (
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Safari/537.36",
        "Samsung Internet on Android",
    ),
    ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36", "Chrome on ChromeOS"),
    ("curl/8.16.0", "Curl"),
    ("python-urllib3/2.5", "A Python program"),
    ("Something (Windows)", "A browser on Windows"),
    ("", "Unknown browser"),
    ("<script>alert(1)</script>", "Unknown browser"),
]


@pytest.mark.parametrize(("agent", "name"), AGENTS)
def test_browsers_in_plain_words(agent: str, name: str) -> None:
    assert describe(agent) == name


def test_what_is_held_in_a_hand() -> None:
    assert [is_handheld(agent) for agent, _ in AGENTS[:3]] == [True, False, False]


@pytest.fixture
def phone(app: Flask, alice: Person) -> Person:
    """Alice's second browser."""
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = PHONE
    fields = {"email": alice.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    assert client.post("/auth/login", data=fields).status_code == 303
    return Person(alice.id, alice.email, client, app)


def names(person: Person) -> list[str]:
    """What the page lists, from top to bottom."""
    page = person.get("/settings/sessions").text
    return [" ".join(re.sub("<[^>]+>", " ", name).split()) for name in re.findall("<h3>(.*?)</h3>", page, re.DOTALL)]


def session_ids(app: Flask, person: Person) -> list[str]:
    with app.app_context():
        query = select(LoginSession.id).where(LoginSession.user_id == person.id).order_by(LoginSession.id)
        return [str(one) for one in db.session.scalars(query)]


def test_it_works(alice: Person, phone: Person, bob: Person) -> None:
    assert names(phone) == ["Firefox on Android This browser", "Unknown browser"]
    assert len(names(bob)) == 1, "everybody sees their own"
    page = phone.get("/settings/sessions").text
    assert page.count("with a password") == 2
    assert page.count("Last seen") == 2


def test_one_is_signed_out(app: Flask, alice: Person, phone: Person) -> None:
    _, second = session_ids(app, alice)
    answer = alice.post(f"/settings/sessions/{second}/end")

    assert (answer.status_code, answer.location) == (303, "/settings/sessions")
    assert "Firefox on Android is signed out." in alice.get("/settings/sessions").text
    assert phone.get("/api/models").status_code == 401
    assert alice.get("/chat").status_code == 200
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "session_ended")).one()
        assert (event.actor_id, event.subject_id, event.detail) == (alice.id, alice.id, "Firefox on Android")


def test_this_one_is_signed_out(app: Flask, alice: Person, phone: Person) -> None:
    first, _ = session_ids(app, alice)

    assert alice.post(f"/settings/sessions/{first}/end").location == "/auth/login"
    assert alice.get("/chat").status_code == 302
    assert phone.get("/chat").status_code == 200


def test_all_others_are_signed_out(alice: Person, phone: Person, bob: Person) -> None:
    assert alice.post("/settings/sessions/end-others").status_code == 303
    assert [person.get("/api/models").status_code for person in (alice, phone, bob)] == [200, 401, 200]
    assert "All other browsers are signed out." in alice.get("/settings/sessions").text
    alice.post("/settings/sessions/end-others")
    assert "There was no other browser." in alice.get("/settings/sessions").text


def test_somebody_elses_is_not_there(app: Flask, alice: Person, bob: Person, admin: Person) -> None:
    (own,) = session_ids(app, alice)
    for stranger in (bob, admin):
        assert stranger.post(f"/settings/sessions/{own}/end").status_code == 404
    assert alice.get("/chat").status_code == 200
    assert alice.post("/settings/sessions/0199f4d2-0000-7000-8000-000000000000/end").status_code == 404


def test_what_is_over_is_not_listed(alice: Person, phone: Person, app: Flask, clock: Clock) -> None:
    send_form(alice.client, "/auth/logout")
    send_form(alice.client, "/auth/login", email=alice.email, password=PASSWORD, remember="y")
    clock.advance(hours=25)

    assert len(names(alice)) == 1
    assert phone.get("/chat").status_code == 302

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.login_session import LoginSession
from app.models.message import Message
from app.sessions import sessions_ended
from tests.people import Person, copy_browser, send_form, sign_in
from tests.waiting import wait_until


def test_it_works(app: Flask, alice: Person) -> None:
    response = alice.post("/auth/logout")

    assert (response.status_code, response.location) == (303, "/auth/login")
    assert alice.get("/chat").location == "/auth/login?next=/chat"
    with app.app_context():
        assert db.session.scalars(select(LoginSession)).all() == []


def test_a_stolen_cookie_dies_at_once(app: Flask, alice: Person) -> None:
    thief = copy_browser(app, alice.client)
    assert thief.get("/api/conversations").status_code == 200, "else this proves nothing"
    alice.post("/auth/logout")

    assert thief.get("/api/conversations").status_code == 401
    assert thief.get("/chat").status_code == 302


def test_other_browsers_stay_signed_in(app: Flask, alice: Person) -> None:
    phone = sign_in(app, alice.email)
    alice.post("/auth/logout")

    assert phone.get("/chat").status_code == 200


def test_it_tells_who_keeps_streams_open(app: Flask, alice: Person) -> None:
    sign_in(app, alice.email)
    with app.app_context():
        before = set(db.session.scalars(select(LoginSession.id)))
    told: list[set[object]] = []

    def listen(_sender: object, session_ids: set[object]) -> None:
        told.append(session_ids)

    with sessions_ended.connected_to(listen):
        alice.post("/auth/logout")
    with app.app_context():
        left = set(db.session.scalars(select(LoginSession.id)))
    assert len(left) == 1
    assert told == [before - left]


def test_who_waits_for_a_reply_does_not_get_it(app: Flask, alice: Person) -> None:
    token = alice.csrf()
    thief = copy_browser(app, alice.client)
    body = {"message": '/fake {"chunks": ["a", "secret"], "delay_ms": 700}'}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(thief.post, "/api/chat", json=body, headers={"X-CSRFToken": token})
        wait_until(lambda: bool(answers(app)))
        alice.post("/auth/logout")
        response = waiting.result()

    assert (response.status_code, response.get_json()["code"]) == (401, "not_signed_in")
    assert "secret" not in response.text
    wait_until(lambda: answers(app) == [("complete", "asecret")])


def answers(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        found = db.session.scalars(select(Message).where(Message.role == "assistant"))
        return [(message.status, message.content) for message in found]


def test_a_link_can_not_sign_anybody_out(alice: Person) -> None:
    assert alice.get("/auth/logout").status_code == 405
    assert alice.client.post("/auth/logout").status_code == 403, "no token, no sign-out"
    assert alice.get("/chat").status_code == 200


def test_signing_out_twice_is_no_error(alice: Person) -> None:
    alice.post("/auth/logout")

    assert alice.post("/auth/logout").status_code == 303


def test_who_never_signed_in_is_sent_to_the_door(client: FlaskClient) -> None:
    assert send_form(client, "/auth/logout").location == "/auth/login"


def test_the_chat_page_has_the_form_for_it(alice: Person) -> None:
    page = alice.get("/chat").text

    assert '<form method="post" action="/auth/logout">' in page

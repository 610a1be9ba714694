from __future__ import annotations

from functools import partial

from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import AnswerChunk, AuditEvent, Conversation, EmailToken, LoginSession, Message, User
from tests.auth.ceremonies import add_key, confirm_with
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import HELLO, PASSWORD, Person, copy_browser, make_user, send_form, sign_in, sign_up

DELETE = "/settings/account/delete"


def counts(app: Flask) -> dict[str, int]:
    tables = (User, Conversation, Message, LoginSession, EmailToken, AnswerChunk)
    with app.app_context():
        return {
            table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables
        }


def test_it_works(app: Flask, alice: Person, bob: Person) -> None:
    bob.ask(HELLO)
    only_bob = counts(app) | {"user": 1, "login_session": 1}
    alice.ask(HELLO)
    assert counts(app) != only_bob, "there is something to delete"
    response = alice.post(DELETE, confirm="y")

    assert (response.status_code, response.location) == (303, "/auth/login")
    assert "Your account is deleted." in alice.get("/auth/login").text
    assert counts(app) == only_bob
    assert bob.get("/chat").status_code == 200


def test_every_browser_is_signed_out(app: Flask, alice: Person) -> None:
    phone = sign_in(app, alice.email)
    thief = copy_browser(app, alice.client)
    alice.post(DELETE, confirm="y")

    assert [browser.get("/api/conversations").status_code for browser in (phone, thief, alice.client)] == [401] * 3


def test_the_address_is_free_again(app: Flask, alice: Person) -> None:
    alice.post(DELETE, confirm="y")
    response = send_form(app.test_client(), "/auth/register", email=alice.email, password=PASSWORD)

    assert response.status_code == 303


def test_the_audit_log_keeps_that_it_happened(app: Flask, alice: Person) -> None:
    alice.post(DELETE, confirm="y")

    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "account_deleted")).one()
        assert (event.actor_id, event.subject_id) == (alice.id, alice.id)


def test_it_wants_the_tick(app: Flask, alice: Person) -> None:
    for fields in ({"confirm": ""}, {"confirm": "false"}, {}):
        assert alice.post(DELETE, **fields).status_code == 422, fields
    assert counts(app)["user"] == 1
    assert alice.get("/chat").status_code == 200


def test_who_forgot_the_password_deletes_it_by_another_proof(app: Flask, alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    clock.advance(minutes=11)
    assert alice.post(DELETE, confirm="y").location == "/auth/confirm"
    confirm_with(alice, key)

    assert alice.post(DELETE, confirm="y").status_code == 303
    assert counts(app)["user"] == 0


def test_the_last_administrator_stays(app: Flask, admin: Person, alice: Person) -> None:
    response = admin.post(DELETE, confirm="y")

    assert response.status_code == 409
    assert "You are the only administrator." in response.text
    assert counts(app)["user"] == 2
    assert admin.get("/admin/users").status_code == 200


def test_an_administrator_among_others_may_go(app: Flask, admin: Person) -> None:
    make_user(app, "second@example.org", role="admin")

    assert admin.post(DELETE, confirm="y").status_code == 303


def test_a_suspended_administrator_does_not_count(app: Flask, admin: Person) -> None:
    second = make_user(app, "second@example.org", role="admin")
    assert admin.post(f"/admin/users/{second}/suspend").status_code == 303

    assert admin.post(DELETE, confirm="y").status_code == 409


def test_of_two_administrators_who_go_at_once_one_stays(app: Flask) -> None:
    people = [sign_up(app, f"admin{n}@example.org", role="admin") for n in range(2)]
    answers = at_once(partial(person.post, DELETE, confirm="y") for person in people)

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert counts(app)["user"] == 1


def test_pressing_the_button_many_times_is_no_error(app: Flask, alice: Person) -> None:
    token = alice.csrf()
    browsers = [copy_browser(app, alice.client) for _ in range(6)]
    data = {"confirm": "y", "csrf_token": token}
    answers = at_once(partial(browser.post, DELETE, data=data) for browser in browsers)
    statuses = [answer.status_code for answer in answers]

    assert 303 in statuses
    assert set(statuses) <= {302, 303, 409}
    assert counts(app)["user"] == 0

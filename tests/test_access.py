"""Who may call what: every route of the application against everybody.

A new route fails here until it is decided: public, for everybody who is signed in, or for administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.invitations import create
from app.models.conversation import Conversation
from app.models.invitation import list_invitations
from app.models.login_session import LoginSession
from app.models.message import Message
from app.models.passkey import Passkey
from app.models.user import User
from tests.people import HELLO, Person, copy_browser, csrf_token, sign_in

PUBLIC = {
    "assets.dist",
    "auth.accept_invitation",
    "auth.forgot",
    "auth.login",
    "auth.logout",
    "auth.register",
    "auth.use_link",
    "chat.home",
    "diagram.diagram",
    "face.status",
    "health.healthz",
    "health.readyz",
    "passkeys.icon",
    "passkeys.sign_in",
    "passkeys.sign_in_options",
    "passkeys.sign_up",
    "passkeys.sign_up_options",
    "passkeys.sign_up_page",
    "probe.stream",
    "recovery.sign_in",
    "static",
}
FOR_ADMINS = {
    "admin.activity",
    "admin.demote",
    "admin.export_activity",
    "admin.index",
    "admin.invitations",
    "admin.invite",
    "admin.promote",
    "admin.restore",
    "admin.sign_in_link",
    "admin.suspend",
    "admin.users",
    "admin.withdraw_invitation",
}
FOR_EVERYBODY_SIGNED_IN = {
    "api.change_conversation",
    "api.chat",
    "api.chat_stream",
    "api.context",
    "api.conversation",
    "api.conversations",
    "api.create_conversation",
    "api.delete_conversation",
    "api.delete_message",
    "api.folders",
    "api.message_events",
    "api.models",
    "api.search",
    "api.stop_message",
    "auth.confirm",
    "chat.conversation",
    "chat.new_chat",
    "passkeys.add",
    "passkeys.add_options",
    "passkeys.confirm",
    "passkeys.confirm_options",
    "passkeys.not_now",
    "passkeys.remove",
    "passkeys.remove_password",
    "passkeys.rename",
    "passkeys.required",
    "preferences.chat",
    "recovery.codes",
    "settings.account",
    "settings.activity",
    "settings.delete_account",
    "settings.end_other_sessions",
    "settings.end_session",
    "settings.export_activity",
    "settings.index",
    "settings.security",
    "settings.sessions",
}
DELETING = {
    "api.delete_conversation",
    "api.delete_message",
    "passkeys.remove",
    "settings.delete_account",
    "settings.end_session",
}
# Only where there is a mail server.
PUBLIC_WITH_MAIL = {
    "mail.ask_reset",
    "mail.ask_sign_in",
    "mail.reset_code",
    "mail.reset_link",
    "mail.sign_in_code",
    "mail.sign_in_link",
}
FOR_EVERYBODY_WITH_MAIL = {"mail.ask_email", "mail.email_code", "mail.email_link"}
NOBODYS = UUID("0199f4d2-0000-7000-8000-000000000000")


@dataclass(frozen=True)
class Route:
    endpoint: str
    method: str
    arguments: frozenset[str]
    app: Flask

    def path(self, **ids: object) -> str:
        """The path with these ids, and nobody's where none is given."""
        values = {name: ids.get(name, NOBODYS) for name in self.arguments}
        return self.app.url_map.bind("localhost").build(self.endpoint, values, method=self.method)

    def call(self, client: FlaskClient, token: str, **ids: object) -> TestResponse:
        """Call it as the page does, with a body that is right."""
        body = {"message": HELLO} if self.endpoint in ("api.chat", "api.chat_stream") else {"title": "Mine"}
        sent = None if self.method in ("GET", "HEAD") else body
        return client.open(self.path(**ids), method=self.method, json=sent, headers={"X-CSRFToken": token})


def make_invitation(app: Flask) -> UUID:
    with app.app_context():
        create(None, "http://localhost:5000")
        db.session.commit()
        return list_invitations()[0].id


def routes(app: Flask, endpoints: set[str] | None = None) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        if endpoints is None or rule.endpoint in endpoints:
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield Route(rule.endpoint, method, frozenset(rule.arguments), app)


@pytest.fixture
def things(app: Flask, alice: Person) -> dict[str, object]:
    """What alice owns."""
    answer = alice.ask(HELLO)
    with app.app_context():
        session_id = db.session.scalars(db.select(LoginSession.id).where(LoginSession.user_id == alice.id)).one()
        passkey = Passkey(
            user_id=alice.id,
            credential_id=b"alices",
            public_key=b"",
            rp_id="localhost",
            name="Hers",
            backup_eligible=False,
            backed_up=False,
        )
        db.session.add(passkey)
        db.session.commit()
    ids = {name: answer[name] for name in ("conversation_id", "message_id")}
    return {**ids, "session_id": session_id, "passkey_id": passkey.id}


def test_every_route_is_decided(app: Flask) -> None:
    assert {route.endpoint for route in routes(app)} == PUBLIC | FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN


def test_every_route_of_the_mails_is_decided(make_app: Callable[..., Flask]) -> None:
    app = make_app(mail_url="smtp://127.0.0.1:1")
    assert {route.endpoint for route in routes(app)} - {route.endpoint for route in routes(make_app())} == (
        PUBLIC_WITH_MAIL | FOR_EVERYBODY_WITH_MAIL
    )
    client = app.test_client()
    token = csrf_token(client)
    for route in routes(app, PUBLIC_WITH_MAIL):
        answer = route.call(client, token)
        assert answer.status_code not in (401, 403), route
        assert answer.location in (None, "/auth/mail", "/auth/reset"), route
    for route in routes(app, FOR_EVERYBODY_WITH_MAIL):
        answer = route.call(client, token)
        assert answer.status_code == 401 or answer.location.startswith("/auth/login"), route


def test_every_kind_of_id_is_tested(app: Flask) -> None:
    known = {"conversation_id", "message_id", "passkey_id", "user_id", "session_id", "invitation_id", "file_format"}
    known |= {"token", "name", "filename", "aaguid"}

    assert {name for route in routes(app) for name in route.arguments} == known


def test_anonymous_is_sent_to_the_door(app: Flask, things: dict[str, object]) -> None:
    client = app.test_client()
    token = csrf_token(client)
    for route in routes(app, FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN):
        answer = route.call(client, token, **things)
        assert answer.status_code == 401 or answer.location.startswith("/auth/login"), route
        page = client.open(route.path(**things), method=route.method)
        assert page.status_code == (401 if route.path().startswith("/api/") else 302), route


def test_anonymous_may_open_what_is_public(app: Flask) -> None:
    client = app.test_client()
    token = csrf_token(client)
    for route in routes(app, PUBLIC):
        answer = route.call(client, token)
        assert answer.status_code not in (401, 403), route
        assert answer.location in (None, "/auth/login") or "next=" not in answer.location, route
        answer.close()


def test_an_ended_session_is_anonymous(app: Flask, alice: Person, things: dict[str, object]) -> None:
    thief = copy_browser(app, alice.client)
    token = csrf_token(thief)
    alice.post("/auth/logout")
    for route in routes(app, FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN):
        answer = route.call(thief, token, **things)
        assert answer.status_code == 401 or answer.location.startswith("/auth/login"), route


def test_a_suspended_account_is_anonymous(app: Flask, alice: Person, things: dict[str, object]) -> None:
    with app.app_context():
        db.session.execute(db.update(User).where(User.id == alice.id).values(active=False))
        db.session.commit()
    token = alice.csrf()
    for route in routes(app, FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN):
        answer = route.call(alice.client, token, **things)
        assert answer.status_code == 401 or answer.location.startswith("/auth/login"), route


def test_a_user_is_no_administrator(app: Flask, alice: Person, bob: Person) -> None:
    token = bob.csrf()
    for route in routes(app, FOR_ADMINS):
        assert route.call(bob.client, token, user_id=alice.id).status_code == 403, route
        assert route.call(bob.client, token, user_id=bob.id).status_code == 403, route
        assert route.call(bob.client, token).status_code == 403, "also where there is no such user"
    with app.app_context():
        assert {user.role for user in db.session.scalars(db.select(User))} == {"user"}


def test_a_user_may_open_the_rest(app: Flask, alice: Person, things: dict[str, object]) -> None:
    for route in routes(app, FOR_EVERYBODY_SIGNED_IN - DELETING):
        answer = route.call(alice.client, alice.csrf(), **things)
        assert answer.status_code not in (401, 403, 404), route
        answer.close()


def test_an_administrator_may_open_the_administration(app: Flask, admin: Person, alice: Person) -> None:
    for route in routes(app, FOR_ADMINS):
        ids = {"user_id": alice.id, "file_format": "csv", "invitation_id": make_invitation(app)}
        answer = route.call(admin.client, admin.csrf(), **ids)
        assert answer.status_code in (200, 302, 303), route
        answer.close()
        with app.app_context():  # alice is as she was, for the next one
            db.session.execute(db.update(User).where(User.id == alice.id).values(active=True, role="user"))
            db.session.commit()


@pytest.mark.parametrize("stranger", ["bob", "admin"])
def test_what_is_somebody_elses_is_not_there(
    app: Flask, things: dict[str, object], stranger: str, request: pytest.FixtureRequest
) -> None:
    person: Person = request.getfixturevalue(stranger)
    token = person.csrf()
    tried = 0
    for route in routes(app, FOR_EVERYBODY_SIGNED_IN):
        if route.arguments:
            foreign, absent = route.call(person.client, token, **things), route.call(person.client, token)
            assert foreign.status_code == 404, route
            assert (foreign.status_code, foreign.mimetype) == (absent.status_code, absent.mimetype), route
            if foreign.is_json:
                assert foreign.data == absent.data, "never tell which"
            tried += 1
    assert tried >= 8


@pytest.mark.parametrize("stranger", ["bob", "admin"])
@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
def test_ids_in_a_body_are_no_way_in(
    app: Flask, alice: Person, things: dict[str, object], stranger: str, path: str, request: pytest.FixtureRequest
) -> None:
    person: Person = request.getfixturevalue(stranger)
    own = person.ask(HELLO)
    before = alice.get(f"/api/conversations/{things['conversation_id']}").get_json()
    question = before["messages"][0]["id"]
    for body in (
        {"conversation_id": things["conversation_id"]},
        {"parent_id": things["message_id"]},
        {"parent_id": things["message_id"], "conversation_id": own["conversation_id"]},
        {"question_id": question},
        {"question_id": question, "conversation_id": own["conversation_id"]},
        {"question_id": question, "conversation_id": things["conversation_id"]},
        {"edit_id": question},
        {"edit_id": question, "conversation_id": own["conversation_id"]},
    ):
        answer = person.call("POST", path, {"message": "Hello", **body})
        assert answer.status_code == 404, body
        assert answer.is_json

    assert alice.get(f"/api/conversations/{things['conversation_id']}").get_json() == before
    with app.app_context():
        assert db.session.query(Conversation).filter_by(user_id=person.id).count() == 1
        assert db.session.query(Message).count() == 4


def test_a_message_of_another_conversation_is_no_parent(alice: Person) -> None:
    one, two = alice.ask(HELLO), alice.ask(HELLO)
    body = {"message": "Hello", "conversation_id": one["conversation_id"], "parent_id": two["message_id"]}

    assert alice.call("POST", "/api/chat", body).status_code == 404


def test_lists_hold_the_callers_own(alice: Person, bob: Person, admin: Person, things: dict[str, object]) -> None:
    lists = {
        person.email: [c["id"] for c in person.get("/api/conversations").get_json()["conversations"]]
        for person in (alice, bob, admin)
    }

    assert lists == {alice.email: [things["conversation_id"]], bob.email: [], admin.email: []}
    assert str(things["conversation_id"]) not in bob.get("/chat").text + admin.get("/chat").text


def test_a_demoted_administrator_is_out_at_the_next_request(app: Flask, admin: Person) -> None:
    assert admin.get("/admin/users").status_code == 200
    with app.app_context():
        db.session.execute(db.update(User).where(User.id == admin.id).values(role="user"))
        db.session.commit()

    assert admin.get("/admin/users").status_code == 403


def test_the_second_browser_of_a_suspended_account_is_out_too(app: Flask, admin: Person, alice: Person) -> None:
    phone = sign_in(app, alice.email)
    assert phone.get("/chat").status_code == 200
    admin.post(f"/admin/users/{alice.id}/suspend")

    assert phone.get("/api/models").status_code == 401
    assert alice.get("/api/models").status_code == 401

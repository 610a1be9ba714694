"""Passkey ceremonies as the page holds them, and what they may have left behind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.login_session import LoginSession
from app.models.passkey import Passkey
from app.models.user import User
from tests.people import Person, csrf_token
from tests.software_authenticator import Answers, SoftKey, make_key


def send(client: FlaskClient, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
    """Send JSON as the page does."""
    headers = {"X-CSRFToken": csrf_token(client), **kwargs.pop("headers", {})}
    return client.post(f"/auth/passkeys/{path}", json={} if body is None else body, headers=headers, **kwargs)


def begin(client: FlaskClient, ceremony: str, **body: Any) -> dict[str, Any]:
    """Begin a ceremony; gives its options."""
    response = send(client, f"{ceremony}/options", body)
    assert response.status_code == 200, response.text
    options: dict[str, Any] = response.get_json()
    return options


def finish(client: FlaskClient, ceremony: str, credential: Any, **rest: Any) -> TestResponse:
    """Send the answer of an authenticator."""
    return send(client, ceremony, {"credential": credential, **rest})


def add_key(person: Person, how: Answers | None = None, **changes: Any) -> SoftKey:
    """Add a passkey to somebody's account; gives it."""
    options = begin(person.client, "add")
    key = make_key(options, **changes)
    response = finish(person.client, "add", key.register(options, how))
    assert response.status_code == 201, response.text
    return key


def sign_in_with(client: FlaskClient, key: SoftKey, how: Answers | None = None, **rest: Any) -> TestResponse:
    """Sign in by passkey."""
    return finish(client, "sign-in", key.sign(begin(client, "sign-in"), how), **rest)


def confirm_with(person: Person, key: SoftKey) -> None:
    """Prove once more, by passkey, who is signed in."""
    options = begin(person.client, "confirm")
    assert send(person.client, "confirm", {"credential": key.sign(options)}).status_code == 200


def sign_up_with(client: FlaskClient, email: str = "ada@example.org", **changes: Any) -> tuple[TestResponse, SoftKey]:
    """Create an account by passkey."""
    options = begin(client, "sign-up", email=email)
    key = make_key(options, **changes)
    return finish(client, "sign-up", key.register(options)), key


def state(app: Flask) -> tuple[Any, ...]:
    """Everything that a refused ceremony must leave as it was."""
    with app.app_context():
        passkeys = select(
            Passkey.credential_id, Passkey.sign_count, Passkey.last_used_at, Passkey.backed_up, Passkey.user_id
        )
        sessions = select(LoginSession.id, LoginSession.proven_at)
        return tuple(
            tuple(sorted(map(str, db.session.execute(query))))
            for query in (passkeys, sessions, select(User.id, User.email))
        )


def kinds(app: Flask, user_id: UUID) -> list[str]:
    """What the audit log says of somebody."""
    with app.app_context():
        query = select(AuditEvent.kind).where(AuditEvent.subject_id == user_id).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def refusal(response: TestResponse) -> tuple[int, str, str | None]:
    """The status, the code and the reason."""
    body = response.get_json()
    return response.status_code, body["code"], body.get("reason")

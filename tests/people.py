"""The people of the tests, each with a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.auth.passwords import hash_password
from app.clock import utcnow
from app.extensions import db
from app.models.user import User

PASSWORD = "correct horse battery"  # everybody's
HELLO = '/fake {"chunks": ["Hi"]}'  # a question with a quick answer
META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


@dataclass
class Person:
    """Somebody with an account and a signed-in browser."""

    id: UUID
    email: str
    client: FlaskClient
    app: Flask

    def csrf(self) -> str:
        """Give the token that this browser's pages carry."""
        return csrf_token(self.client)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **kwargs)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        return send_form(self.client, path, **fields)

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        """Call the API."""
        headers = {"X-CSRFToken": self.csrf(), **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, json=body, headers=headers, **kwargs)

    def ask(self, message: str = HELLO, **fields: Any) -> dict[str, Any]:
        """Chat, in one piece; gives the answer's JSON."""
        response = self.call("POST", "/api/chat", {"message": message, **fields})
        assert response.status_code == 200, response.get_data(as_text=True)
        answer: dict[str, Any] = response.get_json()
        return answer

    def stream(self, message: str = HELLO, **fields: Any) -> list[Event]:
        """Chat, streamed; gives all events."""
        return events(self.call("POST", "/api/chat/stream", {"message": message, **fields}))

    def open_stream(self, message: str = HELLO, **fields: Any) -> Iterator[bytes]:
        """Chat, streamed; gives the pieces as they come."""
        response = self.call("POST", "/api/chat/stream", {"message": message, **fields})
        assert response.status_code == 200, response.get_data(as_text=True)
        return cast(Iterator[bytes], iter(response.response))


@dataclass
class Event:
    """One server-sent event."""

    name: str
    id: int
    data: dict[str, Any]


def events(response: TestResponse) -> list[Event]:
    """Give the events of a stream, read to its end."""
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "text/event-stream"
    return parse_events(response.get_data(as_text=True))


def parse_events(text: str) -> list[Event]:
    """Give the events of a text."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "event" in fields:
            found.append(Event(fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


def csrf_token(client: FlaskClient) -> str:
    """Give the CSRF token of the browser's session, from a page that everybody may open."""
    page = client.get("/auth/forgot").get_data(as_text=True)
    match = META.search(page)
    assert match, page
    return match[1]


def send_form(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """Send a form as a browser does, with the token of its page."""
    return client.post(path, data={"csrf_token": csrf_token(client), **fields})


def copy_browser(app: Flask, client: FlaskClient) -> FlaskClient:
    """Give a browser that holds the same session cookie, as a thief would."""
    copy = app.test_client()
    cookie = client.get_cookie("session")
    assert cookie, "nobody is signed in here"
    copy.set_cookie("session", cookie.value)
    return copy


def make_user(
    app: Flask, email: str, *, role: str = "user", password: str | None = PASSWORD, confirmed: bool = True
) -> UUID:
    """Add an account, with an address that is its owner's, or that anybody may have typed."""
    with app.app_context():
        user = User.create(email, password_hash=hash_password(password, email) if password else None, role=role)
        user.email_confirmed_at = utcnow() if confirmed else None
        db.session.add(user)
        db.session.commit()
        return user.id


def sign_in(app: Flask, email: str, password: str = PASSWORD) -> FlaskClient:
    """Give a browser that signed in through the page."""
    client = app.test_client()
    data = {"email": email, "password": password, "csrf_token": csrf_token(client)}
    response = client.post("/auth/login", data=data)
    assert response.status_code == 303, response.get_data(as_text=True)
    return client


def sign_up(app: Flask, email: str, *, role: str = "user", confirmed: bool = True) -> Person:
    """Add an account and sign it in."""
    return Person(make_user(app, email, role=role, confirmed=confirmed), email, sign_in(app, email), app)

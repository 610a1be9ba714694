"""Whatever is sent instead of a form: an answer, never a bug."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models.user import User
from tests.people import PASSWORD, Person, csrf_token, sign_in

VALUES: list[Any] = [None, True, 0, -1, 1e300, "", "\0", "x" * 70_000, [], [1], {}, {"a": {"b": 1}}, "\ud83d", "'\";--"]
FORMS = {
    "/auth/register": ["email", "password"],
    "/auth/login": ["email", "password", "remember"],
    "/auth/link/x": ["submit"],
    "/auth/recovery": ["email", "code"],
    "/settings/account": ["name"],
    "/settings/security": ["new_password"],
    "/settings/account/delete": ["confirm"],
}


def good(field: str) -> str:
    return {"email": "ada@example.org", "confirm": "y"}.get(field, PASSWORD)


def paths(person: Person) -> Iterator[tuple[str, list[str], Any]]:
    """Every form with a browser that may use it."""
    for path, fields in FORMS.items():
        yield path, fields, person.client if path.startswith("/settings") else person.app.test_client()


def is_answered(response: TestResponse) -> bool:
    return 200 <= response.status_code < 500


def assert_nothing_changed(alice: Person) -> None:
    """No account was made, deleted, or given another password."""
    assert sign_in(alice.app, alice.email).get("/chat").status_code == 200
    with alice.app.app_context():
        assert db.session.scalars(select(User.email)).all() == [alice.email]


def test_json_is_no_form(alice: Person) -> None:
    for path, fields, client in paths(alice):
        headers = {"X-CSRFToken": csrf_token(client)}
        for field in fields:
            for value in VALUES:
                body = {**{name: good(name) for name in fields}, field: value}
                response = client.post(path, json=body, headers=headers)
                assert response.status_code in (200, 303, 404, 422), (path, field, value)
        for body in (*VALUES, "[", "{"):
            response = client.post(path, data=json.dumps(body), content_type="application/json", headers=headers)
            assert is_answered(response), (path, body)

    assert_nothing_changed(alice)


def test_an_uploaded_file_is_no_text(alice: Person) -> None:
    for path, fields, client in paths(alice):
        for field in fields:
            data: dict[str, Any] = {name: good(name) for name in fields if name != field}
            data |= {field: (io.BytesIO(b"x" * 20), "ada@example.org"), "csrf_token": csrf_token(client)}
            response = client.post(path, data=data, content_type="multipart/form-data")
            assert response.status_code in (200, 303, 401, 404, 422), (path, field, response.status_code)

    assert_nothing_changed(alice)


def test_any_text_is_answered(alice: Person) -> None:
    texts = [value.encode("utf-8", "surrogatepass") for value in VALUES if isinstance(value, str)]
    for path, fields, client in paths(alice):
        for field in fields:
            data = {name: good(name) for name in fields if name not in (field, "confirm")}
            for text in texts:
                response = client.post(path, data={**data, field: text, "csrf_token": csrf_token(client)})
                assert is_answered(response), (path, field, text)


BROKEN = [
    (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
    (b"email=%ff%fe&password=%00", "application/x-www-form-urlencoded"),
    (b"email=" + b"a&email=" * 3000, "application/x-www-form-urlencoded"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
    (b"", "multipart/form-data"),
    (b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n', "multipart/form-data; boundary=x"),
    (b"{}", "application/json; charset=utf-99"),
    (b"<x/>", "text/xml"),
    (b"x", "\x80"),
]


def test_a_broken_body_is_answered(alice: Person) -> None:
    for path, _, client in paths(alice):
        headers = {"X-CSRFToken": csrf_token(client)}
        for body, content_type in BROKEN:
            answer = client.post(path, data=body, content_type=content_type, headers=headers)
            assert is_answered(answer), (path, body)


def test_a_broken_csrf_token_is_refused(client: FlaskClient) -> None:
    csrf_token(client)
    for token in ("", "x", "é", "\x80", "a.b.c", "ImFiYyI.x.y", "x" * 5000):
        for request in ({"data": {"csrf_token": token}}, {"headers": {"X-CSRFToken": token}}):
            assert client.post("/auth/login", **request).status_code == 403, token


def test_a_broken_theme_is_the_systems(client: FlaskClient) -> None:
    for theme in ("dark", "light", '"><script>', "\xff", "x" * 4000):
        client.set_cookie("theme", theme)
        shown = theme if theme in ("dark", "light") else "system"
        assert f'data-theme="{shown}"' in client.get("/auth/login").text, theme

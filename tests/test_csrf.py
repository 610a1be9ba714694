"""Every route that writes wants the token of the browser's own page, in the form or in the header."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.people import PASSWORD, Person, csrf_token, send_form

READING = {"GET", "HEAD", "OPTIONS"}
SOME_ID = UUID("0199f4d2-0000-7000-8000-000000000000")


def write_routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Every method and path that changes something."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        path = adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, SOME_ID), method=_any(rule))
        yield from ((method, path) for method in sorted((rule.methods or set()) - READING))


def _any(rule: Rule) -> str:
    return next(iter(rule.methods or {"GET"}))


def test_there_is_something_to_protect(app: Flask) -> None:
    routes = set(write_routes(app))

    assert len(routes) > 15
    assert {
        ("POST", "/auth/login"),
        ("POST", "/api/chat/stream"),
        ("DELETE", f"/api/conversations/{SOME_ID}"),
    } <= routes


@pytest.mark.parametrize("token", [None, "", "wrong", "of another browser"])
def test_without_its_token_nothing_is_written(app: Flask, admin: Person, token: str | None) -> None:
    admin.csrf()
    foreign = csrf_token(app.test_client())
    for method, path in write_routes(app):
        sent = foreign if token == "of another browser" else token
        in_form = admin.client.open(path, method=method, data={} if sent is None else {"csrf_token": sent})
        in_header = admin.client.open(
            path, method=method, json={"message": "Hi"}, headers={} if sent is None else {"X-CSRFToken": sent}
        )
        assert in_form.status_code == 403, (method, path)
        assert in_header.status_code == 403, (method, path)
        assert in_header.get_json()["code"] == "csrf"
        assert in_form.is_json == path.startswith("/api/"), (method, path)


def test_with_its_token_it_gets_through(app: Flask, admin: Person) -> None:
    for method, path in write_routes(app):
        if path in ("/auth/logout", "/settings/account/delete"):
            continue  # the browser is needed for the others
        in_form = admin.client.open(path, method=method, data={"csrf_token": admin.csrf()})
        in_header = admin.client.open(path, method=method, json={}, headers={"X-CSRFToken": admin.csrf()})
        assert 403 not in (in_form.status_code, in_header.status_code), (method, path)


def test_the_token_does_not_help_in_the_address(alice: Person) -> None:
    response = alice.client.post(f"/settings/account?csrf_token={alice.csrf()}", data={"name": "Eve"})

    assert response.status_code == 403


def test_every_page_has_the_token(app: Flask, alice: Person) -> None:
    pages = [app.test_client().get("/auth/login"), alice.get("/chat"), alice.get("/nothing"), alice.get("/admin/users")]

    assert all('<meta name="csrf-token" content="' in page.text for page in pages)


def test_the_token_of_before_signing_in_is_dead(app: Flask, alice: Person) -> None:
    client = app.test_client()
    before = csrf_token(client)
    assert send_form(client, "/auth/login", email=alice.email, password=PASSWORD).status_code == 303

    assert client.post("/auth/logout", data={"csrf_token": before}).status_code == 403
    assert send_form(client, "/auth/logout").status_code == 303

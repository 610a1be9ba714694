"""Every error is a page for a person, and JSON for a program."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.test import TestResponse

from app.access import public
from app.extensions import db
from tests.people import PASSWORD, Person, csrf_token, make_user, send_form, sign_up

JSON = {"Accept": "application/json"}
AWAY = "postgresql://127.0.0.1:1/nobody-listens-here"


def assert_page(response: TestResponse, status: int, title: str) -> None:
    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert f"<h1>{title}</h1>" in response.text
    assert f">{status}</p>" in response.text
    assert "/static/dist/app-" in response.text, "in the looks of the product"


def assert_json(response: TestResponse, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.mimetype == "application/json"
    body = response.get_json()
    assert body["code"] == code
    assert body["error"].endswith(".")
    assert set(body) <= {"error", "code", "field"}


def test_400(client: FlaskClient, alice: Person) -> None:
    assert_page(client.get("/auth/login?next=%00"), 400, "That did not work")
    malformed = alice.client.post(
        "/api/conversations", data="{", content_type="application/json", headers={"X-CSRFToken": alice.csrf()}
    )
    assert_json(malformed, 400, "malformed")


def test_401(client: FlaskClient) -> None:
    page = client.get("/settings/account?tab=1")
    assert (page.status_code, page.location) == (302, "/auth/login?next=/settings/account?tab%3D1")
    assert client.post("/settings/account").location == "/auth/login", "what was posted can't be repeated"
    assert_json(client.get("/api/models"), 401, "not_signed_in")
    assert_json(client.get("/settings/account", headers=JSON), 401, "not_signed_in")


def test_403(alice: Person) -> None:
    assert_page(alice.get("/admin/users"), 403, "Not allowed")
    assert_json(alice.get("/admin/users", headers=JSON), 403, "not_allowed")


def test_403_of_a_page_that_is_out_of_date(alice: Person) -> None:
    page = alice.client.post("/settings/account", data={"name": "x"})
    assert_page(page, 403, "Not allowed")
    assert "out of date" in page.text
    assert_json(alice.client.post("/api/conversations", json={}), 403, "csrf")


@pytest.mark.parametrize(
    "path", ["/nothing", "/chat/nothing", "/chat/0199f4d2-0000-7000-8000-000000000000", "/static/x"]
)
def test_404(alice: Person, path: str) -> None:
    assert_page(alice.get(path), 404, "Nothing here")
    assert_json(alice.get(path, headers=JSON), 404, "not_found")


def test_404_below_the_api_is_json_for_everybody(client: FlaskClient) -> None:
    assert_json(client.get("/api/nothing", headers={"Accept": "text/html"}), 404, "not_found")


def test_405_names_what_is_possible(client: FlaskClient, alice: Person) -> None:
    page = client.get("/auth/logout")
    assert_page(page, 405, "Not possible here")
    assert set(page.allow) == {"POST", "OPTIONS"}
    answer = alice.call("PUT", "/api/conversations")
    assert_json(answer, 405, "method_not_allowed")
    assert "POST" in answer.allow


def test_409(admin: Person) -> None:
    page = admin.post("/settings/account/delete", confirm="y")
    assert_page(page, 409, "Not possible now")


@pytest.mark.parametrize("error", [StaleDataError("gone"), IntegrityError("INSERT", None, ValueError("gone"))])
def test_409_when_somebody_else_was_quicker(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    app = make_app()

    def late() -> str:
        raise error

    app.add_url_rule("/late", view_func=public(late))
    app.add_url_rule("/api/late", "api_late", view_func=public(late))
    assert_page(app.test_client().get("/late"), 409, "Not possible now")
    assert_json(app.test_client().get("/api/late"), 409, "conflict")
    assert "gone" in caplog.text, "a bug could look like it"


def test_413(client: FlaskClient, alice: Person) -> None:
    assert_page(send_form(client, "/auth/login", email="x" * 70_000), 413, "Too large")
    parts = {"email": "x" * 70_000, "csrf_token": csrf_token(client)}
    assert_page(client.post("/auth/login", data=parts, content_type="multipart/form-data"), 413, "Too large")
    assert_json(alice.call("POST", "/api/conversations", {"title": "x" * 2_200_000}), 413, "too_large")


def test_415(alice: Person) -> None:
    answer = alice.client.post("/api/chat", data="Hello", headers={"X-CSRFToken": alice.csrf()})
    assert_json(answer, 415, "unsupported_media_type")


def test_422_names_the_field(alice: Person) -> None:
    answer = alice.call("POST", "/api/conversations", {"title": 1})
    assert_json(answer, 422, "invalid_field")
    assert answer.get_json()["field"] == "title"


def test_429_of_sign_in(client: FlaskClient) -> None:
    tries = [send_form(client, "/auth/login", email="ada@example.org", password="wrong") for _ in range(7)]
    assert_page(tries[-1], 429, "One moment")
    assert re.search(r"The next try is possible in \d+ seconds\.", tries[-1].text)
    for way in ("Use a recovery code", "Use a passkey"):
        assert f">{way}</a>" in tries[-1].text
    assert int(tries[-1].headers["Retry-After"]) > 0


def test_429_of_the_chat(make_app: Callable[..., Flask]) -> None:
    ada = sign_up(make_app(rate_limit="1/minute"), "ada@example.org")
    assert ada.call("POST", "/api/chat", {}).status_code == 422
    answer = ada.call("POST", "/api/chat/stream", {})
    assert_json(answer, 429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 61


def test_500(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()

    @public
    def bug() -> str:
        raise ZeroDivisionError("the secret of the bug")

    app.add_url_rule("/bug", view_func=bug)
    app.add_url_rule("/api/bug", "api_bug", view_func=bug)
    for response in (app.test_client().get("/bug"), app.test_client().get("/api/bug")):
        assert "secret" not in response.text
        assert "ZeroDivision" not in response.text
    assert_page(app.test_client().get("/bug"), 500, "Something went wrong")
    assert_json(app.test_client().get("/api/bug"), 500, "internal_error")
    assert "the secret of the bug" in caplog.text, "the log has it all"


def test_500_for_somebody_signed_in(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()

    def bug() -> str:
        return str(db.session.execute(db.text("SELECT * FROM no_such_table")))

    app.add_url_rule("/bug", view_func=bug)
    make_user(app, "ada@example.org")
    client = app.test_client()
    send_form(client, "/auth/login", email="ada@example.org", password=PASSWORD)
    response = client.get("/bug")

    assert response.status_code in (500, 503), "a transaction that failed does not make the page fail"
    assert "<h1>" in response.text
    assert client.get("/chat").status_code == 200


def test_503_when_the_database_is_away(make_app: Callable[..., Flask], alice: Person) -> None:
    client = make_app(database_url=AWAY).test_client()
    cookie = alice.client.get_cookie("session")
    assert cookie is not None
    client.set_cookie("session", cookie.value)
    page = client.get("/settings/account")

    assert_page(page, 503, "Not available right now")
    assert page.headers["Retry-After"] == "5"
    answer = client.get("/api/conversations")
    assert_json(answer, 503, "unavailable")
    assert "127.0.0.1" not in page.text + answer.text
    assert client.get("/auth/login").status_code == 503, "also where everybody may go: who is signed in is not known"
    assert client.get("/healthz").status_code == 200


def test_an_error_leads_on(client: FlaskClient, alice: Person) -> None:
    assert "Go to the start page" in client.get("/nothing").text
    assert "Go to the chat" in alice.get("/nothing").text


def test_an_error_is_told_even_without_the_front_end(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    app.extensions["assets"] = {}
    for path, status in [("/nothing", 404), ("/auth/login", 500)]:
        response = app.test_client().get(path)
        assert response.status_code == status
        assert response.text.endswith(".")
        assert "Content-Security-Policy" in response.headers
    assert "npm run build" in caplog.text


PREFERENCES = [
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ("*/*", "text/html"),
    ("", "text/html"),
    ("application/json", "application/json"),
    ("application/json, text/html;q=0.5", "application/json"),
    ("text/event-stream", "text/html"),
    ("%%;q=x", "text/html"),
]


def test_who_prefers_json_gets_it(client: FlaskClient) -> None:
    for accept, mimetype in PREFERENCES:
        assert client.get("/nothing", headers={"Accept": accept}).mimetype == mimetype, accept

"""Which names the server answers to, and that no other site writes here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import PASSWORD, Person, csrf_token, make_user

EMAIL = "ada@example.org"
OURS = ["localhost", "localhost:5000", "LocalHost:81", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:5000"]
FOREIGN = [
    "evil.example",
    "evil.example:5000",
    "localhost.evil.example",
    "evil.example/localhost",
    "localhost@evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "[::2]",
    "localhost:5000:1",
    "a b",
    "",
]


def test_it_answers_to_its_own_names(client: FlaskClient) -> None:
    for host in OURS:
        assert client.get("/auth/login", headers={"Host": host}).status_code == 200, host


def test_it_answers_to_no_other_name(client: FlaskClient) -> None:
    for host in FOREIGN:
        page = client.get("/auth/login", headers={"Host": host})
        answer = client.get("/api/models", headers={"Host": host})
        assert (page.status_code, answer.status_code) == (400, 400), host
        assert "ALLOWED_HOSTS" in page.text, "the person at the other end is told what to do"
        assert page.mimetype == "text/html"
        assert answer.get_json()["code"] == "malformed"


@pytest.mark.parametrize(
    ("setting", "host"),
    [
        ("box.lan", "box.lan:5000"),
        ("Box.LAN", "box.lan"),
        ("box.lan:5000", "box.lan:8080"),
        ("192.168.1.5", "192.168.1.5:5000"),
        ("[fd00::5]", "[fd00::5]:5000"),
        ("fd00::5", "[fd00::5]"),
    ],
)
def test_more_names_can_be_allowed(make_app: Callable[..., Flask], setting: str, host: str) -> None:
    client = make_app(allowed_hosts=(setting,)).test_client()

    assert client.get("/auth/login", headers={"Host": host}).status_code == 200
    assert client.get("/auth/login", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("url", "host"), [("https://chat.example.org", "chat.example.org"), ("http://[fd00::5]:5000", "[fd00::5]:5000")]
)
def test_it_answers_to_its_public_name(make_app: Callable[..., Flask], url: str, host: str) -> None:
    assert make_app(public_url=url).test_client().get("/auth/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("setting", ["", "[", "*", "http://evil.example"])
def test_a_strange_setting_opens_nothing(make_app: Callable[..., Flask], setting: str) -> None:
    client = make_app(allowed_hosts=(setting,)).test_client()

    assert client.get("/auth/login", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/auth/login", headers={"Host": ""}).status_code == 400
    assert client.get("/auth/login").status_code == 200


def test_a_forwarded_name_counts_only_behind_a_trusted_proxy(
    client: FlaskClient, make_app: Callable[..., Flask]
) -> None:
    behind_proxy = make_app(trusted_proxies=1).test_client()
    headers = {"X-Forwarded-Host": "evil.example"}

    assert client.get("/auth/login", headers=headers).status_code == 200
    assert behind_proxy.get("/auth/login", headers=headers).status_code == 400


def login_from(client: FlaskClient, **headers: str) -> int:
    data = {"email": EMAIL, "password": PASSWORD, "csrf_token": csrf_token(client)}
    return client.post("/auth/login", data=data, headers=headers).status_code


def test_a_write_from_here_works(app: Flask) -> None:
    make_user(app, EMAIL)
    for headers in HERE:
        assert login_from(app.test_client(), **headers) == 303, headers


HERE: list[dict[str, str]] = [
    {},
    {"Origin": "http://localhost"},
    {"Referer": "http://localhost/auth/login?next=/chat"},
    {"Origin": "http://localhost", "Referer": "https://evil.example/"},
    {"Host": "localhost:5000", "Origin": "http://localhost:5000"},
]
ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "http://["},
    {"Origin": "localhost"},
    {"Origin": "\xff"},
    {"Referer": "https://evil.example/localhost"},
    {"Referer": "http://localhost:8080/"},
    {"Referer": "about:blank"},
    {"Origin": "https://evil.example", "Referer": "http://localhost/"},
    {"Host": "localhost:5000", "Origin": "http://localhost"},
]


def test_a_write_from_elsewhere_does_not(app: Flask, client: FlaskClient) -> None:
    make_user(app, EMAIL)
    for headers in ELSEWHERE:
        assert login_from(client, **headers) == 403, headers
        assert client.get("/chat").status_code == 302


def test_a_call_from_elsewhere_does_not_either(alice: Person) -> None:
    calls = [("POST", "/api/conversations"), ("POST", "/api/chat/stream"), ("DELETE", "/api/conversations/1")]
    for headers in ELSEWHERE:
        for method, path in calls:
            answer = alice.call(method, path, {"title": "x", "message": "Hi"}, headers=headers)
            assert answer.status_code == 403, headers
            assert answer.get_json()["code"] == "csrf"
    assert alice.get("/api/conversations").get_json()["conversations"] == []


def test_reading_from_elsewhere_is_no_matter(client: FlaskClient) -> None:
    assert client.get("/auth/login", headers={"Origin": "https://evil.example"}).status_code == 200


def test_nobody_else_may_read_the_answers(alice: Person) -> None:
    answer = alice.get("/api/conversations", headers={"Origin": "https://evil.example"})

    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]

"""What every answer carries, and what no page contains: inline scripts and styles, addresses of other sites."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import HELLO, PASSWORD, Person, make_user, send_form, sign_in

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "dompurify app",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
LINKS = {"href", "src", "action", "formaction", "poster", "srcset", "data"}


def pages(app: Flask, alice: Person, admin: Person) -> Iterator[TestResponse]:
    """Every page that there is, full of hostile text."""
    guest = app.test_client()
    hostile = "<img src=x onerror=alert(1)>'\"><script>alert(1)</script>"
    alice.post("/settings/account", name=hostile)
    answer = alice.ask("/fake " + json.dumps({"chunks": [hostile], "thinking": hostile}))
    failure = "/fake " + json.dumps({"fail": "error", "chunks": [hostile], "after": 1})
    failed = alice.call("POST", "/api/chat", {"message": failure}).get_json()
    for path in ("/auth/login", "/auth/register", "/auth/forgot", "/nothing", "/auth/link/nothing"):
        yield guest.get(path)
    yield guest.get("/auth/login?next=javascript:alert(1)//")
    yield guest.get("/auth/login", headers={"Host": "evil.example"})
    yield send_form(guest, "/auth/login", email=hostile, password=hostile)
    yield send_form(guest, "/auth/register", email=hostile, password="x")
    yield guest.post("/auth/login")
    for path in ("/chat", "/settings/account", "/settings/security", "/settings/account/delete", "/admin/users"):
        yield alice.get(path)
    yield alice.get(f"/chat/{answer['conversation_id']}")
    yield alice.get(f"/chat/{failed['conversation_id']}")
    yield alice.post("/settings/account", name=hostile * 10)
    yield alice.post("/settings/security", new_password="x")
    yield alice.post("/settings/account/delete", password="x")
    for path in ("/admin/users", f"/admin/users?q={hostile}", "/settings/account", "/admin/users?q=img"):
        yield admin.get(path)
    link = admin.post(f"/admin/users/{alice.id}/sign-in-link")
    yield link
    found = re.findall(r"/auth/link/[\w-]+", link.text)
    yield guest.get(found[0])


@pytest.fixture
def all_pages(app: Flask, alice: Person, admin: Person) -> list[TestResponse]:
    found = list(pages(app, alice, admin))
    assert {page.status_code for page in found} >= {200, 400, 401, 403, 404, 422}
    return found


class Reader(HTMLParser):
    """Collects what a strict policy would block, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("style", "iframe", "object", "embed", "base") or (tag == "script" and not given.get("src")):
            self.inline.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or name == "srcdoc":
                self.inline.append(f"{tag} {name}={value}")
            if name in LINKS:
                self.links.append(value or "")


def test_the_reader_sees_what_is_forbidden() -> None:
    reader = Reader()
    reader.feed(
        '<p style="x"><a onclick="y()" href="//evil.example">z</a><script>1</script><script src="/a.js"></script>'
    )

    assert reader.inline == ["p style=x", "a onclick=y()", "<script>"]
    assert reader.links == ["//evil.example", "/a.js"]


def test_every_page_carries_the_policy(all_pages: list[TestResponse]) -> None:
    for page in all_pages:
        assert page.mimetype == "text/html"
        given = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        assert given == POLICY
        assert {name: page.headers[name] for name in ALWAYS} == ALWAYS
        assert {"camera=()", "microphone=()", "geolocation=()"} <= set(page.headers["Permissions-Policy"].split(", "))


def test_no_page_has_anything_inline(all_pages: list[TestResponse]) -> None:
    for page in all_pages:
        reader = Reader()
        reader.feed(page.text)
        assert reader.inline == [], page.request.path
        assert any(link.endswith(".js") for link in reader.links), "this was a page of ours"


def test_no_page_names_another_site(all_pages: list[TestResponse]) -> None:
    for page in all_pages:
        reader = Reader()
        reader.feed(page.text)
        for link in reader.links:
            parts = urlsplit(link)
            assert parts.scheme in ("", "data"), (page.request.path, link)  # data: is in the page itself
            assert not parts.netloc, (page.request.path, link)


def test_no_page_is_kept_by_anybody(all_pages: list[TestResponse]) -> None:
    assert {page.headers["Cache-Control"] for page in all_pages} == {"no-store"}


def test_no_page_tells_the_server_and_its_version(all_pages: list[TestResponse]) -> None:
    for page in all_pages:
        assert not {"Server", "X-Powered-By"} & set(page.headers.keys())


@pytest.mark.parametrize(
    "path", ["/", "/settings", "/api/models", "/api/conversations", "/api/nothing", "/healthz", "/face/status"]
)
def test_every_other_answer_carries_them_too(alice: Person, path: str) -> None:
    answer = alice.get(path)

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_stream_carries_them_too(alice: Person) -> None:
    answer = alice.call("POST", "/api/chat/stream", {"message": HELLO})

    assert answer.mimetype == "text/event-stream"
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.get_data()


def test_over_https_the_browser_shall_stay_there(client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/auth/login").headers
    secure = client.get("/auth/login", base_url="https://localhost").headers["Strict-Transport-Security"]

    assert int(re.findall(r"max-age=(\d+)", secure)[0]) >= 31_536_000


def test_behind_a_trusted_proxy_https_is_what_it_says(make_app: Callable[..., Flask], client: FlaskClient) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    behind = make_app(trusted_proxies=1).test_client().get("/auth/login", headers=headers)

    assert "Strict-Transport-Security" in behind.headers
    assert "Strict-Transport-Security" not in client.get("/auth/login", headers=headers).headers


def built_files(client: FlaskClient) -> list[str]:
    reader = Reader()
    reader.feed(client.get("/auth/login").text)
    return sorted({link.partition("#")[0] for link in reader.links if link.startswith("/static/dist/")})


def test_built_files_are_kept_for_ever(client: FlaskClient) -> None:
    files = built_files(client)
    assert len(files) >= 3
    for file in files:
        with client.get(file) as answer:
            assert answer.status_code == 200
            assert answer.cache_control.public
            assert answer.cache_control.immutable
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_everybody_may_keep_holds_nobodys_cookie(app: Flask) -> None:
    make_user(app, "ada@example.org")
    client = app.test_client()
    send_form(client, "/auth/login", email="ada@example.org", password=PASSWORD, remember="y")
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert cookie.expires is not None, "only a session that is kept would be sent again and again"
    for file in built_files(client):
        with client.get(file) as answer:
            assert "Set-Cookie" not in answer.headers, file


def test_what_is_hostile_stays_text(app: Flask, alice: Person) -> None:
    hostile = "<script>alert(1)</script>"
    alice.post("/settings/account", name=hostile)
    conversation = alice.call("POST", "/api/conversations", {"title": hostile}).get_json()
    for path in ("/settings/account", "/chat", f"/chat/{conversation['id']}"):
        page = sign_in(app, alice.email).get(path).text
        assert "alert(1)" in page
        assert hostile not in page

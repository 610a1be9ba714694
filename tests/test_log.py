"""What the development server writes down of each request."""

from __future__ import annotations

from pathlib import Path

from app.config import Settings
from app.tokens import new_token
from tests.serving import Browser, Server

PATHS = ("/auth/link/", "/auth/mail/", "/auth/reset/", "/auth/invitation/", "/settings/email/")


def test_it_holds_no_token_of_a_link(settings: Settings, tmp_path: Path) -> None:
    token, log = new_token(), tmp_path / "log"
    server = Server(settings, flask_run=True, log=log)
    browser = Browser(server.url)
    for path in PATHS:
        browser.request("GET", path + token)
    browser.close()
    server.stop()
    written = log.read_text(encoding="utf-8")

    assert all(f"GET {path}… HTTP/1.1" in written for path in PATHS)
    assert token not in written

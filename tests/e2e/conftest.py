"""A live server with a scripted model, and a real browser. Whatever a test does, a page must stay without faults:
no script error and no violation of the content security policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from app import create_app
from app.config import Settings
from app.extensions import db
from tests.people import Person, sign_up
from tests.serving import Server

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
REPORT_VIOLATIONS = """
  document.addEventListener('securitypolicyviolation', (event) =>
    console.error('POLICY ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
"""

numbers = count(1)


@dataclass
class Site:
    """The running application: over HTTP at `server`, and `app` on the same database to prepare things."""

    server: Server
    app: Flask

    def make_person(self, role: str = "user") -> Person:
        """Add somebody new, signed in."""
        return sign_up(self.app, f"{role}-{os.getpid()}-{next(numbers)}@example.org", role=role)


@pytest.fixture(scope="session")
def site(base_settings: Settings, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests of this process; every test brings a person of its own."""
    path = tmp_path_factory.mktemp("site") / "app.db"
    shutil.copy(migrated_file, path)
    settings = replace(base_settings, database_url=f"sqlite:///{path}", rate_limit="10000/minute")
    app = create_app(settings)
    server = Server(settings)
    yield Site(server, app)
    server.stop()
    app.extensions["chat"].engine.close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The browser's driver."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium here")
    browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


@dataclass
class Faults:
    """What went wrong in the pages of a test."""

    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note what this page complains about."""
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        # "Failed to load resource" tells of an answer with an error status, which a test may have asked for.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.found.append(message.text)


Opens = Callable[..., Page]


@pytest.fixture
def open_page(site: Site, chromium: Browser) -> Iterator[Opens]:
    """Open a page in a browser of its own: `open_page(path, person, **options of the browser context)`."""
    faults = Faults()
    with ExitStack() as contexts:

        def open_it(path: str, person: Person | None = None, **options: Any) -> Page:
            url = options.setdefault("base_url", site.server.url)
            context = contexts.enter_context(chromium.new_context(**options))
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(REPORT_VIOLATIONS)
            if person:
                cookie = person.client.get_cookie("session")
                assert cookie
                context.add_cookies([{"name": "session", "value": cookie.value, "url": url}])
            page = context.new_page()
            faults.watch(page)
            page.goto(path)
            return page

        yield open_it
    assert faults.found == []


@pytest.fixture
def alice(site: Site) -> Person:
    """Somebody new, signed in."""
    return site.make_person()


@pytest.fixture
def chat(open_page: Opens, alice: Person) -> Page:
    """Alice's page, before her first message."""
    return open_page("/chat", alice)

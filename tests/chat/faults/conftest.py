"""Real servers on a real database, to be hurt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.config import Settings
from tests.people import make_user
from tests.serving import Browser, Server

Serve = Callable[..., Server]
Browse = Callable[..., Browser]

ALICE = "alice@example.org"
KINDS: dict[str, dict[str, bool]] = {
    "gunicorn": {},
    "gunicorn-plain": {"stream_direct": False},
    "flask-run": {"flask_run": True},
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, bool]:
    """Every way in which a stream is written, as options of `serve`."""
    return KINDS[request.param]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the servers of this test complain about."""
    return tmp_path / "server.log"


@pytest.fixture
def serve(app: Flask, settings: Settings, log: Path, browse: Browse) -> Iterator[Serve]:
    """Start servers on this test's database, in which alice has an account; they end before the browsers do."""
    make_user(app, ALICE)
    servers: list[Server] = []

    def start(*, flask_run: bool = False, workers: int = 1, **changes: Any) -> Server:
        servers.append(Server(replace(settings, **changes), flask_run=flask_run, workers=workers, log=log))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def browse() -> Iterator[Browse]:
    """Give signed-in browsers."""
    browsers: list[Browser] = []

    def start(server: Server, email: str = ALICE) -> Browser:
        browsers.append(Browser(server.url))
        browsers[-1].sign_in(email)
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()

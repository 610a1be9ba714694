"""Real servers for what concerns several processes, or the end of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.config import Settings
from tests.people import make_user
from tests.serving import Browser, Server

Serve = Callable[..., Server]
Browse = Callable[[Server], Browser]


@pytest.fixture
def serve(app: Flask, settings: Settings) -> Iterator[Serve]:
    """Start servers on this test's database, in which alice has an account."""
    make_user(app, "alice@example.org")
    servers: list[Server] = []

    def start(*, flask_run: bool = False, workers: int = 1, **changes: Any) -> Server:
        servers.append(Server(replace(settings, **changes), flask_run=flask_run, workers=workers))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def browse() -> Iterator[Browse]:
    """Give browsers in which alice is signed in."""
    browsers: list[Browser] = []

    def start(server: Server) -> Browser:
        browsers.append(Browser(server.url))
        browsers[-1].sign_in("alice@example.org")
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()

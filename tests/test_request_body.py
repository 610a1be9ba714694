"""Bodies that are broken or never end, before anybody has signed in; with gunicorn's greenlets and with threads."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import urllib3

from app.config import Settings
from tests.people import PASSWORD
from tests.serving import Browser, Server

FORM = "application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module", params=["gunicorn", "flask run"])
def server(
    request: pytest.FixtureRequest,
    base_settings: Settings,
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server that waits one second for a body."""
    path = tmp_path_factory.mktemp("impatient") / "app.db"
    shutil.copy(migrated_file, path)
    settings = replace(base_settings, database_url=f"sqlite:///{path}")
    server = Server(settings, flask_run=request.param == "flask run", application="tests.impatient:app")
    yield server
    server.kill()


def begin(server: Server, *headers: str, path: str = "/auth/login", kind: str = FORM) -> socket.socket:
    """Send the head of a request."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *headers]
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    return connection


def answer_of(connection: socket.socket) -> bytes:
    """Read an answer to the end of the connection, which is a reset when the server left something unread."""
    answer = b""
    with connection, suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def trickle(connection: socket.socket, piece: bytes) -> float:
    """Send a piece again and again until the server has enough; gives for how long."""
    started = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() < started + 15:
        try:
            connection.sendall(piece)
            if connection.recv(1, socket.MSG_PEEK):
                break
        except TimeoutError:
            continue
    connection.settimeout(20)
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("header", "piece"), [("Content-Length: 60000", b"a"), (CHUNKED, b"1\r\na\r\n")], ids=["length", "chunks"]
)
def test_who_sends_a_byte_now_and_then_is_not_waited_for(server: Server, header: str, piece: bytes) -> None:
    connection = begin(server, header)
    seconds = trickle(connection, piece)
    answer = answer_of(connection)

    assert status_of(answer) == 408, answer
    assert b"<h1>Too slow</h1>" in answer
    assert 0.8 < seconds < 8


def test_who_sends_nothing_is_not_waited_for(server: Server) -> None:
    answers = [answer_of(begin(server, header)) for header in ("Content-Length: 5", CHUNKED)]

    assert [status_of(answer) for answer in answers] == [408, 408]


BROKEN = [b"x\r\n", b"5\r\nabc", b"5;\0=\r\nemail\r\n", b"1\r\naaaaa\r\n", b"\r\n", b"-1\r\n", b"0\r\nbroken\r\n\r\n"]


def test_broken_chunks_are_the_senders_mistake(server: Server) -> None:
    for body in BROKEN:
        connection = begin(server, CHUNKED)
        connection.sendall(body)
        connection.shutdown(socket.SHUT_WR)
        status = status_of(answer_of(connection))
        assert status < 500, body


def test_a_broken_chunk_is_400_in_the_form_of_the_caller(server: Server) -> None:
    connection = begin(server, CHUNKED)
    connection.sendall(b"x\r\n")
    page = answer_of(connection)
    assert status_of(page) == 400
    assert b"<h1>That did not work</h1>" in page

    connection = begin(server, CHUNKED, "Accept: application/json")
    connection.sendall(b"x\r\n")
    answer = answer_of(connection)
    assert status_of(answer) == 400
    assert b'"code":"malformed"' in answer


def test_others_are_answered_meanwhile_and_afterwards(server: Server) -> None:
    waiting = [begin(server, "Content-Length: 5") for _ in range(20)]
    assert urllib3.request("GET", f"{server.url}/readyz", retries=False).status == 200
    assert [status_of(answer_of(connection)) for connection in waiting] == [408] * 20

    assert urllib3.request("POST", f"{server.url}/auth/login", fields={"email": "x"}, retries=False).status == 403


def test_a_body_in_pieces_is_read_to_its_end(server: Server) -> None:
    connection = begin(server, CHUNKED, "Connection: close")
    for piece in (b"5\r\nemail\r\n", b"2\r\n=x\r\n", b"0\r\n\r\n"):
        time.sleep(0.1)
        connection.sendall(piece)

    assert status_of(answer_of(connection)) == 403, "there was no token in it"


def test_what_nobody_reads_does_not_hold_up_the_others(server: Server) -> None:
    """A body without end, sent as fast as it goes, to an address that is not there."""
    flood = begin(server, "Content-Length: 1000000000000", path="/nowhere")
    sent = 0
    with flood, suppress(OSError):  # the connection is closed
        while sent < 50_000_000:
            sent += flood.send(bytes(65_536))

    if "gunicorn" in str(server.process.args):  # threads may go on reading: each holds up nobody but itself
        assert sent < 50_000_000
    assert urllib3.request("GET", f"{server.url}/healthz", timeout=5).status == 200


def test_who_is_signed_out_while_a_body_is_on_its_way_is_out(server: Server) -> None:
    browser = Browser(server.url)
    email = f"{server.port}@example.org"
    fields = {"email": email, "password": PASSWORD, "csrf_token": browser.csrf()}
    assert browser.request("POST", "/auth/register", fields=fields, encode_multipart=False).status == 303
    token = browser.csrf()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    head = (f"Cookie: {cookie}", f"X-CSRFToken: {token}", "Origin: http://localhost", "Content-Length: 2")
    said = partial(begin, server, *head, "Connection: close", path="/api/conversations", kind="application/json")

    connection = said()
    connection.sendall(b"{}")
    assert status_of(answer_of(connection)) == 201
    connection = said()
    connection.sendall(b"{")
    fields = {"csrf_token": token}
    assert browser.request("POST", "/auth/logout", fields=fields, encode_multipart=False).status == 303
    connection.sendall(b"}")
    assert status_of(answer_of(connection)) == 401
    browser.close()

"""Readers that misbehave, on plain sockets; and what the server's process holds."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from pathlib import Path

from tests.people import Event, parse_events
from tests.serving import Browser, Server


class RawReader:
    """Follows an answer and reads only when told to; its own buffer is small."""

    def __init__(self, browser: Browser, server: Server, message_id: str, after: int = 0) -> None:
        self._again = (browser, server, message_id)
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", server.port))
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        head = (
            f"GET /api/messages/{message_id}/events?after={after} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        )
        self.sock.sendall(f"{head}Connection: close\r\n\r\n".encode())
        self.received = b""

    def __enter__(self) -> RawReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def read_some(self) -> None:
        """Read the beginning, so that the stream has begun."""
        self.received += self.sock.recv(1024)

    def read_all(self) -> list[Event]:
        """Read to the end and give the events; where the server lost its patience, come back as a browser does."""
        parts = [self.received]
        with suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                parts.append(data)
        _, _, body = b"".join(parts).partition(b"\r\n\r\n")
        text = _join_chunks(body).decode(errors="ignore")
        events = parse_events(text[: text.rfind("\n\n") + 2])
        if events and events[-1].name in ("done", "error"):
            return events
        with RawReader(*self._again, after=events[-1].id) as again:
            return events + again.read_all()[1:]


def _join_chunks(body: bytes) -> bytes:
    """Undo Transfer-Encoding: chunked, where it is used."""
    if not re.match(rb"[0-9a-fA-F]+\r\n", body):
        return body
    parts = []
    start = 0
    while (end := body.find(b"\r\n", start)) > 0:
        size = int(body[start:end], 16)
        parts.append(body[end + 2 : end + 2 + size])
        start = end + 2 + size + 2
    return b"".join(parts)


def processes(server: Server) -> list[int]:
    """The server's processes."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[2]) == server.process.pid:  # its process group
            found.append(int(stat.parent.name))
    return found


def memory_mib(server: Server) -> float:
    """What the server's processes hold for themselves: PSS, in MiB."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in processes(server)]
    return sum(int(re.findall(r"^Pss: +(\d+) kB", text, re.M)[0]) for text in texts) / 1024


def connections(server: Server) -> int:
    """How many connections the server holds open."""
    inodes = set()
    for pid in processes(server):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                name = str(descriptor.readlink())
            except OSError:  # closed meanwhile
                continue
            if name.startswith("socket:["):
                inodes.add(name[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{server.port:04X}"
    return sum(row[1].endswith(port) and row[3] != "0A" and row[9] in inodes for row in rows)

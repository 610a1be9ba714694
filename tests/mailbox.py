"""A real mail server on a port of its own, which keeps what it is given, and can be slow, mute or unfriendly."""

from __future__ import annotations

import gc
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from flask import Flask

from tests.serving import free_port
from tests.waiting import wait_until

LINK = re.compile(r"^https?://\S+/(?:auth/(?:mail|reset)|settings/email)/[\w-]{43}$", re.M)
CODE = re.compile(r"^(\d{3}) (\d{3})$", re.M)


@dataclass
class Mail:
    """One mail, as it came."""

    to: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")

    @property
    def link(self) -> str:
        """The path of its link."""
        found = LINK.search(self.text)
        assert found, self.text
        return urlsplit(found[0]).path

    @property
    def code(self) -> str:
        found = CODE.search(self.text)
        assert found, self.text
        return found[1] + found[2]


class Mailbox:
    """The server. `delay` is how long it thinks over each mail, `refuses` what it says instead of taking one."""

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.mails: list[Mail] = []
        self.delay = 0.0
        self.refuses = ""
        self.was_encrypted: list[bool] = []
        self._login = login
        self._scheme = "smtps" if tls else "smtp"
        options: dict[str, Any] = {"tls_context": starttls, "ssl_context": tls}
        if login:
            options |= {"authenticator": self._authenticate, "auth_require_tls": False}
        self._controller = Controller(self, "127.0.0.1", free_port(), **options)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ResourceWarning
            )  # aiosmtpd leaves the transport of a TLS that failed to the collector
            self._controller.stop()
            gc.collect()

    @property
    def url(self) -> str:
        name = f"{self._login[0]}:{self._login[1]}@" if self._login else ""
        return f"{self._scheme}://{name}localhost:{self._controller.port}"

    def wait(self, to: str, count: int = 1) -> Mail:
        """Give the newest mail to an address, as soon as there are so many."""
        wait_until(lambda: len(self.to(to)) >= count, 10)
        return self.to(to)[-1]

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.to == address]

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        if self.refuses:
            return self.refuses
        time.sleep(self.delay)
        message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        self.was_encrypted.append(session.ssl is not None or self._scheme == "smtps")
        self.mails += [Mail(to, message) for to in envelope.rcpt_tos]
        return "250 Taken"

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
        name, password = self._login or ("", "")
        right = LoginPassword(name.encode(), password.encode())
        return AuthResult(success=given == right, handled=False)


def settle(app: Flask, seconds: float = 20) -> None:
    """Wait until everything that was to be mailed is mailed, or given up."""
    assert app.extensions["outbox"].idle.wait(seconds)


class MuteServer:
    """Takes connections and says what it is told to, a byte at a time, or nothing."""

    def __init__(self, words: bytes = b"", pause: float = 0.05) -> None:
        self.asked = 0
        self._words, self._pause = words, pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._open: list[socket.socket] = []

    def __enter__(self) -> MuteServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        for connection in self._open:
            connection.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.asked += 1
                self._open.append(connection)
                for byte in self._words:
                    connection.send(bytes([byte]))
                    time.sleep(self._pause)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server that takes everything."""
    with Mailbox() as server:
        yield server

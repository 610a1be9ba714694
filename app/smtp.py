"""Handing mails to a server: SMTP with STARTTLS where the server offers it, or TLS from the start; bounded in time."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import cached_property
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from app.concurrency import NativePool

SILENCE_SECONDS = 10.0  # that a server may be silent
WHOLE_SECONDS = 30.0  # that handing over one mail may take, however slowly the server talks
PORTS = {"smtp": 25, "smtps": 465}

_reading_certificates = NativePool(1)  # takes some 20 ms of a core in native code


class Server:
    """The server that a MAIL_URL names: `smtp://name:password@host:587`, or `smtps://…` for TLS from the start.

    `?starttls=no` gives encryption up, as for a relay on the same machine; otherwise a password is never sent without it.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or PORTS[parts.scheme]
        self._is_tls = parts.scheme == "smtps"
        self._is_plain = parse_qs(parts.query).get("starttls") == ["no"]
        self._login = _login_of(parts)

    def send(self, message: EmailMessage) -> None:
        """Hand a mail over; raises OSError, SMTPException or ValueError."""
        with self._connection() as smtp:
            smtp.send_message(message)

    def probe(self) -> str:
        """Connect and sign in, and say how; raises as `send` does."""
        with self._connection() as smtp:
            smtp.noop()
            encrypted = "encrypted" if isinstance(smtp.sock, ssl.SSLSocket) else "not encrypted"
        return f"{encrypted}, {'signed in' if self._login else 'without a password'}"

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        smtp = self._connect()
        timer = threading.Timer(WHOLE_SECONDS, _cut, [smtp])
        timer.daemon = True
        timer.start()
        try:
            self._secure(smtp)
            if self._login:
                smtp.login(*self._login)
            yield smtp
            with suppress(OSError, smtplib.SMTPException):  # the mail is delivered already
                smtp.quit()
        finally:
            timer.cancel()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        name = "[127.0.0.1]"  # RFC 5321, 4.1.3; the name of this machine is nobody's business
        if self._is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, name, timeout=SILENCE_SECONDS, context=self._certificates)
        return smtplib.SMTP(self.host, self.port, name, timeout=SILENCE_SECONDS)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self._is_tls or self._is_plain:
            return
        if smtp.has_extn("starttls"):
            smtp.starttls(context=self._certificates)
            smtp.ehlo()
        elif self._login:
            raise smtplib.SMTPNotSupportedError(
                "The server offers no encryption, and the password is not sent without it."
            )

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return _reading_certificates.run(ssl.create_default_context)


def _login_of(parts: SplitResult) -> tuple[str, str] | None:
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _cut(smtp: smtplib.SMTP) -> None:
    """End a connection that takes too long: whoever reads from it gets its end."""
    with suppress(OSError, AttributeError):  # it ended by itself
        smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

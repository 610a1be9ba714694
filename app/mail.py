"""Mails, where MAIL_URL names a server to hand them to; without it there are none, and nothing here does anything.

Every mail is written and handed over in the background, by at most two workers: a slow, dead or refusing server delays nobody, and how
long a page takes tells nothing of whom a mail went to. Under gevent the workers are greenlets and their sockets cooperative. What can't
be handed over is logged and not tried again: the person asks for another one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from smtplib import SMTPException

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.extensions import get_settings
from app.models.user import User
from app.smtp import Server

WORKERS = 2
MAX_WAITING = 100
MAX_AGE_SECONDS = 300.0  # of a mail that waits for its turn: what signs in is worth nothing soon after
MAX_DETAIL = 200
# Writing a mail takes some milliseconds of a core; begun at once, they would show in the time of the request that asked for it.
PAUSE_SECONDS = 0.2

NOTICES = {
    "new_device": (
        "New sign-in to your account",
        "Somebody signed in to your account with a browser that was not known here.",
    ),
    "passkey_added": ("A passkey was added", "A passkey was added to your account."),
    "passkey_removed": ("A passkey was removed", "A passkey was removed from your account."),
    "passkey_blocked": (
        "A passkey was blocked",
        "A passkey of your account was blocked, because it may have been copied.",
    ),
    "password_changed": ("Your password was changed", "The password of your account was changed."),
    "password_removed": ("Your password was removed", "The password of your account was removed."),
    "recovery_codes_made": (
        "New recovery codes",
        "New recovery codes were made for your account. Older ones no longer work.",
    ),
    "recovery_code_used": ("A recovery code was used", "Somebody signed in to your account with a recovery code."),
    "email_changed": ("Your e-mail address was changed", "The e-mail address of your account was changed."),
}
FOOT = """
If it was you, there is nothing to do. If it was not: sign in at {url}/settings/security, change what
you sign in with, and sign the other browsers out. If you can't get in any more, tell the administrator at once.
"""

Letter = Callable[[], EmailMessage | None]
log = logging.getLogger(__name__)


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application its line of waiting mails, and the templates the word whether there are mails."""
    app.extensions["outbox"] = Outbox(app, settings)
    app.jinja_env.globals["sends_mail"] = bool(settings.mail_url)


def is_on() -> bool:
    """Whether this installation sends mails."""
    return bool(get_settings().mail_url)


def notify(user: User, kind: str, detail: str = "", *, to: str = "") -> None:
    """Tell somebody by mail what happened to their account; to be called after the commit. Without MAIL_URL it does nothing.

    `kind` is one of NOTICES, `detail` a line that says which one or from where, `to` another address than the account's.
    """
    subject, sentence = NOTICES[kind]
    if not is_on():
        return
    line = " ".join(detail.split())[:MAX_DETAIL]
    when = formatdate()
    parts = [sentence, *([line] if line else []), when, FOOT.format(url=get_settings().public_url).strip()]
    address = to or user.email
    later(lambda: compose(address, subject, "\n\n".join(parts)))


def compose(to: str, subject: str, text: str) -> EmailMessage:
    """Give a mail of plain words from this installation."""
    settings = get_settings()
    message = EmailMessage()
    message["From"] = sender(settings)
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(sender(settings))[1].rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note shall answer
    message.set_content(f"{text.strip()}\n\n-- \nPassword-less Chat, {settings.public_url}\n")
    return message


def sender(settings: Settings) -> str:
    """Give MAIL_FROM, or no-reply at the host of PUBLIC_URL."""
    return settings.mail_from or f"Password-less Chat <no-reply@{settings.public_host}>"


def later(letter: Letter) -> None:
    """Have a mail written and handed over soon; `letter` runs in the background, in the application's context, and may give None."""
    outbox: Outbox = current_app.extensions["outbox"]
    outbox.put(letter)


class Outbox:
    """The line of mails that wait, and the workers, who live as long as there is something to do."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._server = Server(settings.mail_url) if settings.mail_url else None
        self._waiting: deque[tuple[float, Letter]] = deque()
        self._workers = 0
        self._lock = threading.Lock()
        self.idle = threading.Event()
        self.idle.set()

    def put(self, letter: Letter) -> None:
        """Add a mail to the line; where that is full, the mail is dropped, which the log says."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                log.error("A mail was dropped: %d are waiting already.", MAX_WAITING)
                return
            self._waiting.append((time.monotonic(), letter))
            self.idle.clear()
            if self._workers >= WORKERS:
                return
            self._workers += 1
        threading.Thread(target=self._work, name="mail", daemon=True).start()

    def _work(self) -> None:
        try:
            while found := self._next():
                time.sleep(PAUSE_SECONDS)
                self._handle(*found)
        finally:
            with self._lock:
                self._workers -= 1
                if not self._workers and not self._waiting:
                    self.idle.set()

    def _next(self) -> tuple[float, Letter] | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _handle(self, since: float, letter: Letter) -> None:
        if time.monotonic() - since > MAX_AGE_SECONDS:
            log.error("A mail was dropped: it had waited for %d s.", MAX_AGE_SECONDS)
            return
        try:
            with self._app.app_context():
                message = letter()
                begin = time.monotonic()
            if message is not None and self._server is not None:
                self._server.send(message)
                log.info("A mail was handed over: %r, in %.1f s.", message["Subject"], time.monotonic() - begin)
        except (OSError, SMTPException, ValueError) as error:  # ValueError: an address that can't be put into a header
            log.error("A mail could not be handed over: %s", describe(error))
        except SQLAlchemyError as error:
            log.error("A mail could not be written: %s", type(error).__name__)


def describe(error: Exception) -> str:
    """Say what went wrong in one line, as the server put it; no secret is in it: a server repeats no password."""
    code, said = getattr(error, "smtp_code", ""), getattr(error, "smtp_error", b"")
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    words = words or str(error) or type(error).__name__
    return "".join(character for character in f"{code} {words}".strip()[:MAX_DETAIL] if character.isprintable())

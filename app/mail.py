"""Mails, where MAIL_URL names a server to hand them to; without it there are none, and nothing here does anything.

Every mail is written and handed over in the background, by at most two workers: a slow, dead or refusing server delays nobody, and how
long a page takes tells nothing of whom a mail went to. Under gevent the workers are greenlets and their sockets cooperative. What can't
be handed over is logged and not tried again: the person asks for another one.

Only what was asked for goes to an address that nobody confirmed, and nothing that a stranger chose stands in it: whoever makes an
account with somebody else's address shall not write to them.
"""

from __future__ import annotations

import logging
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from smtplib import SMTPException

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app import throttle
from app.config import Settings
from app.errors import TooManyRequests
from app.extensions import get_settings
from app.models.user import User, normalize_email
from app.smtp import Server

WORKERS = 2
MAX_WAITING = 100
MAX_WAITING_FOR_ONE = 3  # recipient: nobody's mails shall keep those of the others waiting
MAX_AGE_SECONDS = 300.0  # of a mail that waits for its turn: what signs in is worth nothing soon after
MAX_DETAIL = 200
MAX_QUOTED = 40
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

    `kind` is one of NOTICES, `detail` a line that says which one or from where, with names as `quoted` gives them. Only a confirmed
    address is told, and ten times an hour; what is more is dropped, which the log says. `to` is a confirmed address at its change:
    that is always told, because asking for a change has a limit of its own.
    """
    subject, sentence = NOTICES[kind]
    if not is_on() or not (to or _may_be_told(user)):
        return
    line = " ".join(detail.split())[:MAX_DETAIL]
    when = formatdate()
    parts = [sentence, *([line] if line else []), when, FOOT.format(url=get_settings().public_url).strip()]
    address = to or user.email
    later(lambda: compose(address, subject, "\n\n".join(parts)), address, is_notice=True)


def quoted(name: str) -> str:
    """Give a name that somebody chose as a mail may have it: in quotes, short, and without the signs that make links."""
    kept = (
        sign for sign in unicodedata.normalize("NFC", name) if sign in " -_'" or unicodedata.category(sign)[0] in "LMN"
    )
    return f'"{" ".join("".join(kept).split())[:MAX_QUOTED].strip()}"'


def _may_be_told(user: User) -> bool:
    if user.email_confirmed_at is None:
        return False
    try:
        throttle.pay((throttle.NOTICE_BY_ACCOUNT, str(user.id)))
    except TooManyRequests:
        log.warning("A notice was dropped: an account has had %d within the hour.", throttle.NOTICE_BY_ACCOUNT.capacity)
        return False
    return True


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


def later(letter: Letter, to: str, *, is_notice: bool = False) -> None:
    """Have a mail written and handed over soon; `letter` runs in the background, in the application's context, and may give None.

    `to` is whom it is for, whether or not there is an account; a notice was not asked for, and lets the mails that were go first.
    """
    outbox: Outbox = current_app.extensions["outbox"]
    outbox.put(Waiting(time.monotonic(), letter, normalize_email(to), is_notice))


@dataclass(frozen=True, eq=False)
class Waiting:
    """A mail that waits since that moment of `time.monotonic`."""

    since: float
    letter: Letter
    to: str
    is_notice: bool


class Outbox:
    """The line of mails that wait, and the workers, who live as long as there is something to do."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._server = Server(settings.mail_url) if settings.mail_url else None
        self._waiting: deque[Waiting] = deque()  # the oldest first
        self._workers = 0
        self._lock = threading.Lock()
        self.idle = threading.Event()
        self.idle.set()

    def put(self, mail: Waiting) -> None:
        """Add a mail to the line; where that is full, one is dropped, which the log says.

        Of three for one recipient the oldest gives way, and of a hundred for all the oldest notice; a notice before what was asked for,
        and nothing that was asked for to a notice.
        """
        with self._lock:
            if not self._make_room(mail):
                return
            self._waiting.append(mail)
            self.idle.clear()
            if self._workers >= WORKERS:
                return
            self._workers += 1
        threading.Thread(target=self._work, name="mail", daemon=True).start()

    def _make_room(self, mail: Waiting) -> bool:
        """Tell whether a mail may wait, after dropping the one that gives way to it."""
        for_one = [waiting for waiting in self._waiting if waiting.to == mail.to]
        if len(for_one) >= MAX_WAITING_FOR_ONE:
            among = [waiting for waiting in for_one if waiting.is_notice or not mail.is_notice]
        elif len(self._waiting) >= MAX_WAITING:
            among = [waiting for waiting in self._waiting if waiting.is_notice and not mail.is_notice]
        else:
            return True
        total, own = len(self._waiting), len(for_one)
        log.error("A mail was dropped: %d are waiting already, %d of them for its recipient.", total, own)
        if among:
            self._waiting.remove(
                min(among, key=lambda waiting: not waiting.is_notice)
            )  # the oldest notice, or else the oldest
        return bool(among)

    def _work(self) -> None:
        try:
            while found := self._next():
                time.sleep(PAUSE_SECONDS)
                self._handle(found)
        finally:
            with self._lock:
                self._workers -= 1
                if not self._workers and not self._waiting:
                    self.idle.set()

    def _next(self) -> Waiting | None:
        """Take the oldest mail that was asked for, or else the oldest notice, out of the line."""
        with self._lock:
            if not self._waiting:
                return None
            found = next((waiting for waiting in self._waiting if not waiting.is_notice), self._waiting[0])
            self._waiting.remove(found)
            return found

    def _handle(self, mail: Waiting) -> None:
        if time.monotonic() - mail.since > MAX_AGE_SECONDS:
            log.error("A mail was dropped: it had waited for %d s.", MAX_AGE_SECONDS)
            return
        try:
            with self._app.app_context():
                message = mail.letter()
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

"""Handing mails to a real server: one that takes them, and slow, mute, dead and refusing ones."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from flask import Flask
from sqlalchemy import select

from app import mail, smtp
from app.extensions import db
from app.models.user import User
from tests.mailbox import Mailbox, MuteServer, settle
from tests.moved_clock import Clock
from tests.people import make_user
from tests.serving import free_port

EMAIL = "ada@example.org"
DEAD = "smtp://name:a-secret-password@127.0.0.1:1"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def tell(app: Flask, kind: str = "password_changed", detail: str = "", **options: str) -> None:
    """Notify Ada."""
    with app.app_context():
        user = db.session.scalars(select(User).where(User.email == EMAIL)).one_or_none()
        mail.notify(user or db.session.get_one(User, make_user(app, EMAIL)), kind, detail, **options)


def test_it_works(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    tell(make_app(mail_url=mailbox.url, public_url="https://chat.example.org"), detail="from a test")
    found = mailbox.wait(EMAIL)

    assert found.subject == "Your password was changed"
    assert found.message["From"] == "Password-less Chat <no-reply@chat.example.org>"
    assert found.message["Message-ID"].endswith("@chat.example.org>")
    assert "\n\nfrom a test\n\n" in found.text
    assert "https://chat.example.org/settings/security" in found.text


def test_the_sender_can_be_set(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    tell(make_app(mail_url=mailbox.url, mail_from="Chat <chat@example.org>"))

    assert mailbox.wait(EMAIL).message["From"] == "Chat <chat@example.org>"


@pytest.mark.parametrize("kind", mail.NOTICES)
def test_every_notice_can_be_sent(make_app: Callable[..., Flask], mailbox: Mailbox, kind: str) -> None:
    tell(make_app(mail_url=mailbox.url), kind)

    assert mailbox.wait(EMAIL).subject == mail.NOTICES[kind][0]


def test_a_detail_is_one_line(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    tell(make_app(mail_url=mailbox.url), detail="Mozilla\r\n.\r\nRSET\r\n" + "x" * 5000)

    assert max(map(len, mailbox.wait(EMAIL).text.splitlines())) <= 200


def test_without_a_server_nothing_happens(app: Flask) -> None:
    tell(app)

    assert app.extensions["outbox"].idle.is_set()


def test_an_unknown_kind_is_a_bug_on_every_installation(app: Flask) -> None:
    with pytest.raises(KeyError):
        tell(app, "nonsense")


def test_a_slow_server_delays_nobody(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    app = make_app(mail_url=mailbox.url)
    make_user(app, EMAIL)
    mailbox.delay = 0.3
    begin = time.monotonic()
    for _ in range(5):
        tell(app)

    assert time.monotonic() - begin < 0.3
    mailbox.wait(EMAIL, 5)


@pytest.mark.parametrize("words", [b"", b"220 hello\r\n"])
def test_a_mute_server_is_given_up(
    make_app: Callable[..., Flask],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    words: bytes,
) -> None:
    monkeypatch.setattr(smtp, "SILENCE_SECONDS", 0.3)
    with MuteServer(words, pause=0) as server:
        app = make_app(mail_url=server.url)
        tell(app)
        settle(app, 5)

    assert "A mail could not be handed over: " in caplog.text
    assert "timed out" in caplog.text


def test_a_server_that_talks_for_ever_is_given_up(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(smtp, "WHOLE_SECONDS", 0.5)
    with MuteServer(b"220 hello\r\n" + b"250-so much to say\r\n" * 50, pause=0.01) as server:
        app = make_app(mail_url=server.url)
        tell(app)
        settle(app, 5)

    assert "A mail could not be handed over" in caplog.text


def test_a_dead_server_is_reported_without_the_password(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(mail_url=DEAD)
    tell(app)
    settle(app)

    assert "A mail could not be handed over: [Errno 111] Connection refused" in caplog.text
    assert "a-secret-password" not in caplog.text


def test_a_refusal_is_reported_in_the_servers_words(
    make_app: Callable[..., Flask], mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.refuses = "554 5.7.1 We take nothing from you"
    app = make_app(mail_url=mailbox.url)
    tell(app)
    settle(app)

    assert "A mail could not be handed over: 554 5.7.1 We take nothing from you" in caplog.text


def test_after_trouble_the_next_one_is_sent(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    mailbox.refuses = "451 Later"
    app = make_app(mail_url=mailbox.url)
    tell(app)
    settle(app)
    mailbox.refuses = ""
    tell(app)

    assert mailbox.wait(EMAIL)


def test_the_line_is_bounded(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "MAX_WAITING", 3)
    app = make_app(mail_url=DEAD)
    gate = threading.Event()
    done: list[int] = []

    def letter(number: int) -> Callable[[], None]:
        def write() -> None:
            gate.wait(10)
            done.append(number)

        return write

    with app.app_context():
        for number in range(10):
            mail.later(letter(number), f"{number}@example.org")
            time.sleep(0.02)
    gate.set()
    settle(app)

    assert sorted(done) == [0, 1, 2, 3, 4], "two workers, and three who wait"
    assert caplog.text.count("A mail was dropped: 3 are waiting already, 0 of them for its recipient.") == 5


@pytest.fixture
def line(make_app: Callable[..., Flask]) -> Iterator[Line]:
    """The line of waiting mails, whose two workers are held up by two mails to somebody else."""
    app = make_app(mail_url=DEAD)
    line = Line(app, threading.Event(), [])
    for _ in range(mail.WORKERS):
        line.put("0", "held@example.org")
        time.sleep(0.05)
    yield line
    line.gate.set()
    settle(app)


@dataclass
class Line:
    """Mails that only say that their turn came."""

    app: Flask
    gate: threading.Event
    done: list[str]

    def put(self, name: str, to: str, *, is_notice: bool = False) -> None:
        def write() -> None:
            self.gate.wait(10)
            self.done.append(name)

        with self.app.app_context():
            mail.later(write, to, is_notice=is_notice)

    def run(self) -> list[str]:
        """Let them go, one after the other, and give their names."""
        self.gate.set()
        settle(self.app)
        return sorted(name for name in self.done if name != "0")


def test_one_recipient_has_three_mails_waiting(line: Line) -> None:
    for number in range(5):
        line.put(f"notice {number}", EMAIL.upper() if number % 2 else EMAIL, is_notice=True)
    line.put("other", "bob@example.org")

    assert line.run() == ["notice 2", "notice 3", "notice 4", "other"]


def test_what_was_asked_for_gives_way_to_no_notice(line: Line) -> None:
    line.put("asked 0", EMAIL)
    line.put("notice 0", EMAIL, is_notice=True)
    line.put("asked 1", EMAIL)
    line.put("asked 2", EMAIL)
    line.put("notice 1", EMAIL, is_notice=True)

    assert line.run() == ["asked 0", "asked 1", "asked 2"]


def test_what_was_asked_for_finds_room_in_a_line_full_of_notices(line: Line) -> None:
    for number in range(mail.MAX_WAITING):
        line.put("notice", f"{number}@example.org", is_notice=True)
    for number in range(4):
        line.put(f"asked {number}", f"owner{number}@example.org")
    line.gate.set()
    settle(line.app, 60)

    assert sorted(line.done[2:6]) == ["asked 0", "asked 1", "asked 2", "asked 3"], "and they go first"
    assert line.done.count("notice") == mail.MAX_WAITING - 4


def test_an_account_has_ten_notices_an_hour(
    make_app: Callable[..., Flask], mailbox: Mailbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(mail_url=mailbox.url)
    for _ in range(12):
        tell(app)
        settle(app)
    assert len(mailbox.mails) == 10
    assert caplog.text.count("A notice was dropped") == 2

    clock.advance(hours=1)
    tell(app)
    mailbox.wait(EMAIL, 11)


def test_an_address_that_nobody_confirmed_gets_no_notice(make_app: Callable[..., Flask], mailbox: Mailbox) -> None:
    app = make_app(mail_url=mailbox.url)
    make_user(app, EMAIL, confirmed=False)
    for kind in mail.NOTICES:
        tell(app, kind)
    settle(app)

    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada's i-Phone_2", "Ada's i-Phone_2"),
        ("http://evil.example/x?y=1", "httpevilexamplexy1"),
        ('evil\u3002example \u202e\r\n"now"', "evilexample now"),
        ("Schl\u00fcssel \u092e\u0947\u0930\u0940 \u9375", "Schl\u00fcssel \u092e\u0947\u0930\u0940 \u9375"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_chosen_name_is_quoted_and_no_link(name: str, expected: str) -> None:
    assert mail.quoted(name) == f'"{expected}"'


def test_what_waited_too_long_is_dropped(
    make_app: Callable[..., Flask], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "MAX_AGE_SECONDS", -1.0)
    app = make_app(mail_url=mailbox.url)
    tell(app)
    settle(app)

    assert mailbox.mails == []
    assert "it had waited" in caplog.text


def test_a_name_and_a_password(make_app: Callable[..., Flask], authority: trustme.CA) -> None:
    with Mailbox(login=("chat", "s3cret"), starttls=server_context(authority, "localhost")) as server:
        tell(make_app(mail_url=server.url))

        server.wait(EMAIL)
        assert server.was_encrypted == [True]


def test_a_wrong_password_is_reported(
    make_app: Callable[..., Flask], authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    with Mailbox(login=("chat", "s3cret"), starttls=server_context(authority, "localhost")) as server:
        app = make_app(mail_url=server.url.replace("s3cret", "wr0ng"))
        tell(app)
        settle(app)

    assert "A mail could not be handed over: 535" in caplog.text
    assert "wr0ng" not in caplog.text


def test_a_password_is_never_sent_without_encryption(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    with Mailbox(login=("chat", "s3cret")) as server:
        app = make_app(mail_url=server.url)
        tell(app)
        settle(app)
        assert server.mails == []
        assert "offers no encryption" in caplog.text

        tell(make_app(mail_url=f"{server.url}?starttls=no"))
        assert server.wait(EMAIL), "unless the administrator says so"


def test_encryption_is_used_where_it_is_offered(make_app: Callable[..., Flask], authority: trustme.CA) -> None:
    with Mailbox(starttls=server_context(authority, "localhost")) as server:
        tell(make_app(mail_url=server.url))

        server.wait(EMAIL)
        assert server.was_encrypted == [True]


@pytest.mark.parametrize("name", ["elsewhere.example.org", "stranger"])
def test_a_wrong_certificate_is_refused(
    make_app: Callable[..., Flask], authority: trustme.CA, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    issuer = trustme.CA() if name == "stranger" else authority
    context = server_context(issuer, "localhost" if name == "stranger" else name)
    with Mailbox(starttls=context) as server:
        app = make_app(mail_url=server.url)
        tell(app)
        settle(app)
        assert server.mails == []

    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_tls_from_the_start(make_app: Callable[..., Flask], authority: trustme.CA) -> None:
    with Mailbox(tls=server_context(authority, "localhost")) as server:
        tell(make_app(mail_url=server.url))

        server.wait(EMAIL)
        assert server.was_encrypted == [True]


def test_successes_are_logged_without_the_address(
    make_app: Callable[..., Flask], mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app = make_app(mail_url=mailbox.url)
    tell(app)
    mailbox.wait(EMAIL)
    settle(app)

    said = " ".join(record.getMessage() for record in caplog.records if record.name == "app.mail")
    assert "A mail was handed over: 'Your password was changed'" in said
    assert EMAIL not in said


def test_free_ports_are_dead(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(mail_url=f"smtps://127.0.0.1:{free_port()}")
    tell(app)
    settle(app)

    assert "Connection refused" in caplog.text

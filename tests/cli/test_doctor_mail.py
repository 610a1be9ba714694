from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app import smtp
from tests.cli.test_doctor import complaint, examine
from tests.mailbox import Mailbox, MuteServer


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_mail_server_nothing_is_said_of_it(app: Flask) -> None:
    assert "MAIL_URL" not in examine(app)[1]


def test_a_server_that_answers(make_app: Callable[..., Flask]) -> None:
    with Mailbox() as server:
        status, said = examine(make_app(mail_url=server.url, mail_from="chat@example.org"))

    assert status == 0
    assert said["MAIL_URL"].startswith("ok localhost:")
    assert said["MAIL_URL"].endswith("(not encrypted, without a password); mails come from chat@example.org")


def test_a_dead_server(make_app: Callable[..., Flask]) -> None:
    line = complaint(make_app(mail_url="smtp://chat:s3cret@127.0.0.1:1"), "MAIL_URL")

    assert line == "TODO 127.0.0.1:1 takes no mails from here: [Errno 111] Connection refused"


def test_a_mute_server(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SILENCE_SECONDS", 0.3)
    with MuteServer() as server:
        assert "timed out" in complaint(make_app(mail_url=server.url), "MAIL_URL")


def test_a_server_that_wants_a_password_in_clear(make_app: Callable[..., Flask]) -> None:
    with Mailbox(login=("chat", "s3cret")) as server:
        line = complaint(make_app(mail_url=server.url), "MAIL_URL")

    assert "offers no encryption" in line
    assert "s3cret" not in line

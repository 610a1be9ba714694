"""A mail server in trouble costs the people of a real server nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask

from tests.mailbox import MuteServer
from tests.people import make_user
from tests.serving import Browser, Server
from tests.waiting import wait_until


@pytest.mark.parametrize("flask_run", [False, True], ids=["hub", "threads"])
def test_a_mute_mail_server_delays_nobody(make_app: Callable[..., Flask], flask_run: bool) -> None:
    with MuteServer() as mute:
        app = make_app(mail_url=mute.url)
        make_user(app, "ada@example.org")
        server = Server(app.extensions["settings"], flask_run=flask_run)
        browser = Browser(server.url)
        try:
            token = browser.csrf()
            begin = time.monotonic()
            for email in ("ada@example.org", "ada@example.org", "nobody@example.org", "ada@example.org"):
                fields = {"email": email, "csrf_token": token}
                answer = browser.request("POST", "/auth/mail", fields=fields, encode_multipart=False)
                assert answer.status == 303
                assert browser.request("GET", "/auth/login").status == 200
            assert time.monotonic() - begin < 5, "the mail server is silent for ten seconds each time"
            wait_until(lambda: mute.asked > 0)
        finally:
            browser.close()
            server.stop()

"""Signing out, and being suspended, ends a person's open streams; nobody else's."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from tests.chat.faults.conftest import ALICE, Browse, Serve
from tests.chat.faults.reading import Reader, numbers, question
from tests.people import make_user
from tests.serving import Browser

pytestmark = pytest.mark.fault

BOUND_SECONDS = 5.0  # it is under one on a machine that has nothing else to do
TALKING, SILENT = question(numbers(2000), 20), question(["So", "…"], 60_000)


def sign_out(browser: Browser) -> None:
    fields = {"csrf_token": browser.csrf()}
    assert browser.request("POST", "/auth/logout", fields=fields, encode_multipart=False).status == 303


def suspend(admin: Browser, user_id: object) -> None:
    fields = {"csrf_token": admin.csrf()}
    answer = admin.request("POST", f"/admin/users/{user_id}/suspend", fields=fields, encode_multipart=False)
    assert answer.status in (302, 303)


def ended_within(readers: list[Reader]) -> float:
    began = time.monotonic()
    for reader in readers:
        assert reader.join() is None, "it ends without an end: the answer itself goes on"
    return time.monotonic() - began


def test_open_streams_end(app: Flask, serve: Serve, browse: Browse, kind: dict[str, bool]) -> None:
    make_user(app, "admin@example.org", role="admin")
    bob_id = make_user(app, "bob@example.org")
    server = serve(**kind)
    alice, elsewhere, bob = browse(server), browse(server), browse(server, "bob@example.org")
    admin = browse(server, "admin@example.org")
    first = [Reader(alice.stream(text)) for text in (TALKING, SILENT)]
    first.append(Reader(alice.follow(first[0].message_id)))
    other = Reader(elsewhere.follow(first[0].message_id))
    bobs = [Reader(bob.stream(text)) for text in (TALKING, SILENT)]
    other.wait_for(20)

    sign_out(alice)
    assert ended_within(first) < BOUND_SECONDS
    assert ALICE in str(elsewhere.request("GET", "/settings/account").data), "the other browser stays signed in"
    suspend(admin, bob_id)
    assert ended_within(bobs) < BOUND_SECONDS

    length = len(other.text)
    other.wait_for(length + 20)

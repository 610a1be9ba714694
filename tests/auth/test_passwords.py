"""Hashing takes its time; nothing else may wait for it."""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.security import check_password_hash, generate_password_hash

from app.auth import passwords
from app.concurrency import BACKGROUND_NICENESS
from app.errors import Unavailable
from app.extensions import db
from tests.parallel import at_once
from tests.people import PASSWORD, Person, make_user, send_form
from tests.waiting import wait_until

NEW = "a wholly new passphrase"


@pytest.fixture
def connections_held(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many database connections were in use, each time that something was hashed."""
    seen: list[int] = []
    with app.app_context():
        pool: Any = db.engine.pool

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*args: Any) -> Any:
            seen.append(pool.checkedout())
            return function(*args)

        return watch

    monkeypatch.setattr(passwords, "generate_password_hash", watched(generate_password_hash))
    monkeypatch.setattr(passwords, "check_password_hash", watched(check_password_hash))
    return seen


def test_registering_and_signing_in_hold_no_connection(app: Flask, connections_held: list[int]) -> None:
    client = app.test_client()
    send_form(client, "/auth/register", email="ada@example.org", password=PASSWORD)
    send_form(client, "/auth/logout")
    send_form(client, "/auth/login", email="ada@example.org", password=PASSWORD)

    assert connections_held == [0, 0]


def test_changing_the_password_holds_no_connection(alice: Person, connections_held: list[int]) -> None:
    response = alice.post("/settings/security", new_password=NEW)

    assert response.status_code == 303
    assert connections_held == [0]


def test_confirming_holds_no_connection(alice: Person, connections_held: list[int]) -> None:
    assert alice.post("/auth/confirm", password=PASSWORD).status_code == 303

    assert connections_held == [0]


def test_a_wrong_sign_in_costs_the_same_whether_the_account_exists(
    app: Flask, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user(app, "without@example.org", password=None)
    methods: list[str] = []

    def watch(stored: str, password: str) -> bool:
        methods.append(stored.partition("$")[0])
        return check_password_hash(stored, password)

    monkeypatch.setattr(passwords, "check_password_hash", watch)
    for email in (alice.email, "nobody@example.org", "without@example.org"):
        answer = send_form(app.test_client(), "/auth/login", email=email, password="wrong password")
        assert answer.status_code == 401

    assert methods == [passwords.METHOD] * 3, "one hash each, of the same strength"


def test_nobodys_password_costs_as_much_as_a_real_one() -> None:
    as_written = runpy.run_path(str(passwords.__file__))  # without what the tests make cheap
    real = generate_password_hash(PASSWORD, as_written["METHOD"])

    assert as_written["DUMMY_HASH"].partition("$")[0] == real.partition("$")[0]
    assert int(real.partition("$")[0].rpartition(":")[2]) >= 600_000


def test_only_one_hash_is_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def slow(_stored: str, _password: str) -> bool:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.pop()
        return False

    monkeypatch.setattr(passwords, "check_password_hash", slow)
    at_once(partial(passwords.verify_password, None, "x", f"{number}@example.org") for number in range(8))

    assert most == [1] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities elsewhere")
def test_who_hashes_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_stored: str, _password: str) -> bool:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == BACKGROUND_NICENESS

    monkeypatch.setattr(passwords, "check_password_hash", look)

    assert passwords.verify_password(passwords.DUMMY_HASH, "x", "ada")
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < BACKGROUND_NICENESS, "nobody else does"


def test_strangers_who_fill_their_line_keep_nobody_out_who_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def wait(_stored: str, _password: str) -> bool:
        return go.wait(10)

    monkeypatch.setattr(passwords, "check_password_hash", wait)
    with ThreadPoolExecutor(passwords.MAX_WAITING + 1) as pool:
        everybody = map(str, range(passwords.MAX_WAITING + 1))
        waiting = [pool.submit(passwords.verify_password, "x", "x", who) for who in everybody]
        wait_until(lambda: any(one.done() for one in waiting))
        refused = next(one for one in waiting if one.done())
        go.set()
        assert passwords.verify_password("x", "x", "0", is_known=True)
    assert isinstance(refused.exception(), Unavailable)


def test_one_account_never_fills_a_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def wait(_stored: str, _password: str) -> bool:
        return go.wait(10)

    monkeypatch.setattr(passwords, "check_password_hash", wait)
    with ThreadPoolExecutor(passwords.MAX_WAITING) as pool:
        waiting = [pool.submit(passwords.verify_password, "x", "x", "mallory") for _ in range(passwords.MAX_WAITING)]
        wait_until(lambda: sum(one.done() for one in waiting) == passwords.MAX_WAITING - passwords.MAX_WAITING_EACH)
        other = pool.submit(passwords.verify_password, "x", "x", "ada")
        go.set()
        assert other.result(10)

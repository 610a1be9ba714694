"""Hashing takes its time; nothing else may wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.security import check_password_hash, generate_password_hash

from app.auth import passwords
from app.extensions import db
from tests.people import PASSWORD, Person, make_user, send_form

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
    response = alice.post("/settings/security", current_password=PASSWORD, new_password=NEW)

    assert response.status_code == 303
    assert connections_held == [0, 0], "the old one checked, the new one hashed"


def test_deleting_the_account_holds_no_connection(alice: Person, connections_held: list[int]) -> None:
    alice.post("/settings/account/delete", password=PASSWORD, confirm="y")

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

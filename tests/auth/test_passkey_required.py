"""REQUIRE_PASSKEY: who has to have a passkey, and lacks one, can add it and do nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.config import ConfigError, Settings
from app.extensions import db
from app.models.passkey import Passkey
from tests.auth.ceremonies import add_key
from tests.people import Person, sign_up
from tests.test_access import FOR_ADMINS, FOR_EVERYBODY_SIGNED_IN, routes

OPEN = {
    "auth.confirm",
    "passkeys.add",
    "passkeys.add_options",
    "passkeys.confirm",
    "passkeys.confirm_options",
    "passkeys.required",
}


@pytest.mark.parametrize(("required", "role"), [("all", "user"), ("all", "admin"), ("admin", "admin")])
def test_nothing_else_is_open(make_app: Callable[..., Flask], required: str, role: str) -> None:
    person = sign_up(make_app(require_passkey=required), "ada@example.org", role=role)

    answer = person.get("/chat")
    assert (answer.status_code, answer.location) == (302, "/auth/passkeys/required")
    token = person.csrf()
    for route in routes(person.app, FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN):
        if route.endpoint in OPEN or route.method == "HEAD":
            continue
        refused = route.call(person.client, token)
        is_told = refused.is_json and refused.get_json()["code"] == "passkey_needed"
        assert is_told or refused.location == "/auth/passkeys/required", route


def test_adding_one_opens_everything(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(require_passkey="all"), "ada@example.org")
    assert "asks for a passkey" in person.get("/auth/passkeys/required").text
    add_key(person)

    assert person.get("/chat").status_code == 200
    assert person.get("/auth/passkeys/required").status_code == 302


def test_signing_out_is_always_possible(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(require_passkey="all"), "ada@example.org")

    assert person.post("/auth/logout").location == "/auth/login"


@pytest.mark.parametrize(("required", "role"), [("none", "admin"), ("admin", "user")])
def test_others_are_not_asked(make_app: Callable[..., Flask], required: str, role: str) -> None:
    person = sign_up(make_app(require_passkey=required), "ada@example.org", role=role)

    assert person.get("/chat").status_code == 200


def test_the_last_one_stays_even_beside_a_password(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(require_passkey="all"), "ada@example.org")
    add_key(person)
    with person.app.app_context():
        passkey_id = db.session.scalars(select(Passkey.id)).one()
    person.post(f"/settings/passkeys/{passkey_id}/remove")

    assert "this is your only one" in person.get("/settings/security").text
    with person.app.app_context():
        assert db.session.scalars(select(Passkey.id)).all() == [passkey_id]


def test_one_of_another_host_is_not_enough(make_app: Callable[..., Flask], alice: Person) -> None:
    add_key(alice)
    moved = make_app(require_passkey="all", public_url="https://chat.example.org")
    moved_alice = Person(alice.id, alice.email, moved.test_client(), moved)
    from_login = moved_alice.post("/auth/login", email=alice.email, password="correct horse battery")

    assert from_login.status_code == 303
    assert moved_alice.get("/chat").location == "/auth/passkeys/required"


@pytest.mark.parametrize("url", ["http://192.168.1.5:5000", "http://chat.lan"])
def test_it_is_refused_where_passkeys_can_not_work(url: str) -> None:
    with pytest.raises(ConfigError, match="REQUIRE_PASSKEY=all can't work with this PUBLIC_URL"):
        Settings.from_env({"SECRET_KEY": "k" * 40, "REQUIRE_PASSKEY": "all", "PUBLIC_URL": url})

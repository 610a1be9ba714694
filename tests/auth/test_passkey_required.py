"""REQUIRE_PASSKEY: who has to have a passkey, and lacks one, can add it and do nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.config import ConfigError, Settings
from app.extensions import db
from app.models.passkey import Passkey
from tests.auth.ceremonies import add_key, begin, finish, sign_in_with
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, send_form, sign_in, sign_up
from tests.software_authenticator import SoftKey
from tests.test_access import FOR_ADMINS, FOR_EVERYBODY_SIGNED_IN, FOR_EVERYBODY_WITH_MAIL, routes

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
    app = make_app(require_passkey=required, mail_url="smtp://127.0.0.1:1")
    person = sign_up(app, "ada@example.org", role=role)

    answer = person.get("/chat")
    assert (answer.status_code, answer.location) == (302, "/auth/passkeys/required")
    token = person.csrf()
    for route in routes(app, FOR_ADMINS | FOR_EVERYBODY_SIGNED_IN | FOR_EVERYBODY_WITH_MAIL):
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


PROVEN_PAGE = "/settings/account/delete"


@pytest.fixture
def root(make_app: Callable[..., Flask], clock: Clock) -> tuple[Person, SoftKey]:
    """An administrator with a passkey and a password, signed in a while ago, where administrators have to use the one."""
    person = sign_up(make_app(require_passkey="admin"), "ada@example.org", role="admin")
    key = add_key(person)
    clock.advance(minutes=11)
    return person, key


def is_proven(client: FlaskClient) -> bool:
    answer = client.get(PROVEN_PAGE)
    assert answer.status_code == 200 or answer.location == f"/auth/confirm?next={PROVEN_PAGE}"
    return answer.status_code == 200


def test_signing_in_by_password_proves_nothing(root: tuple[Person, SoftKey], alice: Person) -> None:
    person, _ = root
    thief = Person(person.id, person.email, sign_in(person.app, person.email), person.app)

    assert thief.get("/admin/users").status_code == 200
    assert thief.post(f"/admin/users/{alice.id}/promote").location == "/auth/confirm"
    assert not is_proven(thief.client)
    assert alice.get("/admin/users").status_code == 403


def test_another_password_proves_nothing(root: tuple[Person, SoftKey]) -> None:
    person, _ = root
    new = "a wholly new passphrase"
    answer = person.post("/settings/security", current_password=PASSWORD, new_password=new)

    assert answer.status_code == 303
    assert not is_proven(person.client)


def test_confirming_by_password_proves_nothing(root: tuple[Person, SoftKey]) -> None:
    person, _ = root
    page = person.get("/auth/confirm").text
    assert 'name="password"' not in page
    assert "a password is not enough" in page
    assert 'data-passkey="confirm"' in page

    assert person.post("/auth/confirm", password=PASSWORD).status_code == 422
    assert not is_proven(person.client)


def test_the_passkey_proves_it(root: tuple[Person, SoftKey]) -> None:
    person, key = root
    assert finish(person.client, "confirm", key.sign(begin(person.client, "confirm"))).status_code == 200
    assert is_proven(person.client)
    browser = person.app.test_client()
    assert sign_in_with(browser, key).status_code == 200

    assert is_proven(browser)


def test_a_link_and_a_code_prove_it(root: tuple[Person, SoftKey]) -> None:
    person, key = root
    assert finish(person.client, "confirm", key.sign(begin(person.client, "confirm"))).status_code == 200
    code = re.findall(r"<code>([\w-]+)</code>", person.post("/settings/recovery-codes", submit="y").text)[0]
    link = re.findall(
        r"/auth/link/[\w-]+", person.app.test_cli_runner().invoke(args=["sign-in-link", person.email]).output
    )[0]
    with_link, with_code = person.app.test_client(), person.app.test_client()
    assert send_form(with_link, link).status_code == 303
    assert send_form(with_code, "/auth/recovery", email=person.email, code=code).status_code == 303

    assert is_proven(with_link)
    assert is_proven(with_code)


@pytest.mark.parametrize("role", ["user", "admin"])
def test_who_has_none_or_need_not_proves_it_by_password(make_app: Callable[..., Flask], role: str) -> None:
    person = sign_up(make_app(require_passkey="admin"), "ada@example.org", role=role)
    if role == "user":
        add_key(person)

    assert person.post(f"/auth/confirm?next={PROVEN_PAGE}", password=PASSWORD).location == PROVEN_PAGE
    add_key(person)  # which takes a proof


@pytest.mark.parametrize("url", ["http://192.168.1.5:5000", "http://chat.lan"])
def test_it_is_refused_where_passkeys_can_not_work(url: str) -> None:
    with pytest.raises(ConfigError, match="REQUIRE_PASSKEY=all can't work with this PUBLIC_URL"):
        Settings.from_env({"SECRET_KEY": "k" * 40, "REQUIRE_PASSKEY": "all", "PUBLIC_URL": url})

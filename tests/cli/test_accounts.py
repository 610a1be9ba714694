from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from app.config import Settings
from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.user import User, find_user
from tests.auth.ceremonies import add_key, sign_in_with, sign_up_with
from tests.people import HELLO, PASSWORD, Person, make_user, send_form, sign_in
from tests.software_authenticator import SoftKey
from tests.terminal import Terminal

EMAIL = "ada@example.org"


def links_in(output: str) -> list[str]:
    return re.findall(r"^http://localhost:5000(/auth/link/[\w-]{43})\r?$", output, re.MULTILINE)


def roles(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {user.email: user.role for user in db.session.scalars(select(User))}


def test_create_admin_works_off_a_terminal(app: Flask, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["create-admin", "Ada@Example.org"])

    assert result.exit_code == 0
    assert result.output.startswith("Ada@Example.org is an administrator (new account).\n")
    assert roles(app) == {"Ada@Example.org": "admin"}
    client = app.test_client()
    [link] = links_in(result.output)
    assert send_form(client, link).location == "/settings/security"
    assert send_form(client, "/settings/security", new_password=PASSWORD).status_code == 303
    assert sign_in(app, EMAIL).get("/admin/users").status_code == 200


def test_create_admin_promotes_who_is_there_already(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    assert alice.get("/admin/users").status_code == 403
    result = runner.invoke(args=["create-admin", alice.email.upper()])

    first, second, third = result.output.splitlines()  # no link: there is a password
    assert re.fullmatch(
        rf"{re.escape(alice.email)} has an account since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC, with a password\.", first
    )
    assert second == f"{alice.email} is an administrator."
    assert third.startswith("Anybody can register any address. If it was not you, take the account over")
    assert third.endswith(f"flask create-admin --take-over {alice.email}")
    assert alice.get("/admin/users").status_code == 200
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "promoted")).one()
        assert (event.actor_id, event.subject_id, event.address) == (None, alice.id, "")


def test_create_admin_lets_a_suspended_account_in_again(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, EMAIL)
    with app.app_context():
        db.session.execute(db.update(User).values(active=False))
        db.session.commit()
    result = runner.invoke(args=["create-admin", EMAIL])

    assert f"\n{EMAIL} is an administrator (no longer suspended).\n" in result.output
    assert sign_in(app, EMAIL).get("/admin/users").status_code == 200
    with app.app_context():
        kinds = db.session.scalars(select(AuditEvent.kind).order_by(AuditEvent.id).where(AuditEvent.actor_id.is_(None)))
        assert {"restored", "promoted"} <= set(kinds)


def test_create_admin_gives_a_way_in_to_who_has_no_password(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, EMAIL, password=None)
    first, second = (runner.invoke(args=["create-admin", EMAIL]) for _ in range(2))

    assert first.output.startswith(f"{EMAIL} is an administrator.\nTo sign in and set a password, open within")
    [link] = links_in(second.output)
    client = app.test_client()
    assert send_form(client, link).location == "/settings/security"
    assert client.get("/admin/users").status_code == 200


def test_create_admin_refuses_what_is_no_address(app: Flask, runner: FlaskCliRunner) -> None:
    for email in ("ada", "", "ada@", "a b@example.org", "ada@example.org\n"):
        result = runner.invoke(args=["create-admin", email])
        assert result.exit_code == 2, email
        assert "is not an e-mail address." in result.output
    assert roles(app) == {}


def test_create_admin_takes_names_of_home_networks(app: Flask, runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["create-admin", "me@home.local"]).exit_code == 0
    assert roles(app) == {"me@home.local": "admin"}


@pytest.mark.usefixtures("on_terminal")
def test_create_admin_asks_on_a_terminal(app: Flask, runner: FlaskCliRunner) -> None:
    typed = ["short", "password1", PASSWORD, "something else", PASSWORD, PASSWORD]
    result = runner.invoke(args=["create-admin", EMAIL], input="\n".join(typed) + "\n")

    assert result.exit_code == 0, result.output
    assert "Use 8 to 128 characters." in result.output
    assert "attacker's list" in result.output
    assert "The two are not the same." in result.output
    assert not links_in(result.output)
    assert sign_in(app, EMAIL).get("/admin/users").status_code == 200


@pytest.mark.usefixtures("on_terminal")
def test_no_password_on_a_terminal_means_a_link(app: Flask, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["create-admin", EMAIL], input="\n")

    [link] = links_in(result.output)
    assert send_form(app.test_client(), link).status_code == 303


@pytest.mark.usefixtures("on_terminal")
def test_who_has_no_password_yet_is_asked_on_a_terminal(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, EMAIL, password=None)
    result = runner.invoke(args=["create-admin", EMAIL], input=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.output.endswith(f"{EMAIL} is an administrator.\n"), "no link"
    assert sign_in(app, EMAIL).get("/admin/users").status_code == 200


@pytest.mark.usefixtures("on_terminal")
@pytest.mark.parametrize("answer", ["\n", "y\n"])
def test_who_promotes_themselves_presses_enter(app: Flask, runner: FlaskCliRunner, alice: Person, answer: str) -> None:
    """The way that the README shows: register, and run the command."""
    result = runner.invoke(args=["create-admin", alice.email], input=answer)

    assert result.output.endswith(f"{alice.email} is an administrator.\n"), "no password, no link, no warning"
    assert alice.get("/admin/users").status_code == 200, "the browser is still signed in"
    assert sign_in(app, alice.email).get("/admin/users").status_code == 200


@pytest.mark.usefixtures("on_terminal")
def test_who_has_a_passkey_needs_no_password(app: Flask, runner: FlaskCliRunner) -> None:
    browser = app.test_client()
    _, key = sign_up_with(browser, EMAIL)
    result = runner.invoke(args=["create-admin", EMAIL], input="\n")

    assert "with 1 passkey (the first since " in result.output
    assert result.output.endswith(f"{EMAIL} is an administrator.\n"), "no password, no link"
    assert browser.get("/admin/users").status_code == 200
    assert sign_in_with(app.test_client(), key).status_code == 200


@dataclass
class Stranger:
    """Who registered the administrator's address first, with all that opens the account."""

    email: str
    browser: FlaskClient
    key: SoftKey
    codes: list[str]
    link: str

    def gets_in(self, app: Flask) -> list[str]:
        """Try every door and say which ones open."""
        doors = {
            "session": self.browser.get("/api/conversations").status_code == 200,
            "passkey": sign_in_with(app.test_client(), self.key).status_code == 200,
            "code": send_form(app.test_client(), "/auth/recovery", email=self.email, code=self.codes[0]).status_code
            == 303,
            "link": send_form(app.test_client(), self.link).status_code == 303,
            "password": send_form(app.test_client(), "/auth/login", email=self.email, password=PASSWORD).status_code
            == 303,
        }
        return [door for door, is_open in doors.items() if is_open]


@pytest.fixture
def stranger(app: Flask, runner: FlaskCliRunner, alice: Person) -> Stranger:
    key = add_key(alice)
    page = alice.post("/settings/recovery-codes", submit="y").text
    codes = re.findall(r"<code>([\w-]+)</code>", page)
    [link] = links_in(runner.invoke(args=["sign-in-link", alice.email]).output)
    return Stranger(alice.email, alice.client, key, codes, link)


def test_a_stranger_who_registered_first_is_out(app: Flask, runner: FlaskCliRunner, stranger: Stranger) -> None:
    result = runner.invoke(args=["create-admin", "--take-over", stranger.email])

    assert re.search(
        r"with a password, 1 passkey \(the first since .*\), 10 recovery codes \(since .*\)\.\n", result.output
    )
    assert stranger.gets_in(app) == []
    [link] = links_in(result.output)
    owner = app.test_client()
    assert send_form(owner, link).location == "/settings/security"
    assert owner.get("/admin/users").status_code == 200
    with app.app_context():
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.actor_id.is_(None))).all()
        said = [(event.kind, event.detail) for event in events]
        assert {("password_removed", ""), ("passkey_removed", "Passkey"), ("promoted", "taken over")} <= set(said)


@pytest.mark.usefixtures("on_terminal")
def test_who_says_no_on_a_terminal_gets_a_link(app: Flask, runner: FlaskCliRunner, stranger: Stranger) -> None:
    result = runner.invoke(args=["create-admin", stranger.email], input="n\n\n")

    assert "Was it you, and is all of this yours?" in result.output
    assert stranger.gets_in(app) == []
    [link] = links_in(result.output)
    assert send_form(app.test_client(), link).status_code == 303


@pytest.mark.usefixtures("on_terminal")
def test_on_a_terminal_the_owner_sets_a_password_at_once(
    app: Flask, runner: FlaskCliRunner, stranger: Stranger
) -> None:
    new = "a wholly new passphrase"
    result = runner.invoke(args=["create-admin", stranger.email], input=f"n\n{new}\n{new}\n")

    assert result.output.endswith(f"{stranger.email} is an administrator.\n"), "no link"
    assert stranger.gets_in(app) == []
    assert sign_in(app, stranger.email, new).get("/admin/users").status_code == 200


@pytest.mark.parametrize(("options", "warnings"), [([], 1), (["--keep"], 0)])
def test_off_a_terminal_everything_stays(
    app: Flask, runner: FlaskCliRunner, stranger: Stranger, options: list[str], warnings: int
) -> None:
    result = runner.invoke(args=["create-admin", *options, stranger.email])

    assert "10 recovery codes" in result.output
    assert result.output.count("--take-over") == warnings
    assert stranger.gets_in(app) == ["session", "passkey", "code", "link", "password"]


@pytest.mark.usefixtures("on_terminal")
def test_an_administrator_is_told_and_not_asked(runner: FlaskCliRunner, admin: Person) -> None:
    result = runner.invoke(args=["create-admin", admin.email], input="")

    assert result.exit_code == 0
    assert "with a password." in result.output
    assert "--take-over" in result.output
    assert admin.get("/admin/users").status_code == 200


@pytest.mark.usefixtures("on_terminal")
def test_no_answer_promotes_nobody(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    assert runner.invoke(args=["create-admin", alice.email], input="").exit_code == 1
    assert roles(app) == {alice.email: "user"}


@pytest.mark.usefixtures("on_terminal")
def test_giving_up_creates_nobody(app: Flask, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["create-admin", EMAIL], input="")

    assert result.exit_code == 1
    assert roles(app) == {}


def test_a_real_terminal_does_not_show_the_password(app: Flask, settings: Settings, tmp_path: Path) -> None:
    environ = {"SECRET_KEY": settings.secret_key, "DATABASE_URL": settings.database_url, "LLM_PROVIDERS": "fake"}
    terminal = Terminal("create-admin", EMAIL, cwd=tmp_path, environ=environ)
    terminal.wait_for("one-time link): ")
    terminal.type(PASSWORD)
    terminal.wait_for("Repeat the password: ")
    terminal.type(PASSWORD)

    assert terminal.finish() == 0, terminal.shown
    assert f"{EMAIL} is an administrator (new account)." in terminal.shown
    assert PASSWORD not in terminal.shown
    assert roles(app) == {EMAIL: "admin"}


def test_sign_in_link_works(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    result = runner.invoke(args=["sign-in-link", alice.email.upper()])

    assert result.exit_code == 0
    assert f"Signs in {alice.email} once, within 60 minutes:" in result.output
    phone = app.test_client()
    [link] = links_in(result.output)
    assert send_form(phone, link).status_code == 303
    assert alice.email in phone.get("/settings/account").text


def test_sign_in_link_needs_an_active_account(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    with app.app_context():
        db.session.execute(db.update(User).values(active=False))
        db.session.commit()
    for email in (alice.email, "nobody@example.org", ""):
        result = runner.invoke(args=["sign-in-link", email])
        assert result.exit_code == 1
        assert result.output == f"Error: There is no active account with the address {email}.\n"


def test_list_users_works(app: Flask, runner: FlaskCliRunner, alice: Person, admin: Person) -> None:
    alice.ask(HELLO)
    new = make_user(app, "a-rather-long-address@example.org")
    admin.post(f"/admin/users/{new}/suspend")
    head, *rows = [line.split() for line in runner.invoke(args=["list-users"]).output.splitlines()]

    assert head == ["E-MAIL", "ROLE", "STATE", "CREATED", "LAST", "SEEN", "MESSAGES"]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows] == [
        (alice.email, "user", "active", "2"),
        (admin.email, "admin", "active", "0"),
        ("a-rather-long-address@example.org", "user", "suspended", "0"),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows[0][3])
    assert rows[2][4] == "never"


def test_list_users_of_an_empty_installation(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["list-users"])

    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    "command", [["create-admin", EMAIL], ["list-users"], ["sign-in-link", EMAIL], ["clear-messages"]]
)
def test_a_database_without_tables_is_told_in_one_sentence(
    make_app: Callable[..., Flask], tmp_path: Path, command: list[str]
) -> None:
    result = make_app(database_url=f"sqlite:///{tmp_path}/new.db").test_cli_runner().invoke(args=command)

    sentence = "Error: The database has no tables yet: run flask db upgrade.\n"
    assert (result.exit_code, result.output) == (1, sentence)


def test_list_users_shows_no_secrets(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, EMAIL)
    with app.app_context():
        user = find_user(EMAIL)
        assert user
        assert user.password_hash

    assert user.password_hash not in runner.invoke(args=["list-users"]).output


def test_on_a_terminal_the_link_is_there_for_a_camera_too(app: Flask, settings: Settings, tmp_path: Path) -> None:
    make_user(app, EMAIL)
    environ = {"SECRET_KEY": settings.secret_key, "DATABASE_URL": settings.database_url, "PYTHONIOENCODING": "utf-8"}
    terminal = Terminal("sign-in-link", EMAIL, cwd=tmp_path, environ=environ)

    assert terminal.finish() == 0
    assert len(links_in(terminal.shown)) == 1
    blocks = [line for line in terminal.shown.splitlines() if "█" in line]
    assert len(blocks) > 15
    assert len({len(line.rstrip("\r")) for line in blocks}) == 1


def test_off_a_terminal_there_is_the_link_alone(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, EMAIL)

    assert "█" not in runner.invoke(args=["sign-in-link", EMAIL]).output

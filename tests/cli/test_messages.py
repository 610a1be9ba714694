from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from app.extensions import db
from app.models import AnswerChunk, Conversation, Message
from tests.moved_clock import Clock
from tests.people import HELLO, Person


def counts(app: Flask) -> tuple[int, ...]:
    """How many conversations, messages and pieces of answers there are."""
    with app.app_context():
        tables = (Conversation, Message, AnswerChunk)
        return tuple(db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def owners(app: Flask) -> set[object]:
    with app.app_context():
        return set(db.session.scalars(select(Conversation.user_id)))


def clear(runner: FlaskCliRunner, *arguments: str, typed: str | None = None) -> tuple[int, str]:
    result = runner.invoke(args=["clear-messages", *arguments], input=typed)
    return result.exit_code, result.output


def test_it_works(app: Flask, runner: FlaskCliRunner, alice: Person, bob: Person) -> None:
    alice.ask(HELLO)
    alice.ask(HELLO)
    bob.ask(HELLO)
    assert counts(app)[:2] == (3, 6)

    assert clear(runner) == (0, "Deleted 3 conversation(s).\n"), "off a terminal it does not ask"
    assert counts(app) == (0, 0, 0)
    assert alice.get("/api/conversations").get_json()["conversations"] == []
    assert alice.ask(HELLO)["reply"] == "Hi"


def test_only_one_persons(app: Flask, runner: FlaskCliRunner, alice: Person, bob: Person) -> None:
    alice.ask(HELLO)
    bob.ask(HELLO)

    assert clear(runner, "--user", "ALICE@example.org") == (0, "Deleted 1 conversation(s).\n")
    assert owners(app) == {bob.id}


@pytest.mark.parametrize("email", ["nobody@example.org", "", " ", "%"])
def test_a_person_who_is_not_there_means_nobody(app: Flask, runner: FlaskCliRunner, alice: Person, email: str) -> None:
    alice.ask(HELLO)
    status, output = clear(runner, "--user", email, "--yes")

    assert status == 1
    assert output == f"Error: There is no account with the address {email}.\n"
    assert counts(app)[0] == 1


@pytest.mark.parametrize(("age", "left"), [("12h", 1), ("2d", 1), ("5w", 2), ("0d", 0)])
def test_only_what_was_not_touched_for_long(
    app: Flask, runner: FlaskCliRunner, alice: Person, clock: Clock, age: str, left: int
) -> None:
    alice.ask(HELLO)
    clock.advance(days=30)
    person = Person(alice.id, alice.email, app.test_client(), app)
    person.client.post(
        "/auth/login", data={"email": alice.email, "password": "correct horse battery", "csrf_token": person.csrf()}
    )
    person.ask(HELLO)
    clock.advance(minutes=1)
    status, _ = clear(runner, "--older-than", age)

    assert status == 0
    assert counts(app)[0] == left


def test_an_old_conversation_that_goes_on_is_not_old(
    app: Flask, runner: FlaskCliRunner, alice: Person, clock: Clock
) -> None:
    first = alice.ask(HELLO)
    clock.advance(hours=20)
    alice.ask(HELLO, conversation_id=first["conversation_id"])
    clock.advance(hours=10)

    assert clear(runner, "--older-than", "1d") == (0, "Deleted 0 conversation(s).\n")
    assert counts(app)[0] == 1


def test_both_conditions_must_hold(
    app: Flask, runner: FlaskCliRunner, alice: Person, bob: Person, clock: Clock
) -> None:
    alice.ask(HELLO)
    bob.ask(HELLO)
    clock.advance(days=2)

    assert clear(runner, "--user", bob.email, "--older-than", "1d")[1] == "Deleted 1 conversation(s).\n"
    assert owners(app) == {alice.id}


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "30 d", "1y", "99999d", "1.5d"])
def test_an_age_that_is_none_deletes_nothing(app: Flask, runner: FlaskCliRunner, alice: Person, age: str) -> None:
    alice.ask(HELLO)
    status, output = clear(runner, "--older-than", age)

    assert status == 2
    assert "is not an age like 12h, 30d or 4w." in output
    assert counts(app)[0] == 1


@pytest.mark.usefixtures("on_terminal")
@pytest.mark.parametrize(("typed", "left"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_on_a_terminal_it_asks(app: Flask, runner: FlaskCliRunner, alice: Person, typed: str, left: int) -> None:
    alice.ask(HELLO)
    status, output = clear(runner, typed=typed)

    assert "Delete 1 conversation(s) with all their messages? [y/N]:" in output
    assert status == (1 if left else 0)
    assert counts(app)[0] == left


@pytest.mark.usefixtures("on_terminal")
def test_on_a_terminal_with_yes_it_does_not_ask(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    alice.ask(HELLO)

    assert clear(runner, "--yes") == (0, "Deleted 1 conversation(s).\n")
    assert counts(app)[0] == 0

"""Titles by the model: after the first answer, behind everybody, never over a person's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.chat.titles import clean
from tests.chat.test_chat import fake_of
from tests.people import Person, sign_up
from tests.waiting import wait_until


@pytest.fixture
def carol(make_app: Callable[..., Flask]) -> Person:
    """Somebody where titles are written."""
    return sign_up(make_app(auto_title=True), "carol@example.org")


def question(title: str, **script: Any) -> str:
    return "/fake " + json.dumps({"title": title, "chunks": ["Hm."], **script})


def title_of(person: Person, answer: dict[str, Any]) -> str:
    return str(person.get(f"/api/conversations/{answer['conversation_id']}").get_json()["title"])


def settle(person: Person) -> None:
    """Wait for the title of a further conversation: they are written one after the other."""
    last = person.ask(question("The last one"))
    wait_until(lambda: title_of(person, last) == "The last one")


def test_it_works(carol: Person) -> None:
    answer = carol.ask(question("**Brot** backen."))
    before = carol.get("/api/conversations").get_json()["conversations"][0]["updated_at"]

    wait_until(lambda: title_of(carol, answer) == "Brot backen")
    assert carol.get("/api/conversations").get_json()["conversations"][0]["updated_at"] == before


def test_without_a_title_the_first_words_stay(carol: Person) -> None:
    answer = carol.ask(question(" \n "))
    settle(carol)

    assert title_of(carol, answer).startswith("/fake")


def test_a_persons_title_stays(carol: Person) -> None:
    mine = carol.call("POST", "/api/conversations", {"title": "Mine"}).get_json()["id"]
    answer = carol.ask(question("Not mine"), conversation_id=mine)
    settle(carol)

    assert title_of(carol, answer) == "Mine"


def test_only_the_first_answer_counts(carol: Person) -> None:
    answer = carol.ask(question(""))
    carol.ask(question("Too late"), conversation_id=answer["conversation_id"])
    settle(carol)

    assert title_of(carol, answer).startswith("/fake")


def test_never_after_a_failed_answer(carol: Person) -> None:
    failed = carol.call("POST", "/api/chat", {"message": question("Failed", fail="error", after=1)})
    settle(carol)

    assert failed.status_code == 502
    assert title_of(carol, failed.get_json()).startswith("/fake")


def test_it_waits_until_nobody_waits(carol: Person) -> None:
    running = carol.open_stream(question("Slow", delay_ms=60_000))
    next(running)
    answer = carol.ask(question("Behind"))
    assert title_of(carol, answer).startswith("/fake"), "somebody still waits"
    message_id = carol.app.extensions["chat"].engine._running()[0].job.message_id
    carol.call("POST", f"/api/messages/{message_id}/stop")

    wait_until(lambda: title_of(carol, answer) == "Behind")


def test_a_quick_follow_up_takes_nothing_away(carol: Person) -> None:
    next(carol.open_stream(question("Slow", delay_ms=60_000)))
    answer = carol.ask(question("The first"))
    carol.ask(question("The second"), conversation_id=answer["conversation_id"])
    message_id = carol.app.extensions["chat"].engine._running()[0].job.message_id
    carol.call("POST", f"/api/messages/{message_id}/stop")

    wait_until(lambda: title_of(carol, answer) == "The first")


def test_the_first_whole_answer_counts_where_one_broke_off(carol: Person) -> None:
    said = question("At last", fail="error", after=1)
    failed = carol.call("POST", "/api/chat", {"message": said}).get_json()
    fake_of(carol.app).enqueue(["Hm."])
    carol.ask("", question_id=failed["question_id"])

    wait_until(lambda: title_of(carol, failed) == "At last")


def test_it_can_be_switched_off(alice: Person) -> None:
    answer = alice.ask(question("Never"))

    assert not [one for one in alice.app.extensions["chat"].engine.attendants if type(one).__name__ == "Titler"]
    assert title_of(alice, answer).startswith("/fake")


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Plain", "Plain"),
        ('"Quoted title."', "Quoted title"),
        ("# **Bold** `code`\nand more", "Bold code"),
        ("Title: 「天気予報」。", "天気予報"),
        ("<think>What now?</think>\n\nAfter thoughts", "After thoughts"),
        ("<think>never ends", ""),
        ("", ""),
        ("word " * 40, "word word word word word word word word word word word…"),
    ],
)
def test_what_a_model_says_is_cleaned(said: str, title: str) -> None:
    assert clean(said) == title

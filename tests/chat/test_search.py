"""GET /api/search: titles and messages, the caller's own, found at once and found by the index alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import Message
from app.models.user import User
from tests.people import Person, parse_events
from tests.waiting import wait_until

Settle = Callable[[], None]
QUESTION = "Why is the Sky blue, and what does 天気予報 mean? Съешь ещё 100% of them_all"


def say(person: Person, question: str, answer: str = "Because.", **fields: Any) -> dict[str, Any]:
    """Ask, and have the answer be so."""
    provider = person.app.extensions["chat"].directory.providers[0]
    provider.enqueue([answer])
    return person.ask(question, **fields)


def search(person: Person, q: str) -> dict[str, Any]:
    response = person.get("/api/search", query_string={"q": q})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.get_json()
    return found


def snippets(person: Person, q: str) -> list[str]:
    return ["".join(one["snippet"]) for one in search(person, q)["messages"]]


@pytest.fixture(params=["indexed", "fresh"])
def settle(request: pytest.FixtureRequest, app: Flask) -> Settle:
    """Bring the index up to date, or leave it behind: it must not matter."""
    searcher = app.extensions["search"]

    def index() -> None:
        while searcher.index():
            pass

    return index if request.param == "indexed" else lambda: None


@pytest.mark.parametrize(
    "q",
    [
        "sky",
        "SKY BLUE",
        "kY bL",
        '"sky blue"',
        "天気予報",
        "気予",
        "съешь",
        "ЕЩЁ",
        "щё",
        "100%",
        "m_a",
        "is",
        "is sky",
        "Why 天",
    ],
)
def test_words_are_found(alice: Person, settle: Settle, q: str) -> None:
    say(alice, QUESTION)
    settle()

    assert [one["role"] for one in search(alice, q)["messages"]] == ["user"]


@pytest.mark.parametrize(
    "q", ["skyblue", '"blue sky"', "sky green", "天予", "zz", "is zz", "1%0", "mXa", '"', "'", "NEAR(sky)"]
)
def test_what_is_not_there_is_not_found(alice: Person, settle: Settle, q: str) -> None:
    say(alice, QUESTION)
    settle()

    assert search(alice, q)["messages"] == []


@pytest.mark.parametrize("q", ["", "   ", '""'])
def test_nothing_finds_nothing(alice: Person, q: str) -> None:
    say(alice, QUESTION)

    assert search(alice, q) == {"titles": [], "messages": []}


def test_a_hit_says_where_it_is(alice: Person, settle: Settle) -> None:
    answer = say(alice, "Tell me of bread", "Flour, water,\nsalt and <b>time</b>.", model="fake")
    settle()
    (hit,) = search(alice, "water salt")["messages"]

    assert (hit["conversation_id"], hit["message_id"]) == (answer["conversation_id"], answer["message_id"])
    assert (hit["role"], hit["model"], hit["title"]) == ("assistant", "fake", "Tell me of bread")
    assert hit["snippet"] == ["Flour, ", "water", ", ", "salt", " and <b>time</b>."], (
        "plain text, by turns plain and found"
    )


def test_a_snippet_is_short_and_shows_the_word(alice: Person, settle: Settle) -> None:
    say(alice, f"{'before ' * 500}needle{' after' * 500}")
    settle()
    (hit,) = search(alice, "needle")["messages"]

    assert hit["snippet"][1] == "needle"
    assert hit["snippet"][0].startswith("…before")
    assert hit["snippet"][2].endswith("…")
    assert len("".join(hit["snippet"])) < 250


def test_titles_are_found(alice: Person) -> None:
    say(alice, "Hello")
    for title in ("Überraschung für Zoë", "Another"):
        alice.call("POST", "/api/conversations", {"title": title})
    (hit,) = search(alice, "zOË")["titles"]

    assert hit["title"] == ["Überraschung für ", "Zoë", ""]
    assert search(alice, "from:me zoë")["titles"] == [], "that is asked of messages"


def test_the_newest_come_first_and_only_so_many(app: Flask, alice: Person, settle: Settle) -> None:
    answer = say(alice, "Hello")
    with app.app_context():
        conversation_id = db.session.scalars(select(Conversation.id)).one()
        db.session.add_all(
            [Message(conversation_id=conversation_id, role="user", content=f"bun {n}") for n in range(60)]
        )
        db.session.commit()
    settle()

    assert answer["conversation_id"] == str(conversation_id)
    assert snippets(alice, "bun") == [f"bun {n}" for n in range(59, 19, -1)]


def test_operators_narrow_it(app: Flask, alice: Person, settle: Settle) -> None:
    one = say(alice, "Is a cake hard?", "A cake is easy.", model="fake")
    two = say(alice, "And a pie?", "A pie is like a cake.", model="fake-thinking")
    alice.call("PATCH", f"/api/conversations/{two['conversation_id']}", {"folder": "My kitchen"})
    with app.app_context():
        old = update(Message).where(Message.content == "Is a cake hard?")
        db.session.execute(old.values(created_at=datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC)))
        db.session.commit()
    settle()
    easy, pie, hard = "A cake is easy.", "A pie is like a cake.", "Is a cake hard?"

    assert one["conversation_id"] != two["conversation_id"]
    assert snippets(alice, "cake") == [pie, easy, hard]
    assert snippets(alice, "from:me cake") == [hard]
    assert snippets(alice, "cake FROM:model") == [pie, easy]
    assert snippets(alice, "cake model:THINK") == [pie]
    assert snippets(alice, 'cake in:"my kitchen"') == [pie]
    assert snippets(alice, "cake before:2020-03-01") == [hard]
    assert snippets(alice, "cake after:2020-03") == [pie, easy]
    assert snippets(alice, "cake after:2020-02-29 before:2021") == [hard]
    assert snippets(alice, "from:me before:2021") == [hard], "without a word as well"


@pytest.mark.parametrize(
    "q", ["before:soon", "after:2026-13", "before:2026-02-30", "after:", "from:bob", "x" * 201, "before:1-1-1-1"]
)
def test_an_operator_that_says_nothing_is_explained(alice: Person, q: str) -> None:
    response = alice.get("/api/search", query_string={"q": q})

    if q == "after:":  # not finished yet: a word
        assert response.status_code == 200
    else:
        assert (response.status_code, response.get_json()["field"]) == (422, "q")


def test_other_peoples_text_is_never_found(alice: Person, bob: Person, admin: Person, settle: Settle) -> None:
    say(alice, "My secret plan", "A secret answer.")
    say(bob, "Bob's words")
    settle()
    for stranger in (bob, admin):
        for q in ("secret", "se", "secret plan", "from:me", "from:me secret", "model:fake secret"):
            assert "secret" not in json.dumps(search(stranger, q)).lower()

    assert len(snippets(alice, "secret")) == 2
    assert len(snippets(bob, "bob's")) == 1


def test_an_answer_is_found_when_it_has_ended(app: Flask, alice: Person, settle: Settle) -> None:
    body = {"message": '/fake {"chunks": ["needle", "x"], "delay_ms": 60000}'}
    (start,) = parse_events(next(alice.open_stream(body["message"])).decode())
    message_id = start.data["message_id"]
    settle()
    assert snippets(alice, "from:model") == []
    alice.call("POST", f"/api/messages/{message_id}/stop")
    with app.app_context():
        db.session.execute(update(Message).where(Message.status == "stopped").values(content="needle"))
        db.session.commit()
    settle()

    assert snippets(alice, "from:model needle") == ["needle"]


def test_what_changed_is_found_as_it_is_now(app: Flask, alice: Person, settle: Settle) -> None:
    say(alice, "An apple")
    settle()
    with app.app_context():
        db.session.execute(update(Message).where(Message.content == "An apple").values(content="A pear"))
        db.session.commit()
    settle()

    assert (snippets(alice, "apple"), snippets(alice, "pear")) == ([], ["A pear"])


def test_what_was_deleted_is_gone_from_the_index_too(app: Flask, alice: Person, settle: Settle) -> None:
    answer = say(alice, "An apple")
    settle()
    alice.call("DELETE", f"/api/conversations/{answer['conversation_id']}")
    settle()
    say(alice, "A pear")
    settle()

    assert (snippets(alice, "apple"), snippets(alice, "pear")) == ([], ["A pear"])


@pytest.mark.sqlite
def test_the_index_keeps_nothing_of_the_deleted(app: Flask, alice: Person) -> None:
    say(alice, "An apple")
    with app.app_context():
        app.extensions["search"].index()
        counts = [text(f"SELECT count(*) FROM search_{name}") for name in ("text", "entry", "owner", "todo")]
        assert [db.session.scalar(count) for count in counts] == [2, 2, 1, 0]
        db.session.execute(db.delete(User))
        db.session.commit()
        app.extensions["search"].index()
        assert [db.session.scalar(count) for count in counts] == [0, 0, 0, 0]


@pytest.mark.sqlite
def test_the_process_fills_the_index_by_itself(app: Flask, alice: Person) -> None:
    say(alice, "An apple")
    with app.app_context():
        todo = text("SELECT count(*) FROM search_todo")
        wait_until(lambda: db.session.scalar(todo) == 0)

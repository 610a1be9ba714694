"""Branches: editing and asking again make siblings, choosing one shows its newest leaf, deleting takes what is below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from app.clock import utcnow
from app.database import new_id
from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import AnswerChunk, Message
from tests.people import HELLO, Person, parse_events

MAX_QUERIES = 8
SLOW = '/fake {"chunks": ["a"], "delay_ms": 60000}'


def branch(person: Person, conversation_id: object, **query: object) -> dict[str, Any]:
    response = person.get(f"/api/conversations/{conversation_id}", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: dict[str, Any] = response.get_json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [message["id"] for message in found["messages"]]


def say(word: str) -> str:
    return f'/fake {{"chunks": ["{word}"]}}'


@contextmanager
def counted_queries(app: Flask) -> Iterator[list[str]]:
    """Note every statement that the application sends meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def make_long(app: Flask, person: Person, count: int) -> tuple[UUID, list[UUID]]:
    """Give a conversation with so many messages, and their ids."""
    made = [new_id() for _ in range(count)]
    with app.app_context():
        conversation = Conversation(id=new_id(), user_id=person.id, title="Long")
        db.session.add(conversation)
        db.session.flush()
        rows = [
            {
                "id": message_id,
                "conversation_id": conversation.id,
                "parent_id": made[n - 1] if n else None,
                "depth": n,
                "role": "assistant" if n % 2 else "user",
                "content": f"Words {n}",
                "created_at": utcnow() + timedelta(seconds=n),
            }
            for n, message_id in enumerate(made)
        ]
        db.session.execute(db.insert(Message), rows)
        db.session.commit()
        return conversation.id, made


def test_editing_makes_a_sibling(alice: Person) -> None:
    first = alice.ask(say("one"))
    conversation = first["conversation_id"]
    before = branch(alice, conversation)
    second = alice.ask(say("two"), edit_id=first["question_id"])

    after = branch(alice, conversation)

    assert second["conversation_id"] == conversation
    assert ids(after) == [second["question_id"], second["message_id"]]
    assert after["messages"][0]["siblings"] == [first["question_id"], second["question_id"]]
    assert after["messages"][1]["siblings"] == []
    old = branch(alice, conversation, leaf=first["question_id"])
    assert [one["content"] for one in old["messages"]] == [one["content"] for one in before["messages"]]


def test_editing_in_the_middle_follows_the_same_answer(alice: Person) -> None:
    first = alice.ask(say("one"))
    second = alice.ask(say("two"), conversation_id=first["conversation_id"])
    third = alice.ask(say("three"), edit_id=second["question_id"], conversation_id=first["conversation_id"])

    shown = branch(alice, first["conversation_id"])

    expected = [first["question_id"], first["message_id"], third["question_id"], third["message_id"]]
    assert ids(shown) == expected
    assert shown["messages"][2]["siblings"] == [second["question_id"], third["question_id"]]


def test_the_model_is_told_only_its_branch(app: Flask, alice: Person) -> None:
    first = alice.ask(say("one"))
    alice.ask(say("two"), conversation_id=first["conversation_id"])
    alice.ask("Newly put", edit_id=first["question_id"])

    turns = app.extensions["chat"].directory.providers[0].requests[-1].turns

    assert [turn.content for turn in turns if turn.role == "user"] == ["Newly put"]


def test_asking_again_makes_a_sibling_by_another_model(alice: Person) -> None:
    first = alice.ask(HELLO)
    body = {"question_id": first["question_id"], "model": "fake-thinking"}
    second = alice.call("POST", "/api/chat", body).get_json()

    shown = branch(alice, first["conversation_id"])

    assert ids(shown) == [first["question_id"], second["message_id"]]
    assert shown["messages"][1]["siblings"] == [first["message_id"], second["message_id"]]
    assert shown["messages"][1]["model"] == "fake-thinking"


def test_choosing_a_branch_shows_its_newest_leaf(alice: Person) -> None:
    first = alice.ask(say("one"))
    conversation = first["conversation_id"]
    below = alice.ask(say("below"), conversation_id=conversation)
    alice.ask(say("two"), edit_id=first["question_id"])

    for leaf in (first["question_id"], first["message_id"], below["question_id"]):
        assert ids(branch(alice, conversation, leaf=leaf))[-1] == below["message_id"]
    page = alice.get(f"/chat/{conversation}", query_string={"leaf": first["question_id"]}).get_data(as_text=True)
    assert below["message_id"] in page
    assert "1/2" in page


def test_a_page_of_a_long_conversation_and_the_one_before(app: Flask, alice: Person) -> None:
    conversation, made = make_long(app, alice, 30)

    newest = branch(alice, conversation, limit=12)
    older = branch(alice, conversation, limit=12, before=newest["messages"][0]["id"])
    first = branch(alice, conversation, limit=12, before=older["messages"][0]["id"])

    assert [UUID(one) for one in ids(first) + ids(older) + ids(newest)] == made
    assert [one["has_older"] for one in (newest, older, first)] == [True, True, False]
    assert ids(branch(alice, conversation, before=made[0])) == []


@pytest.mark.parametrize("count", [4, 2_000])
def test_the_queries_do_not_grow_with_the_conversation(app: Flask, alice: Person, count: int) -> None:
    conversation, made = make_long(app, alice, count)
    alice.call("POST", "/api/chat", {"question_id": str(made[-2])})

    for path in (f"/chat/{conversation}", f"/api/conversations/{conversation}?limit=100&leaf={made[0]}"):
        with counted_queries(app) as statements:
            page = alice.get(path).get_data(as_text=True)
        assert str(made[-2]) in page
        assert ("Words 0<" in page or '"Words 0"' in page) == (count == 4)
        assert 0 < len(statements) <= MAX_QUERIES, statements


def test_deleting_takes_what_is_below_and_nothing_else(app: Flask, alice: Person) -> None:
    first = alice.ask(say("one"))
    conversation = first["conversation_id"]
    doomed = alice.ask(say("two"), conversation_id=conversation)
    alice.ask(say("three"), conversation_id=conversation)
    kept = alice.ask(say("four"), edit_id=doomed["question_id"])

    response = alice.call("DELETE", f"/api/messages/{doomed['question_id']}")

    assert (response.status_code, response.data) == (204, b"")
    expected = [first["question_id"], first["message_id"], kept["question_id"], kept["message_id"]]
    assert ids(branch(alice, conversation)) == expected
    with app.app_context():
        assert db.session.query(Message).count() == 4
        assert db.session.query(AnswerChunk).count() == 0


def test_deleting_the_first_message_leaves_an_empty_conversation(alice: Person) -> None:
    first = alice.ask(HELLO)

    alice.call("DELETE", f"/api/messages/{first['question_id']}")

    assert branch(alice, first["conversation_id"])["messages"] == []
    assert alice.get(f"/chat/{first['conversation_id']}").status_code == 200
    assert alice.ask(HELLO, conversation_id=first["conversation_id"])["conversation_id"] == first["conversation_id"]


def test_deleting_stops_what_is_being_written(app: Flask, alice: Person) -> None:
    (start,) = parse_events(next(alice.open_stream(SLOW)).decode())
    generation = app.extensions["chat"].engine.find(UUID(start.data["message_id"]))

    assert alice.call("DELETE", f"/api/messages/{start.data['question_id']}").status_code == 204

    assert generation.log.wait_for_end().status == "stopped"
    with app.app_context():
        assert db.session.query(Message).count() == 0


def test_foreign_messages_can_be_neither_deleted_nor_shown_nor_edited(alice: Person, bob: Person) -> None:
    hers, his = alice.ask(HELLO), bob.ask(HELLO)
    for message_id in (hers["message_id"], uuid4()):
        assert bob.call("DELETE", f"/api/messages/{message_id}").status_code == 404
        assert bob.call("POST", "/api/chat", {"message": "x", "edit_id": str(message_id)}).status_code == 404
        for name in ("leaf", "before"):
            for path in ("/api/conversations/", "/chat/"):
                query = {name: message_id}
                assert bob.get(path + his["conversation_id"], query_string=query).status_code == 404
    assert len(branch(alice, hers["conversation_id"])["messages"]) == 2


def test_an_answer_cannot_be_edited(alice: Person) -> None:
    response = alice.call("POST", "/api/chat", {"message": "x", "edit_id": alice.ask(HELLO)["message_id"]})

    assert (response.status_code, response.get_json()["field"]) == (422, "edit_id")


@pytest.mark.parametrize(("name", "value"), [("leaf", "x"), ("before", "1"), ("limit", "0"), ("limit", "x")])
def test_what_is_wanted_must_make_sense(alice: Person, name: str, value: str) -> None:
    conversation = alice.ask(HELLO)["conversation_id"]

    response = alice.get(f"/api/conversations/{conversation}", query_string={name: value})

    assert (response.status_code, response.get_json()["field"]) == (422, name)


def test_whoever_names_an_old_message_sees_it(app: Flask, alice: Person) -> None:
    """As a search does, which leads to it."""
    conversation_id, made = make_long(app, alice, 150)

    assert f'id="message-{made[3]}"' not in alice.get(f"/chat/{conversation_id}").text
    assert f'id="message-{made[3]}"' in alice.get(f"/chat/{conversation_id}?leaf={made[3]}").text


def test_another_model_for_one_answer_is_not_the_conversations(alice: Person) -> None:
    first = alice.ask(model="fake")
    alice.ask("", question_id=first["question_id"], model="fake-thinking")
    alice.call("POST", "/api/chat", {"continue_id": first["message_id"], "model": "fake-thinking"})
    assert branch(alice, first["conversation_id"])["model"] == "fake"

    alice.ask(conversation_id=first["conversation_id"], model="fake-thinking")
    assert branch(alice, first["conversation_id"])["model"] == "fake-thinking"


def test_what_comes_after_a_message(app: Flask, alice: Person) -> None:
    conversation, made = make_long(app, alice, 30)
    names = [str(one) for one in made]

    middle = branch(alice, conversation, leaf=names[-1], after=names[9], limit=5)
    assert (ids(middle), middle["newest_id"], middle["has_older"]) == (names[10:15], names[-1], True)
    end = branch(alice, conversation, after=names[26], limit=5)
    assert (ids(end), end["newest_id"]) == (names[27:], None)
    assert ids(branch(alice, conversation, after=names[-1])) == []
    assert alice.get(f"/api/conversations/{conversation}?after={uuid4()}").status_code == 404


def test_the_page_shows_what_surrounds_a_message_far_up(app: Flask, alice: Person) -> None:
    conversation, made = make_long(app, alice, 2500)
    alice.get("/chat")
    with counted_queries(app) as statements:
        page = alice.get(f"/chat/{conversation}?leaf={made[300]}").get_data(as_text=True)

    assert len(statements) <= MAX_QUERIES + 3, "beside the newest part: the place, the way there, and where that ends"
    assert page.count("<message-item id=") == 100
    assert f'id="message-{made[300]}"' in page
    assert f"?leaf={made[-1]}&amp;after={made[350]}" in page
    newer = alice.get(f"/chat/{conversation}?leaf={made[-1]}&after={made[350]}").get_data(as_text=True)
    assert f'id="message-{made[351]}"' in newer
    near = alice.get(f"/chat/{conversation}?leaf={made[2420]}").get_data(as_text=True)
    assert f'id="message-{made[-1]}"' in near
    assert 'id="newer-messages" href="?leaf' not in near

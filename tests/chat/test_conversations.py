"""/api/conversations…: the caller's own, and nobody else's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import AnswerChunk, Message
from tests.people import Person


def make(person: Person, **fields: str | bool) -> dict[str, Any]:
    response = person.call("POST", "/api/conversations", fields)
    assert response.status_code == 201, response.get_data(as_text=True)
    made: dict[str, Any] = response.get_json()
    return made


def test_create_works(alice: Person) -> None:
    made = make(alice, title="Plans", system_prompt="Be kind.")

    assert (made["title"], made["system_prompt"]) == ("Plans", "Be kind.")
    assert alice.get(f"/api/conversations/{made['id']}").get_json() == {
        **made,
        "messages": [],
        "has_older": False,
        "newest_id": None,
    }


def test_list_works(alice: Person) -> None:
    older, newer = make(alice, title="Older"), make(alice, title="Newer")

    listed = alice.get("/api/conversations").get_json()

    assert [one["id"] for one in listed["conversations"]] == [newer["id"], older["id"]]
    assert listed["next"] is None


def test_list_comes_in_pages_that_miss_nothing(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.add_all([Conversation(user_id=alice.id, title=str(n)) for n in range(120)])
        db.session.commit()

    seen: list[str] = []
    cursor, pages = "", 0
    while cursor is not None:
        page = alice.get("/api/conversations", query_string={"cursor": cursor}).get_json()
        seen += [one["id"] for one in page["conversations"]]
        cursor, pages = page["next"], pages + 1

    assert (len(seen), len(set(seen)), pages) == (120, 120, 3)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "_",
        "2026-01-01_x",
        "0_2026-01-01_x",
        "0_0001-01-01T00:00:00+01:00_01a208ce-6510-77b9-8a38-7e6326e56cdc",
        "0_2026-01-01T00:00:00_01a208ce-6510-77b9-8a38-7e6326e56cdc",
        "2_2026-01-01T00:00:00+00:00_01a208ce-6510-77b9-8a38-7e6326e56cdc",
        "0_2026-01-01T00:00:00+00:00_01a208ce-6510-77b9-8a38-7e6326e56cdc_0",
    ],
)
def test_list_refuses_a_foreign_cursor(alice: Person, cursor: str) -> None:
    response = alice.get("/api/conversations", query_string={"cursor": cursor})

    assert (response.status_code, response.get_json()["field"]) == (422, "cursor")


def test_rename_works(alice: Person) -> None:
    made = make(alice, title="Plans")

    renamed = alice.call("PATCH", f"/api/conversations/{made['id']}", {"title": "  Better \n plans "})

    assert renamed.get_json()["title"] == "Better plans"
    assert alice.get(f"/api/conversations/{made['id']}").get_json()["title"] == "Better plans"


@pytest.mark.parametrize(
    ("body", "field"), [({"title": " "}, "title"), ({"title": "x" * 81}, "title"), ({"user_id": "x"}, "user_id")]
)
def test_rename_names_the_field_that_is_wrong(alice: Person, body: dict[str, str], field: str) -> None:
    made = make(alice, title="Plans")

    response = alice.call("PATCH", f"/api/conversations/{made['id']}", body)

    assert (response.status_code, response.get_json()["field"]) == (422, field)
    assert alice.get(f"/api/conversations/{made['id']}").get_json()["title"] == "Plans"


def test_delete_takes_everything_along(app: Flask, alice: Person) -> None:
    answer = alice.ask()

    response = alice.call("DELETE", f"/api/conversations/{answer['conversation_id']}")

    assert response.status_code == 204
    assert alice.get(f"/api/conversations/{answer['conversation_id']}").status_code == 404
    with app.app_context():
        assert db.session.query(Message).count() == 0


def test_delete_ends_what_is_being_written(app: Flask, alice: Person) -> None:
    body = {"message": '/fake {"chunks": ["a", "b"], "delay_ms": 60000}'}
    alice.call("POST", "/api/chat/stream", body)
    (conversation,) = alice.get("/api/conversations").get_json()["conversations"]

    assert alice.call("DELETE", f"/api/conversations/{conversation['id']}").status_code == 204

    assert app.extensions["chat"].engine.running_count() == 0
    with app.app_context():
        assert db.session.query(AnswerChunk).count() == 0


def test_the_title_is_the_first_words(app: Flask, alice: Person) -> None:
    app.extensions["chat"].directory.providers[0].enqueue(["Hi"])
    answer = alice.ask(
        "How do I bake a loaf of bread without a stone,\n a pan, or any other of the things that people say one needs?"
    )

    title = alice.get(f"/api/conversations/{answer['conversation_id']}").get_json()["title"]

    assert title.startswith("How do I bake a loaf of bread without a stone, a pan")
    assert title.endswith("…")
    assert len(title) <= 80


def test_absent_and_foreign_are_the_same(alice: Person, bob: Person) -> None:
    hers = make(alice, title="Mine")["id"]

    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        foreign = bob.call(method, f"/api/conversations/{hers}", body)
        absent = bob.call(method, f"/api/conversations/{uuid4()}", body)
        assert foreign.status_code == absent.status_code == 404, method
        assert foreign.get_data() == absent.get_data()
    assert bob.get("/api/conversations").get_json()["conversations"] == []
    assert alice.get(f"/api/conversations/{hers}").get_json()["title"] == "Mine"


def test_it_takes_json_only(alice: Person) -> None:
    made = make(alice, title="Plans")
    headers = {"X-CSRFToken": alice.csrf()}

    for method, path in (("POST", "/api/conversations"), ("PATCH", f"/api/conversations/{made['id']}")):
        response = alice.client.open(path, method=method, data={"title": "x"}, headers=headers)
        assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")

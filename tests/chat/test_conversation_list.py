"""/api/conversations as a list: pinned, archived, in folders; and /api/conversations/folders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import event

from app.extensions import db
from app.models.conversation import Conversation
from tests.people import Person


def make(person: Person, title: str, **fields: str | bool) -> str:
    return str(person.call("POST", "/api/conversations", {"title": title, **fields}).get_json()["id"])


def titles(person: Person, **query: str) -> list[str]:
    listed = person.get("/api/conversations", query_string=query)
    assert listed.status_code == 200, listed.text
    return [one["title"] for one in listed.get_json()["conversations"]]


def folders(person: Person) -> list[tuple[str, int]]:
    return [(one["name"], one["size"]) for one in person.get("/api/conversations/folders").get_json()["folders"]]


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What is said to the database meanwhile."""
    said: list[str] = []

    def listen(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            yield said
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)


def test_pinned_ones_come_first(alice: Person) -> None:
    old, _ = make(alice, "Old"), make(alice, "New")
    pinned = alice.call("PATCH", f"/api/conversations/{old}", {"pinned": True}).get_json()

    assert (pinned["pinned"], pinned["title"]) == (True, "Old")
    assert titles(alice) == ["Old", "New"]
    alice.call("PATCH", f"/api/conversations/{old}", {"pinned": False})
    assert titles(alice) == ["New", "Old"], "its place by date is what it was"


def test_pages_miss_nothing_where_the_pinned_ones_end(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.add_all([Conversation(user_id=alice.id, title=str(n), pinned=n % 2 == 0) for n in range(118)])
        db.session.commit()
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = alice.get("/api/conversations", query_string={"cursor": cursor}).get_json()
        seen += [one["title"] for one in page["conversations"]]
        cursor = page["next"]

    numbers = [int(title) for title in seen]
    assert numbers == [*range(116, -1, -2), *range(117, 0, -2)]


def test_a_last_page_that_is_full_promises_nothing(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.add_all([Conversation(user_id=alice.id, title=str(n)) for n in range(50)])
        db.session.commit()

    assert alice.get("/api/conversations").get_json()["next"] is None


def test_the_archive_is_a_list_of_its_own(alice: Person) -> None:
    done, _ = make(alice, "Done", folder="Work"), make(alice, "Doing")
    alice.call("PATCH", f"/api/conversations/{done}", {"archived": True})

    assert (titles(alice), titles(alice, archived="1")) == (["Doing"], ["Done"])
    assert folders(alice) == [], "nothing in use is in it"
    alice.call("PATCH", f"/api/conversations/{done}", {"archived": False})
    assert (titles(alice, folder="Work"), titles(alice, archived="1")) == (["Done"], [])


def test_folders_work(alice: Person) -> None:
    make(alice, "Loose")
    make(alice, "Report", folder="  Work \n and play ")
    make(alice, "Plan", folder="Work and play")
    make(alice, "Cake", folder="kitchen")
    make(alice, "Urgent", folder="kitchen", pinned=True)

    assert folders(alice) == [("kitchen", 2), ("Work and play", 2)]
    assert titles(alice, folder="Work and play") == ["Plan", "Report"]
    assert titles(alice, folder="") == ["Urgent", "Loose"], "in none, and what is pinned"
    assert titles(alice) == ["Urgent", "Cake", "Plan", "Report", "Loose"]


def test_without_the_pinned_ones(alice: Person) -> None:
    make(alice, "Old", folder="Work")
    make(alice, "New")
    make(alice, "Pinned", folder="Work", pinned=True)

    assert (titles(alice, pinned="0"), titles(alice, pinned="1")) == (["New", "Old"], ["Pinned"])
    assert titles(alice, pinned="0", folder="Work") == ["Old"]


def test_out_of_a_folder(alice: Person) -> None:
    plan = make(alice, "Plan", folder="Work")
    alice.call("PATCH", f"/api/conversations/{plan}", {"folder": ""})

    assert (folders(alice), titles(alice, folder="Work"), titles(alice, folder="")) == ([], [], ["Plan"])


@pytest.mark.parametrize(
    ("body", "field"), [({"folder": "x" * 81}, "folder"), ({"pinned": "yes"}, "pinned"), ({"archived": 1}, "archived")]
)
def test_a_wrong_value_is_named(alice: Person, body: dict[str, object], field: str) -> None:
    made = make(alice, "Plans")

    response = alice.call("PATCH", f"/api/conversations/{made}", body)

    assert (response.status_code, response.get_json()["field"]) == (422, field)


@pytest.mark.parametrize("field", ["archived", "pinned"])
def test_it_is_yes_or_no(alice: Person, field: str) -> None:
    response = alice.get(f"/api/conversations?{field}=maybe")

    assert (response.status_code, response.get_json()["field"]) == (422, field)


def test_what_is_somebody_elses_stays_as_it_is(alice: Person, bob: Person) -> None:
    hers = make(alice, "Mine", folder="Secret")

    assert bob.call("PATCH", f"/api/conversations/{hers}", {"archived": True}).status_code == 404
    assert (folders(bob), titles(bob, folder="Secret")) == ([], [])
    assert titles(alice) == ["Mine"]


def test_listing_asks_once_and_never_for_messages(app: Flask, alice: Person) -> None:
    alice.ask()
    with statements(app) as few:
        assert len(titles(alice)) == 1
    for _ in range(3):
        alice.ask()
    with statements(app) as many:
        assert len(titles(alice)) == 4

    assert [statement for statement in many if "message" in statement.lower()] == []
    assert len(many) == len(few) <= 2, "who asks, and the list"

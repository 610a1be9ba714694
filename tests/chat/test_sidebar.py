"""The sidebar, as it is without JavaScript."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.chat.sidebar import heading
from app.extensions import db
from app.models.conversation import Conversation
from tests.people import Person

TODAY = date(2026, 3, 15)


def shown(page: str) -> list[str]:
    return re.findall(r'<span data-part="title">(Chat \d+)</span></a></li>', page)


def add(app: Flask, person: Person, count: int, **fields: str | bool) -> None:
    with app.app_context():
        db.session.add_all([Conversation(user_id=person.id, title=f"Chat {n}", **fields) for n in range(count)])
        db.session.commit()


def test_a_folder_can_be_read_to_its_end(app: Flask, alice: Person) -> None:
    add(app, alice, 60, folder="Work", pinned=True)
    add(app, alice, 60, folder="Work")
    first = alice.get("/chat?folder=Work").text
    following = re.search(r'href="(/chat\?folder=Work&amp;cursor=[^"]+)"', first)
    assert following
    second = alice.get(following[1].replace("&amp;", "&")).text

    inside = [page.split('data-folder="Work" open')[1].split("</details>")[0] for page in (first, second)]
    assert shown(inside[0]) == [f"Chat {n}" for n in range(59, 9, -1)]
    assert shown(inside[1]) == [f"Chat {n}" for n in range(9, -1, -1)]
    assert "Older ones" not in inside[1]


def test_only_a_folder_that_is_whole_is_filled(app: Flask, alice: Person) -> None:
    add(app, alice, 50, folder="Work")
    assert 'open data-filled="true"' in alice.get("/chat?folder=Work").text
    add(app, alice, 1, folder="Work")

    assert 'open data-filled="true"' not in alice.get("/chat?folder=Work").text


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2026, 3, 15, 0, 10), "Today"),
        (datetime(2026, 3, 16, 0, 10), "Today"),
        (datetime(2026, 3, 14, 23, 59), "Yesterday"),
        (datetime(2026, 3, 13, 23, 59), "Previous 7 days"),
        (datetime(2026, 3, 8), "Previous 7 days"),
        (datetime(2026, 3, 7, 23, 59), "Previous 30 days"),
        (datetime(2026, 2, 13), "Previous 30 days"),
        (datetime(2026, 2, 12), "February"),
        (datetime(2025, 12, 31), "December 2025"),
    ],
)
def test_conversations_stand_under_the_days_they_are_of(moment: datetime, name: str) -> None:
    assert heading(moment.replace(tzinfo=UTC), TODAY) == name

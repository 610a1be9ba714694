"""Why an answer ended: by itself, or cut by a limit, which is told and can be gone on from."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.chat.test_chat import fake_of
from tests.people import HELLO, Person

CUT = '/fake {"chunks": ["Once upon"], "reason": "length"}'


def stored(person: Person, conversation_id: str) -> dict[str, object]:
    """Give the newest answer."""
    found: dict[str, object] = person.get(f"/api/conversations/{conversation_id}").get_json()["messages"][-1]
    return found


@pytest.mark.parametrize(("question", "reason"), [(CUT, "length"), (HELLO, "stop")])
def test_it_is_told_everywhere(alice: Person, question: str, reason: str) -> None:
    start, *_, done = alice.stream(question)

    assert (done.data["status"], done.data["end_reason"]) == ("complete", reason)
    assert stored(alice, start.data["conversation_id"])["end_reason"] == reason
    assert alice.ask(question)["end_reason"] == reason


def test_a_stopped_answer_has_none(alice: Person) -> None:
    failed = alice.call(
        "POST", "/api/chat", {"message": '/fake {"chunks": ["a"], "fail": "cut", "after": 1}'}
    ).get_json()

    assert failed["end_reason"] is None
    assert stored(alice, failed["conversation_id"])["end_reason"] is None


def test_what_was_cut_can_be_continued(app: Flask, alice: Person) -> None:
    cut = alice.ask(CUT)
    fake_of(app).enqueue([" a time."])
    whole = alice.call("POST", "/api/chat", {"continue_id": cut["message_id"]}).get_json()

    assert (whole["reply"], whole["end_reason"]) == ("Once upon a time.", "stop")


def test_the_page_says_so(alice: Person) -> None:
    cut, whole = alice.ask(CUT), alice.ask()

    page = alice.get(f"/chat/{cut['conversation_id']}").get_data(as_text=True)
    assert 'data-end="length"' in page
    page = alice.get(f"/chat/{whole['conversation_id']}").get_data(as_text=True)
    assert 'data-end="length"' not in page

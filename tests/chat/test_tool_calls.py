"""Tools that a model asks for: shown to the reader wherever the answer is, never executed."""

from __future__ import annotations

from typing import Any

from tests.people import Person, events

CALL: dict[str, Any] = {"name": "get_weather", "arguments": {"city": "Zürich", "text": "a\u2028b\n"}}
OTHER: dict[str, Any] = {"name": "look", "arguments": {}}
ASKS = (
    '/fake {"chunks": ["Let me see."], "calls": [{"name": "get_weather", "arguments": '
    '{"city": "Zürich", "text": "a\\u2028b\\n"}}, {"name": "look", "arguments": {}}]}'
)
ONLY = '/fake {"chunks": [], "calls": [{"name": "look", "arguments": {}}]}'


def test_in_one_piece(alice: Person) -> None:
    answer = alice.ask(ASKS)

    assert (answer["reply"], answer["tool_calls"]) == ("Let me see.", [CALL, OTHER])


def test_in_the_conversation(alice: Person) -> None:
    answer = alice.ask(ASKS)
    messages = alice.get(f"/api/conversations/{answer['conversation_id']}").get_json()["messages"]

    assert [message["tool_calls"] for message in messages] == [[], [CALL, OTHER]]
    assert messages[-1]["content"] == "Let me see."


def test_in_the_stream_and_again_from_any_position(alice: Person) -> None:
    start, said, asked, done = alice.stream(ASKS)
    assert said.data == {"content": "Let me see."}
    assert [line.startswith('{"name":') for line in asked.data["tools"].split("\n")] == [True, True, False]
    assert asked.id == done.id == done.data["length"]

    alice.app.extensions["chat"].engine.forget_all()
    again = events(alice.get(f"/api/messages/{start.data['message_id']}/events?after={said.id}"))
    assert again[1].data == asked.data


def test_an_answer_of_nothing_else(alice: Person) -> None:
    answer = alice.ask(ONLY)
    assert (answer["reply"], answer["tool_calls"]) == ("", [OTHER])

    page = alice.get(f"/chat/{answer['conversation_id']}").get_data(as_text=True)
    assert "look" in page


def test_the_page_shows_them_as_text(alice: Person) -> None:
    answer = alice.ask('/fake {"chunks": ["Hm."], "calls": [{"name": "<b>run", "arguments": {"a": "<i>"}}]}')
    page = alice.get(f"/chat/{answer['conversation_id']}").get_data(as_text=True)

    assert "&lt;b&gt;run" in page
    assert "<b>run" not in page
    assert "<i>" not in page


def test_continuing_keeps_them(alice: Person) -> None:
    answer = alice.ask(ONLY)
    whole = alice.call("POST", "/api/chat", {"continue_id": answer["message_id"]}).get_json()

    assert whole["tool_calls"][0] == OTHER

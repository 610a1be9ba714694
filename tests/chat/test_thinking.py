"""How long a model thought: measured where it is heard, the same for whoever comes later."""

from __future__ import annotations

from tests.people import Person

THINKS = '/fake {"chunks": ["So."], "thinking": "One two three four", "delay_ms": 20}'


def test_it_is_measured_and_kept(alice: Person) -> None:
    start, *_, done = alice.stream(THINKS)
    took = done.data["usage"]["thinking_ms"]
    answer = alice.get(f"/api/conversations/{start.data['conversation_id']}").get_json()["messages"][-1]

    assert 50 < took <= done.data["usage"]["duration_ms"]
    assert answer["usage"]["thinking_ms"] == took


def test_who_does_not_think_has_no_time(alice: Person) -> None:
    assert alice.ask()["usage"]["thinking_ms"] is None


def test_thoughts_without_a_word_after_them_count(alice: Person) -> None:
    assert alice.ask('/fake {"chunks": [], "thinking": "One two", "delay_ms": 5}')["usage"]["thinking_ms"] > 0

"""What a model is told."""

from __future__ import annotations

import pytest

from app.chat.history import estimate_tokens, fit
from app.chat.providers.base import Turn
from app.models.message import Message


def talk(*texts: str) -> list[Message]:
    """Questions and answers in turn, a question first."""
    return [Message(role="assistant" if n % 2 else "user", content=text, depth=n) for n, text in enumerate(texts)]


def test_everything_that_fits_is_told() -> None:
    told = fit("", talk("q1", "a1", "q2"), 4096)

    assert told.turns == (Turn("user", "q1"), Turn("assistant", "a1"), Turn("user", "q2"))
    assert told.dropped_messages == 0


def test_the_oldest_turns_go_first_and_whole() -> None:
    long = "word " * 200
    told = fit("", talk("q1", long, "q2", "a2", "q3"), 400)

    assert [turn.content for turn in told.turns] == ["q2", "a2", "q3"]
    assert told.dropped_messages == 2


def test_a_turn_is_not_cut_between_question_and_answer() -> None:
    long = "word " * 200
    told = fit("", talk(long, "a1", "q2"), 400)

    assert [turn.content for turn in told.turns] == ["q2"]
    assert told.dropped_messages == 2


def test_the_system_prompt_stays() -> None:
    told = fit("Be short.", talk("word " * 500, "a1", "q2"), 300)

    assert told.turns == (Turn("system", "Be short."), Turn("user", "q2"))


def test_the_last_question_stays_even_when_it_alone_is_too_long() -> None:
    told = fit("", talk("q1", "a1", "word " * 5000), 512)

    assert len(told.turns) == 1
    assert told.dropped_messages == 2


def test_neighbours_of_one_role_are_joined() -> None:
    told = fit("", [Message(role="user", content=text, depth=0) for text in ("One?", "Two?")], 4096)

    assert told.turns == (Turn("user", "One?\n\nTwo?"),)


def test_answers_without_text_are_left_out() -> None:
    told = fit("", talk("q1", "", "q2"), 4096)

    assert told.turns == (Turn("user", "q1\n\nq2"),)
    assert told.dropped_messages == 0


def test_what_lies_above_is_left_out_too() -> None:
    path = [Message(role="user", content="q", depth=1600), Message(role="assistant", content="a", depth=1601)]
    told = fit("", path, 4096)

    assert told.dropped_messages == 1600
    assert told.room < 0


@pytest.mark.parametrize("text", ["", "Hello, world.", "Grüß Gott", "你好，世界"])
def test_the_estimate_is_not_below_one_token_for_three_bytes(text: str) -> None:
    assert estimate_tokens(text) * 3 >= len(text.encode())


def test_the_estimate_survives_a_lone_surrogate() -> None:
    assert estimate_tokens("\ud800") > 0

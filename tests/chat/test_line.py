"""What one follower hears of an answer that another process makes."""

from __future__ import annotations

from app.chat.answers.bus import MAX_HEARD, Line
from app.chat.answers.log import Delta
from app.database import new_id


class Ear:
    """A line, and how often it came back after it had been deaf."""

    def __init__(self, position: int = 0) -> None:
        self.returns: list[int | None] = []
        self.line = Line(new_id(), position, lambda line: self.returns.append(line.position))

    def hear(self, start: int, text: str) -> None:
        self.line.hear(Delta("content", text, start + len(text)))

    def take(self, position: int) -> str:
        return "".join(delta.text for delta in self.line.take(position))


def test_it_gives_what_was_said_once() -> None:
    ear = Ear()
    ear.hear(0, "Hel")
    ear.hear(3, "lo")

    assert ear.take(0) == "Hello"
    assert ear.take(5) == ""


def test_what_comes_twice_is_cut() -> None:
    ear = Ear(2)
    for start, text in ((0, "Hel"), (1, "ell"), (0, "Hello"), (3, "lo")):
        ear.hear(start, text)

    assert ear.take(2) == "llo"


def test_after_a_gap_it_goes_on_from_where_the_reader_is() -> None:
    ear = Ear()
    ear.hear(0, "He")
    assert ear.take(0) == "He"
    assert ear.line.should_look()
    ear.hear(3, "lo")
    ear.hear(5, "!")

    assert ear.take(2) == ""
    assert ear.line.should_look()
    assert ear.returns == [2]
    ear.hear(2, "llo!")
    assert ear.take(2) == "llo!"


def test_a_slow_reader_costs_no_more_than_so_much() -> None:
    ear = Ear()
    ear.hear(0, "x" * MAX_HEARD)
    ear.hear(MAX_HEARD, "y")

    assert ear.take(0) == ""
    assert ear.line.should_look()
    assert ear.returns == [0]


def test_what_the_reader_found_elsewhere_is_not_heard_again() -> None:
    ear = Ear()
    assert ear.take(4) == ""  # the database knew more
    ear.hear(0, "Hello")

    assert ear.take(4) == "o"
    assert ear.returns == []


def test_it_says_once_that_there_is_something_to_look_up() -> None:
    line = Ear().line

    assert [line.should_look(), line.should_look()] == [True, False]
    line.look()
    assert [line.should_look(), line.should_look()] == [True, False]

"""The fair queue."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from app.chat.answers.admission import MAX_WAITING_PER_USER, Admission, Ticket
from app.errors import TooManyRequests


class Log:
    """Notes turns and places of named tickets."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.turns: list[str] = []
        self.places: dict[str, int] = {}
        self.seconds: dict[str, int] = {}

    def ask(self, user: UUID, name: str, provider: str = "ollama") -> Ticket:
        def moved(place: int, seconds: int) -> None:
            self.places[name], self.seconds[name] = place, seconds

        ticket = Ticket(provider, user, lambda: self.turns.append(name), moved)
        self.admission.enter(ticket)
        return ticket


ANN, BEN = uuid4(), uuid4()


def test_without_a_limit_everybody_is_served_at_once() -> None:
    log = Log(Admission(None, 4))

    for n in range(4):
        log.ask(ANN, f"ann {n}")
    log.ask(BEN, "ben")

    assert log.turns == ["ann 0", "ann 1", "ann 2", "ann 3", "ben"]


def test_a_user_waits_behind_the_own_limit_and_holds_up_nobody() -> None:
    log = Log(Admission(None, 1))
    first = log.ask(ANN, "ann 1")
    log.ask(ANN, "ann 2")
    log.ask(BEN, "ben")
    assert log.turns == ["ann 1", "ben"]

    log.admission.leave(first, 1.0)

    assert log.turns == ["ann 1", "ben", "ann 2"]


def test_users_are_served_in_turn() -> None:
    log = Log(Admission(1, 4))
    names = {"ann 1": ANN, "ann 2": ANN, "ann 3": ANN, "ben 1": BEN, "ben 2": BEN}
    tickets = {name: log.ask(user, name) for name, user in names.items()}
    assert log.places == {"ann 2": 1, "ben 1": 2, "ann 3": 3, "ben 2": 4}

    for _ in range(4):
        log.admission.leave(tickets[log.turns[-1]], 1.0)

    assert log.turns == ["ann 1", "ann 2", "ben 1", "ann 3", "ben 2"]


def test_twenty_users_on_one_slot_share_it_fairly() -> None:
    """Jain's index over the answers served in any window: (Σx)² / (n·Σx²) is 1 for equal shares."""
    log = Log(Admission(1, 4))
    users = [uuid4() for _ in range(20)]
    tickets = {f"{n} {m}": log.ask(user, f"{n} {m}") for n, user in enumerate(users) for m in range(n % 10 + 5)}

    for _ in range(100):
        log.admission.leave(tickets[log.turns[-1]], 1.0)

    served = [sum(turn.startswith(f"{n} ") for turn in log.turns[:100]) for n in range(20)]
    assert sum(served) ** 2 / (20 * sum(share**2 for share in served)) >= 0.95


def test_leaving_the_queue_moves_the_others_up_at_once() -> None:
    log = Log(Admission(1, 4))
    log.ask(ANN, "running")
    impatient = log.ask(BEN, "impatient")
    log.ask(uuid4(), "next")
    assert log.places["next"] == 2

    assert log.admission.withdraw(impatient)

    assert log.places["next"] == 1
    assert not log.admission.withdraw(impatient)
    assert "impatient" not in log.turns


def test_the_wait_is_learnt_from_what_answers_took() -> None:
    log = Log(Admission(1, 4))
    for _ in range(3):
        log.admission.leave(log.ask(ANN, "before"), 4.0)
    log.ask(ANN, "running")

    log.ask(BEN, "waiting")

    assert (log.places["waiting"], log.seconds["waiting"]) == (1, 4)


def test_providers_do_not_wait_for_each_other() -> None:
    log = Log(Admission(1, 4))

    log.ask(ANN, "here")
    log.ask(ANN, "there", provider="openai")

    assert log.turns == ["here", "there"]


def test_a_line_has_an_end() -> None:
    log = Log(Admission(1, 1))
    log.ask(ANN, "running")
    for n in range(MAX_WAITING_PER_USER):
        log.ask(ANN, f"waiting {n}")

    with pytest.raises(TooManyRequests):
        log.admission.check_line(ANN)
    log.admission.check_line(BEN)


def test_with_several_places_one_is_left_to_the_others() -> None:
    log = Log(Admission(3, 4))
    for n in range(4):
        log.ask(ANN, f"ann {n}")
    log.ask(BEN, "ben")

    assert log.turns == ["ann 0", "ann 1", "ben"]

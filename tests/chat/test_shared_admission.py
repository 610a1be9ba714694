"""The fair queue over several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from app.chat.answers.admission import Ticket
from app.chat.answers.shared_admission import SharedAdmission
from tests.valkey import Valkey
from tests.waiting import wait_until

ANN, BEN = uuid4(), uuid4()
Make = Callable[[int | None, int], SharedAdmission]


@pytest.fixture
def make(valkey: Valkey) -> Iterator[Make]:
    """Make the queues of so many processes."""
    made: list[SharedAdmission] = []

    def start(slots: int | None, max_per_user: int) -> SharedAdmission:
        made.append(SharedAdmission(slots, max_per_user, valkey.url, "test:"))
        return made[-1]

    yield start
    for one in made:
        one.close()


class Log:
    """Notes turns and places of named tickets, over all processes."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.places: dict[str, int] = {}
        self.tickets: dict[str, tuple[SharedAdmission, Ticket]] = {}

    def ask(self, process: SharedAdmission, user: UUID, name: str) -> None:
        def moved(place: int, _seconds: int) -> None:
            self.places[name] = place

        ticket = Ticket("ollama", user, lambda: self.turns.append(name), moved)
        self.tickets[name] = process, ticket
        process.enter(ticket)

    def end(self, name: str) -> None:
        process, ticket = self.tickets[name]
        process.leave(ticket, 1.0)

    def wait_for(self, *turns: str) -> None:
        wait_until(lambda: self.turns == list(turns))

    def wait_for_place(self, name: str, place: int) -> None:
        wait_until(lambda: self.places.get(name) == place)


def test_the_places_at_a_model_are_counted_over_all(make: Make) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann")
    log.wait_for("ann")

    log.ask(there, BEN, "ben")
    log.wait_for_place("ben", 1)
    log.end("ann")

    log.wait_for("ann", "ben")


def test_nobody_has_more_answers_at_a_time_than_allowed(make: Make) -> None:
    log, here, there = Log(), make(None, 1), make(None, 1)
    log.ask(here, ANN, "first")
    log.wait_for("first")

    log.ask(there, ANN, "second")
    log.wait_for_place("second", 1)
    log.ask(there, BEN, "ben")

    log.wait_for("first", "ben")
    log.end("first")
    log.wait_for("first", "ben", "second")


def test_users_are_served_in_turn(make: Make) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann 1")
    log.wait_for("ann 1")
    for process, user, name, place in (
        (here, ANN, "ann 2", 1),
        (here, ANN, "ann 3", 2),
        (there, BEN, "ben 1", 2),
        (there, BEN, "ben 2", 4),
    ):
        log.ask(process, user, name)
        log.wait_for_place(name, place)
    log.wait_for_place("ann 3", 3)

    order = ["ann 1", "ann 2", "ben 1", "ann 3", "ben 2"]
    for count, name in enumerate(order, 1):
        log.wait_for(*order[:count])
        log.end(name)


def test_twenty_users_at_three_processes_share_one_place_fairly(make: Make) -> None:
    log, processes = Log(), [make(1, 4) for _ in range(3)]
    users = [uuid4() for _ in range(20)]
    for n, user in enumerate(users):
        for m in range(n % 4 + 3):
            log.ask(processes[(n + m) % 3], user, f"{n} {m}")
    total = sum(n % 4 + 3 for n in range(20))
    # All stand in line before the second is served.
    wait_until(lambda: len(log.turns) + len(log.places) >= total)

    for count in range(60):
        wait_until(lambda count=count: len(log.turns) > count)  # type: ignore[misc]
        assert len(log.turns) == count + 1
        log.end(log.turns[-1])

    served = [sum(turn.startswith(f"{n} ") for turn in log.turns[:60]) for n in range(20)]
    assert sum(served) ** 2 / (20 * sum(share**2 for share in served)) >= 0.95


def test_leaving_the_queue_moves_the_others_up(make: Make) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "running")
    log.wait_for("running")
    log.ask(here, BEN, "impatient")
    log.wait_for_place("impatient", 1)
    log.ask(there, ANN, "next")
    log.wait_for_place("next", 2)

    process, ticket = log.tickets["impatient"]
    assert process.withdraw(ticket)

    log.wait_for_place("next", 1)
    assert not process.withdraw(ticket)


def test_a_process_that_ends_gives_its_places_back(make: Make) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann")
    log.wait_for("ann")
    log.ask(there, BEN, "ben")
    log.wait_for_place("ben", 1)

    here.close()

    log.wait_for("ann", "ben")


def test_a_process_that_falls_silent_loses_its_places(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann")
    log.wait_for("ann")
    log.ask(there, BEN, "ben")
    log.wait_for_place("ben", 1)

    monkeypatch.setattr(here, "_ask", lambda _tickets: (set(), {}))  # as if it had been killed

    log.wait_for("ann", "ben")


def test_without_the_server_each_process_decides_alone(make: Make, valkey: Valkey) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann 1")
    log.wait_for("ann 1")
    log.ask(here, ANN, "ann 2")
    log.wait_for_place("ann 2", 1)
    log.ask(there, BEN, "ben 1")
    log.wait_for_place("ben 1", 2)

    valkey.kill()

    log.wait_for("ann 1", "ben 1")
    log.end("ann 1")
    log.wait_for("ann 1", "ben 1", "ann 2")


def test_what_runs_is_counted_again_when_the_server_is_back(make: Make, valkey: Valkey) -> None:
    log, here, there = Log(), make(1, 4), make(1, 4)
    log.ask(here, ANN, "ann")
    log.wait_for("ann")
    valkey.kill()
    wait_until(lambda: not here._is_shared)

    valkey.start()
    wait_until(lambda: here._is_shared)
    log.ask(there, BEN, "ben")

    log.wait_for_place("ben", 1)
    log.end("ann")
    log.wait_for("ann", "ben")

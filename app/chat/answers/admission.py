"""Who may have an answer made now, and who waits: users in turn, so that nobody starves.

In front of each provider stands a queue with as many places at the model as the settings say. Each user has a line of their own
there, and the lines are served in turn (round robin); within a line first come, first served. Besides, nobody has more than so many
answers made at a time, over all providers.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from uuid import UUID

from app.database import new_id
from app.errors import TooManyRequests

MAX_WAITING_PER_USER = 20
FIRST_GUESS_SECONDS = 20.0  # how long an answer takes, before we have seen one
SMOOTHING = 0.2


class Ticket:
    """A wish for an answer. `on_turn` is called once when it is granted, `on_move` when the place in the queue changes."""

    def __init__(
        self, provider: str, user_id: UUID, on_turn: Callable[[], None], on_move: Callable[[int, int], None]
    ) -> None:
        self.id = new_id()
        self.provider = provider
        self.user_id = user_id
        self.on_turn = on_turn
        self.on_move = on_move


class Admission:
    """The queues of one process. `slots` places at each provider (None: no limit), `max_per_user` answers at a time for a user."""

    def __init__(self, slots: int | None, max_per_user: int) -> None:
        self._slots = slots
        self._max_per_user = max_per_user
        self._lines: dict[str, OrderedDict[UUID, deque[Ticket]]] = {}
        self._granted: set[Ticket] = set()
        self._seconds: dict[str, float] = {}
        self._lock = threading.RLock()

    def check_line(self, user_id: UUID) -> None:
        """Raise TooManyRequests when a user has as many wishes waiting as anybody may have."""
        with self._lock:
            waiting = sum(len(lines.get(user_id, ())) for lines in self._lines.values())
        if waiting >= MAX_WAITING_PER_USER:
            raise TooManyRequests(f"{waiting} of your questions wait for an answer already.", retry_after=10)

    def enter(self, ticket: Ticket) -> None:
        """Queue a wish; it may be granted before this returns."""
        with self._lock:
            line = self._lines.setdefault(ticket.provider, OrderedDict()).setdefault(ticket.user_id, deque())
            line.append(ticket)
            turns = self._grant()
        self._tell(turns)

    def leave(self, ticket: Ticket, seconds: float) -> None:
        """Free the place of an answer that has ended after so many seconds."""
        with self._lock:
            if ticket not in self._granted:
                return
            self._granted.discard(ticket)
            known = self._seconds.get(ticket.provider, seconds)
            self._seconds[ticket.provider] = known + SMOOTHING * (seconds - known)
            turns = self._grant()
        self._tell(turns)

    def withdraw(self, ticket: Ticket) -> bool:
        """Take back a wish that waits; gives False where it does not: it was granted already."""
        with self._lock:
            if not self._remove(ticket):
                return False
            turns = self._grant()
        self._tell(turns)
        return True

    def close(self) -> None:
        """Do nothing: the queues of one process end with it."""

    def _remove(self, ticket: Ticket) -> bool:
        lines = self._lines.get(ticket.provider, OrderedDict())
        line = lines.get(ticket.user_id, deque())
        if ticket not in line:
            return False
        line.remove(ticket)
        if not line:
            del lines[ticket.user_id]
        return True

    def _grant(self) -> list[Ticket]:
        turns = []
        for provider, lines in self._lines.items():
            while ticket := self._next(provider, lines):
                self._granted.add(ticket)
                turns.append(ticket)
        return turns

    def _next(self, provider: str, lines: OrderedDict[UUID, deque[Ticket]]) -> Ticket | None:
        """Take the first ticket whose user may have one more answer, and send that user to the end of the turn."""
        if self._slots is not None and sum(ticket.provider == provider for ticket in self._granted) >= self._slots:
            return None
        for user_id, line in lines.items():
            if self._may_have_more(user_id, provider):
                ticket = line.popleft()
                lines.move_to_end(user_id)
                if not line:
                    del lines[user_id]
                return ticket
        return None

    def _may_have_more(self, user_id: UUID, provider: str) -> bool:
        """Tell whether a user is below both limits: over all providers, and one place short of all that this one has.

        That place is left to the others: an answer may take long, and turns come only when one ends.
        """
        own = [ticket for ticket in self._granted if ticket.user_id == user_id]
        here = sum(ticket.provider == provider for ticket in own)
        return len(own) < self._max_per_user and (self._slots is None or here < max(self._slots - 1, 1))

    def _tell(self, turns: list[Ticket]) -> None:
        for ticket in turns:
            ticket.on_turn()
        with self._lock:  # the calls as well: a place must not be told after the turn has come
            for ticket in self._waiting():
                if known := self._place(ticket):
                    ticket.on_move(*known)

    def _waiting(self) -> list[Ticket]:
        return [ticket for lines in self._lines.values() for line in lines.values() for ticket in line]

    def _place(self, ticket: Ticket) -> tuple[int, int] | None:
        """Give how many are served up to and including this one, and in how many seconds it is likely to be its turn."""
        lines = self._lines[ticket.provider]
        index = lines[ticket.user_id].index(ticket)
        place = index + 1
        is_before = True
        for user_id, line in lines.items():
            if user_id == ticket.user_id:
                is_before = False
            else:
                place += min(len(line), index + is_before)
        return place, self._wait_seconds(ticket.provider, place)

    def _wait_seconds(self, provider: str, place: int) -> int:
        each = self._seconds.get(provider, FIRST_GUESS_SECONDS)
        return math.ceil(place * each / (self._slots or self._max_per_user))

"""The queue of all processes of an installation, counted in a Valkey or Redis server.

Each process says there what it has, waiting and running, whenever that changes and at least once a second, and learns what may run.
Nothing else is kept in step: whoever is silent for five seconds has lost its places, and a server that comes back empty knows
everything again after a second. While it is away each process lets people in by itself.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from app.chat.answers.admission import Admission, Ticket
from app.database import new_id
from app.valkey import connect

logger = logging.getLogger(__name__)
SCRIPT = Path(__file__).with_name("admission.lua")
SYNC_SECONDS = 1.0
WAITING_SYNC_SECONDS = 0.2  # another process's place becomes free
SILENCE_SECONDS = 5


class SharedAdmission(Admission):
    """An Admission that agrees with the other processes before it lets anybody in."""

    def __init__(self, slots: int | None, max_per_user: int, url: str, prefix: str) -> None:
        super().__init__(slots, max_per_user)
        self._process = str(new_id())
        self._client = connect(url)
        self._script = self._client.register_script(SCRIPT.read_text(encoding="utf-8"))
        self._keys = [f"{prefix}queue:{name}" for name in ("tickets", "processes", "turns", "numbers")]
        self._is_shared = True
        self._places: dict[UUID, int] = {}
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()
        self._closing = threading.Event()

    def close(self) -> None:
        """Give every place back."""
        self._closing.set()
        self._changed.set()
        if self._thread:
            self._thread.join()
        self._client.close()

    def _grant(self) -> list[Ticket]:
        """Leave it to the thread that asks the server; where that is away, decide here."""
        if not (self._thread and self._thread.is_alive()) and not self._closing.is_set():
            self._thread = threading.Thread(target=self._sync_forever, name="queue", daemon=True)
            self._thread.start()
        self._changed.set()
        return [] if self._is_shared else super()._grant()

    def _place(self, ticket: Ticket) -> tuple[int, int] | None:
        """Give the place among all processes; None as long as nobody knows whether it has to wait at all."""
        if not self._is_shared:
            return super()._place(ticket)
        place = self._places.get(ticket.id)
        return (place, self._wait_seconds(ticket.provider, place)) if place else None

    def _sync_forever(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(WAITING_SYNC_SECONDS if self._is_anybody_waiting() else SYNC_SECONDS)
            self._changed.clear()
            try:
                turns = self._sync()
            except (RedisError, ValueError) as error:
                turns = self._go_alone(error)
            self._tell(turns)
        self._say_goodbye()

    def _is_anybody_waiting(self) -> bool:
        with self._lock:
            return bool(self._waiting())

    def _sync(self) -> list[Ticket]:
        """Say what this process has, and let in whom the server let in."""
        with self._lock:
            waiting = {ticket.id: ticket for ticket in self._waiting()}
            had = [*((ticket, 1) for ticket in self._granted), *((ticket, 0) for ticket in waiting.values())]
        granted, places = self._ask([(str(one.id), one.provider, str(one.user_id), state) for one, state in had])
        with self._lock:
            self._is_shared = True
            self._places = places
            turns = [ticket for ticket_id, ticket in waiting.items() if ticket_id in granted and self._remove(ticket)]
            self._granted.update(turns)
        return turns

    def _ask(self, tickets: list[tuple[str, str, str, int]]) -> tuple[set[UUID], dict[UUID, int]]:
        slots = -1 if self._slots is None else self._slots
        said = [part for ticket in tickets for part in ticket]
        reply: Any = self._script(self._keys, [self._process, slots, self._max_per_user, SILENCE_SECONDS, *said])
        granted, flat = reply
        waiting = zip(flat[::2], flat[1::2], strict=True)
        return {_uuid(one) for one in granted}, {_uuid(one): int(place) for one, place in waiting}

    def _go_alone(self, error: Exception) -> list[Ticket]:
        with self._lock:
            if self._is_shared:
                logger.warning("REDIS_URL does not answer (%s): every process counts its answers by itself", error)
            self._is_shared = False
            return super()._grant()

    def _say_goodbye(self) -> None:
        try:
            self._ask([])
        except RedisError:  # then the places are free after some seconds
            logger.info("the server of REDIS_URL was away at the end")


def _uuid(text: bytes) -> UUID:
    return UUID(text.decode())

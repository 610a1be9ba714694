"""All answers of this process: starts them, finds them, flushes them, and lets go of them."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.chat.answers.admission import Admission, Ticket
from app.chat.answers.following import Follower, Source, StoredAnswer
from app.chat.answers.generation import AnswerJob, Generation
from app.chat.answers.store import LEASE, AnswerStore
from app.chat.providers.base import Provider
from app.errors import Unavailable

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.2  # with the commit itself, no character waits longer than 250 ms for the disk
CHORE_SECONDS = 1.0
KEEP_ENDED_SECONDS = 30.0
SLOW_SECONDS = 1.0  # whatever takes longer waited for the database
COMPLAINT_SECONDS = 10.0


class AnswerEngine:
    """The answers that this process makes, and the connections that follow them."""

    def __init__(self, store: AnswerStore, admission: Admission) -> None:
        self.store = store
        self._admission = admission
        self._generations: dict[UUID, Generation] = {}
        self._tickets: dict[UUID, Ticket] = {}
        self._ended_at: dict[UUID, float] = {}
        self._followers: set[Follower] = set()
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._closing = threading.Event()
        self._refusing = False
        self._closed = False
        self._trouble_at = self._complained_at = -math.inf
        self._chores = (
            self._renew,
            self._save_late,
            self._interrupt_expired,
            self._close_ended_sessions,
            self._let_go,
        )

    def ensure_ticking(self) -> None:
        """Start the ticker of this process, once; called when a worker is ready and by the first request, never at import."""
        with self._lock:
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick_forever, name="answers", daemon=True)
                self._ticker.start()

    def drain(self, seconds: float) -> None:
        """Begin nothing new, give what runs so many seconds to end by itself, then close."""
        self._refusing = True
        deadline = time.monotonic() + seconds
        while self.running_count() and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        self.close()

    def close(self) -> None:
        """End what runs as interrupted, with all its text, and stop working; for the end of the process."""
        self._refusing = True
        self._closing.set()
        for generation in self._running():
            generation.interrupt()
            self._leave_queue(generation)
        for generation in self._running():
            generation.log.wait_for_end()
        for follower in self._all_followers():
            if not follower.is_at_end:  # another process goes on with it, and the next server will know
                follower.close()
        self._save_late()
        if self._ticker and not self._closed:
            self._ticker.join()
            self.store.close()
        self._closed = True

    def running_count(self) -> int:
        """Give how many answers this process is making."""
        return len(self._running())

    def check_open(self, user_id: UUID) -> None:
        """Raise Unavailable when the process is about to end, and TooManyRequests when the user's line is full."""
        if self._refusing:
            raise Unavailable("The server is being restarted. Please try again in a moment.", retry_after=5)
        self._admission.check_line(user_id)

    def start(self, job: AnswerJob, provider: Provider) -> Generation:
        """Begin an answer in the background and give it."""
        generation = Generation(job, provider, self.store)
        ticket = Ticket(provider.name, job.user_id, lambda: self._begin(generation), generation.wait_in_line)
        with self._lock:
            self._generations[job.message_id] = generation
            self._tickets[job.message_id] = ticket
        self._admission.enter(ticket)
        return generation

    def _begin(self, generation: Generation) -> None:
        name = f"answer {generation.job.message_id}"
        threading.Thread(target=self._run, args=(generation,), name=name, daemon=True).start()

    def _run(self, generation: Generation) -> None:
        began = time.monotonic()
        generation.run()
        now = time.monotonic()
        with self._lock:
            if not generation.unsaved:
                self._ended_at[generation.job.message_id] = now
            ticket = self._tickets.pop(generation.job.message_id)
        self._admission.leave(ticket, now - began)

    def find(self, message_id: UUID) -> Generation | None:
        """Give the answer if this process makes it or made it a moment ago."""
        return self._generations.get(message_id)

    def stop(self, message_id: UUID) -> bool:
        """End an answer of this process and wait until it has ended; gives whether there was one."""
        generation = self.find(message_id)
        if generation is None:
            return False
        generation.stop()
        self._leave_queue(generation)
        generation.log.wait_for_end()
        return True

    def _leave_queue(self, generation: Generation) -> None:
        """Let an answer that waits for its turn end now; its stream is closed, so it asks nobody any more."""
        ticket = self._tickets.get(generation.job.message_id)
        if ticket and self._admission.withdraw(ticket):
            self._begin(generation)

    def follow(
        self, message_id: UUID, start: dict[str, Any], session_id: UUID, position: int, sock: Any = None
    ) -> Iterator[bytes]:
        """Give the stream of an answer from a position; the follower is known until the stream is closed.

        `sock` is the socket that the stream goes out on, where it may be written to directly.
        """
        generation = self.find(message_id)
        source: Source = generation.log if generation else StoredAnswer(self.store, message_id)
        follower = Follower(source, start, session_id, position, sock)
        with self._lock:
            self._followers.add(follower)
        try:
            yield from follower.frames()
        finally:
            with self._lock:
                self._followers.discard(follower)

    def close_sessions(self, session_ids: set[UUID]) -> None:
        """End every connection of these signed-in browsers."""
        for follower in self._all_followers():
            if follower.session_id in session_ids:
                follower.close()

    def _all(self) -> list[Generation]:
        with self._lock:
            return list(self._generations.values())

    def _all_followers(self) -> list[Follower]:
        with self._lock:
            return list(self._followers)

    def _tick_forever(self) -> None:
        chores_at = 0.0
        while not self._closing.is_set():
            self._attempt(self._flush)
            if time.monotonic() >= chores_at:
                chores_at = time.monotonic() + CHORE_SECONDS
                for chore in self._chores:
                    self._attempt(chore)
            self._closing.wait(TICK_SECONDS)

    def _attempt(self, step: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            step()
        except SQLAlchemyError:  # the database may come back; nothing is forgotten until it was written
            self._trouble_at = time.monotonic()
            if self._trouble_at - self._complained_at > COMPLAINT_SECONDS:  # the disk may be full: no flood of lines
                self._complained_at = self._trouble_at
                logger.exception("the answers' housekeeping failed")
        else:
            if time.monotonic() - began > SLOW_SECONDS:
                self._trouble_at = time.monotonic()

    def _running(self) -> list[Generation]:
        return [generation for generation in self._all() if generation.is_running]

    def _flush(self) -> None:
        running = self._running()
        if any(generation.log.length > generation.flushed for generation in running):
            self.store.flush(running)
        if running:
            for message_id in self.store.wanted_stops():
                self.stop(message_id)

    def _renew(self) -> None:
        """Hold the leases; what was taken from us while we slept (a closed laptop) ends as everybody was told it did."""
        running = self._running()
        kept = running + self._unsaved()
        if not kept:
            return
        held = self.store.renew([generation.job.message_id for generation in kept])
        for generation in running:
            if generation.job.message_id not in held and not generation.finishing:
                generation.interrupt()
                self._leave_queue(generation)

    def _unsaved(self) -> list[Generation]:
        return [generation for generation in self._all() if generation.unsaved and not generation.is_running]

    def _save_late(self) -> None:
        """Save the ends that the database did not take when they came; until then memory has the text."""
        for generation in self._unsaved():
            if not generation.save_late():
                return
            with self._lock:
                self._ended_at[generation.job.message_id] = time.monotonic()

    def _interrupt_expired(self) -> None:
        """End what dead processes left. After trouble with the database, wait: the living could not renew their leases either."""
        if time.monotonic() - self._trouble_at > LEASE.total_seconds():
            self.store.interrupt_expired()

    def _close_ended_sessions(self) -> None:
        """Close what belongs to sessions that another process ended."""
        followed = {follower.session_id for follower in self._all_followers()}
        if followed:
            self.close_sessions(followed - self.store.living_sessions(followed))

    def _let_go(self) -> None:
        """Forget answers that ended a while ago; whoever asks later is served from the database."""
        self._forget(time.monotonic() - KEEP_ENDED_SECONDS)

    def forget_all(self) -> None:
        """Forget every answer that has ended."""
        self._forget(time.monotonic())

    def _forget(self, ended_before: float) -> None:
        with self._lock:
            for message_id, ended_at in list(self._ended_at.items()):
                if ended_at <= ended_before:
                    del self._ended_at[message_id], self._generations[message_id]

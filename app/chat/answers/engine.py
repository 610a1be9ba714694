"""All answers of this process: starts them, finds them, flushes them, and lets go of them."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from app.chat.answers.admission import Admission, Ticket
from app.chat.answers.bus import Bus, NoBus
from app.chat.answers.following import Follower, Source, StoredAnswer
from app.chat.answers.generation import AnswerJob, Generation
from app.chat.answers.log import AnswerLog
from app.chat.answers.store import LEASE, AnswerStore
from app.chat.providers.base import Provider
from app.errors import Unavailable

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.2  # with the commit itself, no character waits longer than 250 ms for the disk
CHORE_SECONDS = 0.6  # so that what a dead process left is marked within five seconds, lease included
KEEP_ENDED_SECONDS = 30.0
MAX_FOLLOWERS = 20  # connections of one browser; more than it opens by itself to one server
SLOW_SECONDS = 1.0  # whatever takes longer waited for the database
COMPLAINT_SECONDS = 10.0


class Attendant:
    """Work beside the answers that a serving process does as well; each of these may do nothing."""

    def begin(self) -> None:
        """Begin: the process serves from now on."""

    def answer_began(self) -> None:
        """Note that somebody wants an answer."""

    def answer_ended(self, generation: Generation) -> None:
        """Note that an answer has ended and is saved."""

    def close(self) -> None:
        """Stop: the process ends."""


class AnswerEngine:
    """The answers that this process makes, and the connections that follow them."""

    def __init__(self, store: AnswerStore, admission: Admission, bus: Bus | None = None) -> None:
        self.store = store
        self._bus = bus or NoBus()
        self._admission = admission
        self._generations: dict[UUID, Generation] = {}
        self._tickets: dict[UUID, Ticket] = {}
        self._ended_at: dict[UUID, float] = {}
        self._followers: dict[Follower, None] = {}  # the oldest first
        self._lock = threading.Lock()
        self._ticker: threading.Thread | None = None
        self._closing = threading.Event()
        self._refusing = False
        self._closed = False
        self.attendants: list[Attendant] = []
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
                self._bus.open(self)
                for attendant in self.attendants:
                    attendant.begin()

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
        for attendant in self.attendants:
            attendant.close()
        for generation in self._running():
            generation.interrupt()
            self._leave_queue(generation)
        for generation in self._running():
            generation.log.wait_for_end()
        for follower in self._all_followers():
            if not follower.is_at_end:  # another process goes on with it, and the next server will know
                follower.close()
        self._attempt(self._save_late)
        if self._ticker and not self._closed:
            self._ticker.join()
            self.store.close()
        if not self._closed:
            self._bus.close()
            self._admission.close()
        self._closed = True

    def running_count(self) -> int:
        """Give how many answers this process is making."""
        return len(self._running())

    def check_open(self, user_id: UUID) -> None:
        """Raise Unavailable when the process is about to end, and TooManyRequests when the user's line is full."""
        self._check_not_refusing()
        self._admission.check_line(user_id)

    def _check_not_refusing(self) -> None:
        if self._refusing:
            raise Unavailable("The server is being restarted. Please try again in a moment.", retry_after=5)

    def start(self, job: AnswerJob, provider: Provider) -> Generation:
        """Begin an answer in the background and give it."""
        generation = Generation(job, provider, self.store)
        ticket = Ticket(provider.name, job.user_id, lambda: self._begin(generation), generation.wait_in_line)
        with self._lock:
            self._check_not_refusing()
            self._generations[job.message_id] = generation
            self._tickets[job.message_id] = ticket
        for attendant in self.attendants:
            attendant.answer_began()
        self._admission.enter(ticket)
        return generation

    def _begin(self, generation: Generation) -> None:
        name = f"answer {generation.job.message_id}"
        try:
            threading.Thread(target=self._run, args=(generation, generation.run), name=name, daemon=True).start()
        except RuntimeError:  # no more threads to be had
            logger.exception("%s could not begin", name)
            self._run(generation, lambda: generation.end(Unavailable(retry_after=5)))

    def _run(self, generation: Generation, work: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            work()
        finally:
            now = time.monotonic()
            with self._lock:
                self._ended_at[generation.job.message_id] = now
                ticket = self._tickets.pop(generation.job.message_id)
            self._admission.leave(ticket, now - began)
            for attendant in self.attendants:
                attendant.answer_ended(generation)

    def find(self, message_id: UUID) -> Generation | None:
        """Give the answer if this process makes it or made it a moment ago."""
        return self._generations.get(message_id)

    def find_log(self, message_id: UUID) -> AnswerLog | None:
        """Give the text of an answer that this process makes or made a moment ago."""
        generation = self.find(message_id)
        return generation.log if generation else None

    def stop(self, message_id: UUID) -> str | None:
        """End an answer of this process and wait until it has ended; gives its status.

        Where another process makes it, that one is asked, and this gives None.
        """
        generation = self.find(message_id)
        if generation is None:
            self._bus.ask_stop(message_id)
            return None
        self._stop(generation)
        return generation.log.wait_for_end().status

    def _stop(self, generation: Generation) -> None:
        generation.stop()
        self._leave_queue(generation)

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
        if generation:
            yield from self._follow(generation.log, start, session_id, position, sock)
            return
        line = self._bus.follow(message_id, position)
        try:
            source = StoredAnswer(self.store, line, self._bus)
            yield from self._follow(source, start, session_id, position, None)
        finally:
            self._bus.hang_up(line)

    def _follow(
        self, source: Source, start: dict[str, Any], session_id: UUID, position: int, sock: Any
    ) -> Iterator[bytes]:
        follower = Follower(source, start, session_id, position, sock)
        with self._lock:
            self._followers[follower] = None
            same = [one for one in self._followers if one.session_id == session_id]
        for one in same[:-MAX_FOLLOWERS]:
            one.close()
        try:
            yield from follower.frames()
        finally:
            with self._lock:
                del self._followers[follower]

    def end_sessions(self, session_ids: set[UUID]) -> None:
        """End every connection of these signed-in browsers, to whichever process."""
        self.close_sessions(session_ids)
        self._bus.tell_sessions_ended(session_ids)

    def close_sessions(self, session_ids: set[UUID]) -> None:
        """End every connection of these signed-in browsers to this process."""
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
        """Do a step of the housekeeping. A border that may catch everything: without it no answer would be written any more."""
        began = time.monotonic()
        try:
            step()
        except Exception:  # the database may come back; nothing is forgotten until it was written
            self._trouble_at = time.monotonic()
            if self._trouble_at - self._complained_at > COMPLAINT_SECONDS:  # the disk may be full: no flood of lines
                self._complained_at = self._trouble_at
                logger.exception("the answers' housekeeping failed")
        else:
            if time.monotonic() - began > SLOW_SECONDS:
                self._trouble_at = time.monotonic()

    def _running(self) -> list[Generation]:
        return [generation for generation in self._all() if generation.is_running]

    def _held(self) -> list[Generation]:
        """Give the answers whose rows this process still has to write."""
        return [generation for generation in self._all() if generation.is_running or generation.unsaved]

    def _flush(self) -> None:
        running = self._running()
        if any(generation.log.length > generation.flushed for generation in running):
            self.store.flush(running)
        if running:
            for message_id in self.store.wanted_stops():
                if generation := self.find(message_id):
                    self._stop(generation)

    def _renew(self) -> None:
        """Hold the leases; what was taken from us while we slept (a closed laptop) ends as everybody was told it did."""
        ours = self._held()
        if not ours:
            return
        renewed = self.store.renew([generation.job.message_id for generation in ours])
        for generation in ours:
            if generation.job.message_id not in renewed and generation.is_running and not generation.finishing:
                generation.interrupt()
                self._leave_queue(generation)

    def _save_late(self) -> None:
        """Save what could not be saved when it ended; until then memory has the text."""
        for generation in self._all():
            self._attempt(generation.save_late)

    def _interrupt_expired(self) -> None:
        """End what dead processes left. After trouble with the database, wait: the living could not renew their leases either."""
        if time.monotonic() - self._trouble_at > LEASE.total_seconds():
            self.store.interrupt_expired([generation.job.message_id for generation in self._held()])

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
                if ended_at <= ended_before and not self._generations[message_id].unsaved:
                    del self._ended_at[message_id], self._generations[message_id]

"""The bus over a Valkey or Redis server: messages alone, nothing is stored there.

Each process listens on a channel of its own and on one for everybody. Whoever follows an answer of another process says so, with the
position it wants to hear from, and says it again every second; the process that makes the answer then sends it what was said since, at
most forty times a second, all answers in one round trip. So an answer that nobody follows from elsewhere costs nothing, a message that
got lost is asked for again within a second, and after a restart of the server everything goes on by itself.

Streams (XADD) would keep the text a second time: every answer would have to be written there, followed or not, and trimmed, only to
say what the database holds 250 ms later.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec
from msgspec import Struct
from redis.exceptions import RedisError

from app.chat.answers.bus import Answering, Line
from app.chat.answers.log import Delta, Kind, Queued
from app.database import new_id
from app.valkey import connect

logger = logging.getLogger(__name__)
SEND_SECONDS = 0.025
BEAT_SECONDS = 1.0
LISTEN_SECONDS = 0.5
SILENCE_SECONDS = 3.0  # our own beats did not come back: the connection is dead, whatever the socket says
RETRY_SECONDS = 0.5
WISH_SECONDS = 5.0
MAX_OUTBOX = 10_000


class Beat(Struct, tag=True, array_like=True):
    """To itself: the bus works."""


class Follow(Struct, tag=True, array_like=True):
    """To everybody: whoever makes this answer, tell that process what is said after a position."""

    message_id: UUID
    position: int
    process: UUID


class Said(Struct, tag=True, array_like=True):
    """A stretch of an answer, see `Delta`."""

    message_id: UUID
    kind: Kind
    text: str
    end: int


class Waits(Struct, tag=True, array_like=True):
    """An answer's place in the queue, see `Queued`."""

    message_id: UUID
    place: int
    wait_seconds: int


class Ended(Struct, tag=True, array_like=True):
    """An answer's end is in the database."""

    message_id: UUID


class Stop(Struct, tag=True, array_like=True):
    """To everybody: whoever makes this answer, end it."""

    message_id: UUID


class SessionsEnded(Struct, tag=True, array_like=True):
    """To everybody: close what belongs to these signed-in browsers."""

    session_ids: list[UUID]


Message = Beat | Follow | Said | Waits | Ended | Stop | SessionsEnded
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


class Wish:
    """What another process wants to hear of an answer of this one: everything after `position`, until `until`."""

    def __init__(self, position: int, until: float) -> None:
        self.position = position
        self.until = until
        self.queued: Queued | None = None

    def renew(self, position: int, until: float) -> None:
        """Go back to what was lost on the way, if something was."""
        self.position = min(self.position, position)
        self.until = until


class ValkeyBus:
    """The bus of one process: one thread (or greenlet) that says, one that listens."""

    def __init__(self, url: str, prefix: str) -> None:
        self.is_up = False
        self._client = connect(url)
        self._prefix = prefix
        self._process = new_id()
        self._everybody = f"{prefix}everybody"
        self._engine: Answering | None = None
        self._lines: dict[UUID, set[Line]] = {}
        self._wishes: dict[tuple[UUID, UUID], Wish] = {}
        self._outbox: deque[tuple[str, Message]] = deque(maxlen=MAX_OUTBOX)
        self._was_reported = False
        self._beat_at = 0.0
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._work = threading.Event()
        self._closing = threading.Event()

    def open(self, engine: Answering) -> None:
        """Begin to listen on behalf of this process; does nothing the second time."""
        self._engine = engine
        self._ensure("bus listener", self._listen_forever)
        self._ensure("bus sender", self._send_forever)

    def close(self) -> None:
        """Say what is left to be said, and fall silent."""
        self._closing.set()
        self._work.set()
        for thread in list(self._threads.values()):
            thread.join()
        self._client.close()

    def follow(self, message_id: UUID, position: int) -> Line:
        """Listen to an answer of another process from a position."""
        line = Line(message_id, position, self._ask)
        with self._lock:
            self._lines.setdefault(message_id, set()).add(line)
        self._ask(line)
        return line

    def hang_up(self, line: Line) -> None:
        """Stop listening; the other process notices when it isn't asked again."""
        with self._lock:
            lines = self._lines[line.message_id]
            lines.discard(line)
            if not lines:
                del self._lines[line.message_id]

    def ask_stop(self, message_id: UUID) -> None:
        """Ask whoever makes an answer to end it."""
        self._post(self._everybody, Stop(message_id))

    def tell_sessions_ended(self, session_ids: Iterable[UUID]) -> None:
        """Let the other processes close what belongs to these signed-in browsers."""
        self._post(self._everybody, SessionsEnded(list(session_ids)))

    def _ask(self, line: Line) -> None:
        position = line.position
        if position is not None:
            self._post(self._everybody, Follow(line.message_id, position, self._process))

    def _post(self, channel: str, message: Message) -> None:
        """Leave a message to the sender. It is not kept for long: what matters is in the database."""
        self._outbox.append((channel, message))
        self._work.set()
        self._ensure("bus sender", self._send_forever)

    def _ensure(self, name: str, target: Callable[[], None]) -> None:
        with self._lock:
            is_there = name in self._threads and self._threads[name].is_alive()
            if not is_there and not self._closing.is_set():
                self._threads[name] = threading.Thread(target=target, name=name, daemon=True)
                self._threads[name].start()

    def _channel(self, process: UUID) -> str:
        return f"{self._prefix}process:{process}"

    # The saying half.

    def _send_forever(self) -> None:
        while not self._closing.is_set():
            self._work.wait(SEND_SECONDS if self._wishes else BEAT_SECONDS / 2)
            self._work.clear()
            if not self._attempt(self._send):
                self._closing.wait(RETRY_SECONDS)
        self._attempt(self._send)

    def _attempt(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except RedisError:  # it may come back; meanwhile the database has it all
            return False
        return True

    def _send(self) -> None:
        """Say in one round trip what there is to say: messages of this process, and news of its answers."""
        if time.monotonic() >= self._beat_at:
            self._beat()
        mail: dict[str, list[Message]] = defaultdict(list)
        while self._outbox:
            channel, message = self._outbox.popleft()
            mail[channel].append(message)
        told = [done for key, wish in self._all_wishes() if (done := self._tell(key, wish, mail))]
        if mail:
            with self._client.pipeline(transaction=False) as pipeline:
                for channel, messages in mail.items():
                    pipeline.publish(channel, _encode(messages))
                pipeline.execute()
        for done in told:
            done()

    def _beat(self) -> None:
        """Ask again for what is followed here, and see whether the bus carries our own voice."""
        self._beat_at = time.monotonic() + BEAT_SECONDS
        if self._engine:
            self._outbox.append((self._channel(self._process), Beat()))
        for line in self._all_lines():
            self._ask(line)

    def _all_wishes(self) -> list[tuple[tuple[UUID, UUID], Wish]]:
        with self._lock:
            return list(self._wishes.items())

    def _all_lines(self) -> list[Line]:
        with self._lock:
            return [line for lines in self._lines.values() for line in lines]

    def _tell(self, key: tuple[UUID, UUID], wish: Wish, mail: dict[str, list[Message]]) -> Callable[[], None] | None:
        """Add what is new in an answer to the mail; gives what is to be noted once it was sent."""
        message_id, process = key
        log = self._engine.find_log(message_id) if self._engine else None
        if log is None or wish.until < time.monotonic():
            self._forget(key)
            return None
        before, queued, ended = wish.position, log.queued, log.outcome  # the end first: then all text is there
        news: list[Message] = [Said(message_id, d.kind, d.text, d.end) for d in log.after(before)]
        after = news[-1].end if news and isinstance(news[-1], Said) else before
        if queued and queued != wish.queued:
            news.append(Waits(message_id, queued.place, queued.wait_seconds))
        if ended:
            news.append(Ended(message_id))
        if not news:
            return None
        mail[self._channel(process)] += news

        def note() -> None:
            wish.queued = queued
            if wish.position == before:  # it was not asked to go back meanwhile
                wish.position = after
            if ended:
                self._forget(key)

        return note

    def _forget(self, key: tuple[UUID, UUID]) -> None:
        with self._lock:
            self._wishes.pop(key, None)

    # The listening half.

    def _listen_forever(self) -> None:
        while not self._closing.is_set():
            self._attempt(self._listen)
            if not self._closing.is_set():
                self._report_away()
                self._closing.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Hear until the connection fails or is silent for too long."""
        with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(self._everybody, self._channel(self._process))
            self._beat_at = 0.0
            self._work.set()
            heard_at = time.monotonic()
            while not self._closing.is_set() and time.monotonic() - heard_at < SILENCE_SECONDS:
                packet = pubsub.get_message(timeout=LISTEN_SECONDS)
                if packet:
                    heard_at = time.monotonic()
                    self._hear(packet["data"])

    def _report_away(self) -> None:
        if self.is_up or not self._was_reported:
            logger.warning("REDIS_URL does not answer: other processes' answers come from the database, a little later")
        self._was_reported = True
        self.is_up = False
        for line in self._all_lines():
            line.look()

    def _hear(self, packet: bytes) -> None:
        if not self.is_up:
            self.is_up = True
            logger.info("REDIS_URL answers")
        try:
            messages = _decode(packet)
        except msgspec.DecodeError:  # another version of the application, for as long as an update takes
            logger.warning("another process said something that this one does not understand")
            return
        for message in messages:
            self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case Said(message_id, kind, text, end):
                for line in self._lines_of(message_id):
                    line.hear(Delta(kind, text, end))
            case Waits(message_id, place, wait_seconds):
                for line in self._lines_of(message_id):
                    line.move(Queued(place, wait_seconds))
            case Ended(message_id):
                for line in self._lines_of(message_id):
                    line.look()
            case Follow() | Stop() | SessionsEnded():
                self._obey(message)

    def _lines_of(self, message_id: UUID) -> list[Line]:
        with self._lock:
            return list(self._lines.get(message_id, ()))

    def _obey(self, message: Follow | Stop | SessionsEnded) -> None:
        engine = self._engine
        if engine is None:
            return
        match message:
            case SessionsEnded(session_ids):
                engine.close_sessions(set(session_ids))
            case Stop(message_id) if engine.find_log(message_id):
                # It waits for the answer's end, and others are to be heard meanwhile.
                threading.Thread(target=engine.stop, args=(message_id,), name="stop", daemon=True).start()
            case Follow(message_id, position, process) if engine.find_log(message_id):
                self._note_wish((message_id, process), position)

    def _note_wish(self, key: tuple[UUID, UUID], position: int) -> None:
        until = time.monotonic() + WISH_SECONDS
        with self._lock:
            self._wishes.setdefault(key, Wish(position, until)).renew(position, until)
        self._work.set()

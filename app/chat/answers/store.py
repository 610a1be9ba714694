"""The durable side of running answers: chunks, ends, leases. The only writer of a running answer's rows.

Everything runs in native threads with an engine of its own: one for all writes, so that a flush can't overtake the end of its answer,
and two for reads, which go on while a write waits for the database. A commit that waits for the disk never holds the event loop.
`synchronous=FULL`: what was flushed survives a power loss.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import convert
from sqlalchemy import (
    ColumnElement,
    Connection,
    TextClause,
    Uuid,
    bindparam,
    create_engine,
    delete,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.chat.answers.log import AnswerLog, Delta, Kind, Outcome, cut
from app.clock import utcnow
from app.concurrency import NativePool
from app.database import engine_options, new_id, prepare_engine
from app.models.conversation import Conversation
from app.models.login_session import LoginSession
from app.models.message import IS_RUNNING, AnswerChunk, Message
from app.models.user import User

if TYPE_CHECKING:
    from app.chat.answers.generation import Generation

R = TypeVar("R")
LEASE = timedelta(seconds=4)
RELEASED = {"lease_owner": None, "lease_expires_at": None}
READING_THREADS = 2
MARKING_PATIENCE = 0.1  # whoever waited longer for the lock would be told before the owner could renew
# The rows of a flush, unpacked from JSON where they are written.
PIECES = {
    "sqlite": (
        "SELECT json_extract(value, '$[0]') AS answer, json_extract(value, '$[1]') AS start, "
        "json_extract(value, '$[2]') AS kind, json_extract(value, '$[3]') AS said FROM json_each(:pieces)"
    ),
    "postgresql": (
        "SELECT CAST(value->>0 AS uuid) AS answer, CAST(value->>1 AS integer) AS start, "
        "value->>2 AS kind, value->>3 AS said FROM json_array_elements(CAST(:pieces AS json))"
    ),
}
COLUMNS: dict[Kind, str] = {
    "content": "content",
    "thinking": "reasoning",
    "tools": "tool_lines",
}  # where it is folded to
INTERRUPTED = "The answer was cut off because the server stopped."


class AnswerStore:
    """Writes for the answers that this process makes, and reads for those that others make."""

    def __init__(self, url: str) -> None:
        self.owner = new_id()
        self._url = url
        self._writer = NativePool(1)
        self._reader = NativePool(READING_THREADS)
        self._is_unsure = False  # whether the last flush was written is not known: the connection broke

    @cached_property
    def _engine(self) -> Any:
        engine = create_engine(self._url, pool_size=1 + READING_THREADS, max_overflow=0, **engine_options(self._url))
        prepare_engine(engine, synchronous="FULL")
        return engine

    def _run(self, work: Callable[[Connection], R], *, reads: bool = False) -> R:
        """Do the work in one transaction, in the native thread that writes or in one of those that read."""

        def transaction() -> R:
            with self._engine.begin() as connection:
                return work(connection)

        return (self._reader if reads else self._writer).run(transaction)

    def transact(self, work: Callable[[Connection], R]) -> R:
        """Do the work in one transaction, in the native thread that writes."""
        return self._run(work)

    def close(self) -> None:
        """Let go of the database."""
        self._writer.run(self._engine.dispose)

    def lease(self) -> dict[str, Any]:
        """Give the columns that say: this process makes the answer, for the next four seconds at least."""
        return {"lease_owner": self.owner, "lease_expires_at": utcnow() + LEASE}

    def flush(self, generations: Iterable[Generation]) -> None:
        """Append what these running answers said since the last flush."""

        def work(connection: Connection) -> list[tuple[Generation, int]]:
            live = [generation for generation in generations if not generation.finishing]
            news = [(g, g.log.after(g.flushed)) for g in live if g.log.length > g.flushed]
            if self._is_unsure:
                _take_back(connection, live)
            if news:
                self._append(connection, news)
            return [(generation, deltas[-1].end) for generation, deltas in news]

        try:
            written = self._run(work)
        except SQLAlchemyError:
            self._is_unsure = True
            raise
        self._is_unsure = False
        for generation, end in written:
            generation.flushed = end

    def _append(self, connection: Connection, news: list[tuple[Generation, list[Delta]]]) -> None:
        """Write chunks for the answers that are still this process's to write; what is deleted or taken over is left alone.

        All by one statement: one for each would hand Python's lock to and fro with the event loop as often, and every token would wait.
        """
        rows = [(g.job.message_id.hex, d.start, d.kind, d.text) for g, deltas in news for d in deltas]
        values = {"pieces": msgspec.json.encode(rows).decode(), "owner": self.owner}
        connection.execute(_append_statement(connection.dialect.name), values)
        if begun := [generation.job.message_id for generation, _ in news if generation.flushed == 0]:
            connection.execute(
                update(Message).where(Message.id.in_(begun), *self._is_mine()).values(status="streaming")
            )

    def _is_mine(self) -> tuple[ColumnElement[bool] | TextClause, ...]:
        return Message.lease_owner == self.owner, IS_RUNNING

    def finish(self, generation: Generation, outcome: Outcome) -> None:
        """Fold the answer into its message, with its end; also where it was called interrupted while this process slept."""
        message_id = generation.job.message_id
        ending = {"status": outcome.status, "end_reason": outcome.reason, **outcome.usage}
        ending |= {"error": outcome.error, "error_code": outcome.code}
        mine = (Message.id == message_id, or_(Message.lease_owner == self.owner, Message.status == "interrupted"))

        def work(connection: Connection) -> None:
            generation.finishing = True  # from here on a flush would write what the message holds already
            if _end_message(connection, mine, {**_folded(generation.log), **ending}):
                connection.execute(delete(AnswerChunk).where(AnswerChunk.message_id == message_id))

        self._run(work)

    def discard(self, message_id: UUID) -> None:
        """Remove an answer of which nothing was said."""
        self._run(lambda connection: connection.execute(delete(Message).where(Message.id == message_id)))

    def renew(self, message_ids: list[UUID]) -> set[UUID]:
        """Hold the leases of these answers for another four seconds; gives those that go on.

        Those do not that another process took over, that were deleted, or whose person was suspended.
        """
        suspended = select(Conversation.id).join(User, User.id == Conversation.user_id).where(~User.active)
        mine = (Message.id.in_(message_ids), *self._is_mine(), Message.conversation_id.not_in(suspended))
        renewed = update(Message).where(*mine).values(**self.lease())

        def work(connection: Connection) -> set[UUID]:
            # Nearly always all of them; then no row is fetched, each of which would be a quarrel with the event loop.
            if connection.execute(renewed).rowcount == len(message_ids):
                return set(message_ids)
            return set(connection.scalars(select(Message.id).where(*mine)))

        return self._run(work)

    def interrupt_expired(self, alive: Collection[UUID]) -> None:
        """End the answers whose process is gone, with all that had been flushed. Safe to run in many processes at once.

        `alive` are those of this process, whatever became of their leases.
        """
        expired = (IS_RUNNING, or_(Message.lease_expires_at < utcnow(), Message.lease_expires_at.is_(None)))
        ending = {"status": "interrupted", "error": INTERRUPTED, "error_code": "interrupted", **RELEASED}

        def work(connection: Connection) -> None:
            dead = set(connection.scalars(select(Message.id).where(*expired))).difference(alive)
            if not dead:
                return
            claimed = update(Message).where(Message.id.in_(dead), *expired).values(ending).returning(Message.id)
            claimed = claimed.execution_options(lock_patience=MARKING_PATIENCE)
            for message_id in connection.scalars(claimed).all():
                text = _folded(_log_of(_chunks(connection, message_id)))
                connection.execute(update(Message).where(Message.id == message_id).values(text))
                connection.execute(delete(AnswerChunk).where(AnswerChunk.message_id == message_id))

        self._run(work)

    def wanted_stops(self) -> set[UUID]:
        """Give the answers of this process that another process was asked to stop."""
        wanted = select(Message.id).where(*self._is_mine(), Message.stop_requested)
        return self._run(lambda connection: set(connection.scalars(wanted)), reads=True)

    def living_sessions(self, session_ids: set[UUID]) -> set[UUID]:
        """Give those of the signed-in browsers that still are."""
        living = (
            select(LoginSession.id)
            .join(LoginSession.user)
            .where(LoginSession.id.in_(session_ids), LoginSession.expires_at > utcnow(), User.active)
        )
        return self._run(lambda connection: set(connection.scalars(living)), reads=True)

    def read(self, message_id: UUID, position: int, most: int) -> tuple[list[Delta], Outcome | None]:
        """Give about `most` characters after a position of an answer that any process makes, and the end, if they reach to it."""

        def work(connection: Connection) -> tuple[list[Delta], Outcome | None]:
            message = Session(connection).get(Message, message_id)
            if message is None:
                return [], Outcome("failed", 0, {}, "This answer is not there any more.", "not_found")
            if message.is_running:
                return _first(_chunks(connection, message_id, position), position + most), None
            said, outcome = unfold(message), outcome_of(message)
            news = _first(cut(said, position), position + most)
            return news, outcome if not news or news[-1].end == outcome.length else None

        return self._run(work, reads=True)


def _first(deltas: list[Delta], position: int) -> list[Delta]:
    """Give what begins before a position."""
    return [delta for delta in deltas if delta.start < position]


@cache
def _append_statement(dialect: str) -> TextClause:
    statement = text(
        "INSERT INTO answer_chunk (message_id, start, kind, text) "  # noqa: S608  # constants
        f"SELECT answer, start, kind, said FROM ({PIECES[dialect]}) AS piece "
        f"JOIN message ON message.id = answer WHERE message.lease_owner = :owner AND {IS_RUNNING}"
    )
    return statement.bindparams(bindparam("owner", type_=Uuid))


def _take_back(connection: Connection, generations: list[Generation]) -> None:
    """Remove what a flush may have written of which we never heard; it is written again."""
    for generation in generations:
        unsure = (AnswerChunk.message_id == generation.job.message_id, AnswerChunk.start >= generation.flushed)
        connection.execute(delete(AnswerChunk).where(*unsure))


def _end_message(
    connection: Connection, conditions: tuple[ColumnElement[bool] | TextClause, ...], values: dict[str, Any]
) -> bool:
    ended = update(Message).where(*conditions).values(**values, **RELEASED).returning(Message.id)
    return connection.execute(ended).first() is not None


def _chunks(connection: Connection, message_id: UUID, position: int = 0) -> list[Delta]:
    """Give the chunks that reach beyond a position; the one that contains it may start before."""
    started = select(AnswerChunk.start).where(AnswerChunk.message_id == message_id, AnswerChunk.start <= position)
    first = connection.scalar(started.order_by(AnswerChunk.start.desc()).limit(1)) or 0
    query = select(AnswerChunk).where(AnswerChunk.message_id == message_id, AnswerChunk.start >= first)
    rows = connection.execute(query.order_by(AnswerChunk.start))
    return [Delta(_kind(row.kind), row.text, row.start + len(row.text)) for row in rows]


def _kind(name: str) -> Kind:
    kind: Kind = convert(name, Kind)
    return kind


def _log_of(deltas: list[Delta]) -> AnswerLog:
    log = AnswerLog()
    for delta in deltas:
        log.append(delta.kind, delta.text)
    return log


def _folded(log: AnswerLog) -> dict[str, Any]:
    text = {column: log.text(kind) for kind, column in COLUMNS.items()}
    return {**text, "runs": log.runs()}


def unfold(message: Message) -> list[Delta]:
    """Give an ended answer's text in the order in which it was said."""
    rest = {kind: getattr(message, column) for kind, column in COLUMNS.items()}
    deltas: list[Delta] = []
    end = 0
    for name, size in message.runs or []:
        kind = _kind(name)
        end += size
        deltas.append(Delta(kind, rest[kind][:size], end))
        rest[kind] = rest[kind][size:]
    return deltas


def outcome_of(message: Message) -> Outcome:
    """Give the end of an answer from its row."""
    length = sum(len(getattr(message, column)) for column in COLUMNS.values())
    return Outcome(message.status, length, message.usage, message.error, message.error_code, message.end_reason)

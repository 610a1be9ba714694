"""The declarative base, column types, and how an engine must behave on SQLite.

SQLite allows one writer at a time. A statement that waits for the lock inside SQLite holds its whole thread, and under gevent that is
every stream of the process (0.43 s seen). So SQLite never waits here: before the first write of a transaction we ask for the lock
ourselves with `BEGIN IMMEDIATE`, and sleep cooperatively between the tries. Reads run outside a transaction, each on the newest state;
therefore no transaction ever starts on an old snapshot that SQLite would refuse to upgrade ("database is locked" without waiting).
A statement with the execution option `lock_patience` waits for so many seconds only.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid6 import uuid7

from app.clock import utcnow

LOCK_PATIENCE_SECONDS = 15.0
LOCK_RETRY_SECONDS = 0.005
PRIVATE = 0o600
READING = ("SELECT", "WITH", "PRAGMA", "EXPLAIN", "VACUUM", "ROLLBACK", "BEGIN")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every database; SQLite alone would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> UUID:
    """Give a UUIDv7: unguessable enough to show, sorted by time so that indexes stay local (RFC 9562, 5.7)."""
    return UUID(int=uuid7().int)


Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
Timestamp = Annotated[datetime, mapped_column(UTCDateTime, default=utcnow)]


class Base(DeclarativeBase):
    """All tables; constraints are named, so that migrations can drop them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: Mapping[Any, Any] = {datetime: UTCDateTime}


def engine_options(url: str) -> dict[str, Any]:
    """Give what an engine is made with: it logs no parameters, and notices that its server was away, or went without a word."""
    discreet = {"hide_parameters": True}  # what people write does not belong into a log
    if not url.startswith("postgresql"):
        return discreet
    silence = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
    return discreet | {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5, **silence}}


def prepare_engine(engine: Engine, *, synchronous: str = "NORMAL") -> None:
    """Give a SQLite engine the behaviour described above; leave every other engine as it is.

    `synchronous=FULL` makes a commit survive a power loss (0.35 ms here); with NORMAL a power loss may take back the newest commits.
    """
    if engine.dialect.name != "sqlite":
        return

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver shall begin nothing by itself
        for pragma in ("foreign_keys=ON", "busy_timeout=5000", f"synchronous={synchronous}"):
            connection.execute(f"PRAGMA {pragma}")
        _use_wal(connection)
        connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows ASCII alone

    event.listen(engine, "do_connect", _create_private_file)
    event.listen(engine, "connect", connected)
    event.listen(engine, "before_cursor_execute", _begin_before_first_write)


def _create_private_file(_dialect: object, _record: object, arguments: list[Any], _named: object) -> None:
    """Make a database that is not there yet, readable by its owner alone; SQLite would let everybody read it."""
    path = Path(arguments[0])
    if path.is_absolute() and path.parent.is_dir() and not path.exists():  # ":memory:" is no file
        path.touch(PRIVATE)


def _lower(text: str | None) -> str | None:
    return text.lower() if text is not None else None


def _use_wal(connection: sqlite3.Connection) -> None:
    # Asking costs nothing when the file is in WAL mode already; switching needs the file to itself for a moment.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        _insist(connection.cursor(), "PRAGMA journal_mode=WAL")


def _begin_before_first_write(
    _conn: object, cursor: sqlite3.Cursor, statement: str, _parameters: object, context: Any, _many: object
) -> None:
    if cursor.connection.in_transaction or statement.lstrip().upper().startswith(READING):
        return
    options = context.execution_options if context else {}
    begin_immediate(cursor, options.get("lock_patience", LOCK_PATIENCE_SECONDS))


def begin_immediate(cursor: sqlite3.Cursor, patience: float = LOCK_PATIENCE_SECONDS) -> None:
    """Take SQLite's write lock, waiting cooperatively; raises OperationalError when it stays taken for so many seconds."""
    _insist(cursor, "BEGIN IMMEDIATE", patience)


def _insist(cursor: sqlite3.Cursor, statement: str, patience: float = LOCK_PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        while not _try(cursor, statement, deadline):
            time.sleep(LOCK_RETRY_SECONDS)
    finally:
        cursor.execute("PRAGMA busy_timeout=5000")


def _try(cursor: sqlite3.Cursor, statement: str, deadline: float) -> bool:
    try:
        cursor.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise OperationalError(statement, None, error) from error
        return False
    return True

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app import database
from app.clock import utcnow
from app.database import Base, new_id, prepare_engine
from app.extensions import db
from app.models.login_session import LoginSession
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from tests.parallel import at_once

WRITER = """
    import sys
    from sqlalchemy import create_engine, text
    from app.database import prepare_engine

    engine = create_engine(sys.argv[1])
    prepare_engine(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS counter (number INTEGER)"))
        if connection.scalar(text("SELECT count(*) FROM counter")) == 0:
            connection.execute(text("INSERT INTO counter VALUES (0)"))
    for _ in range(50):
        with engine.begin() as connection:
            connection.scalar(text("SELECT number FROM counter"))  # a read before the write: the classic way to get stuck
            connection.execute(text("UPDATE counter SET number = number + 1"))
"""

TICKING_WRITER = """
    from gevent import monkey

    monkey.patch_all()
    import sys
    import time

    import gevent
    from sqlalchemy import create_engine, text
    from app.database import prepare_engine

    def tick():
        while True:
            print("tick", flush=True)
            time.sleep(0.001)

    engine = create_engine(sys.argv[1])
    prepare_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        gevent.spawn(tick)
        print("writing", flush=True)
        connection.execute(text("INSERT INTO counter VALUES (1)"))
        connection.commit()
    print("written", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.db"


@pytest.fixture
def common_umask() -> Iterator[None]:
    """The one that lets everybody read what is made."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """An engine on a SQLite file of its own, whatever the suite runs on."""
    engine = create_engine(f"sqlite:///{path}")
    prepare_engine(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (number INTEGER)"))
    yield engine
    engine.dispose()


def start(script: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), f"sqlite:///{path}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_processes_that_write_at_once_never_see_a_locked_database(path: Path) -> None:
    processes = [start(WRITER, path) for _ in range(4)]
    outputs = [process.communicate()[0] for process in processes]

    assert outputs == [""] * 4
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT number FROM counter").fetchall() == [(200,)]


def test_threads_that_write_at_once_never_see_a_locked_database(app: Flask) -> None:
    with app.app_context():
        db.session.add(ThrottleBucket(key="k", tokens=0, updated_at=utcnow()))
        db.session.commit()

    def add() -> None:
        for _ in range(25):
            with app.app_context():
                db.session.scalar(select(ThrottleBucket.tokens))
                db.session.execute(db.update(ThrottleBucket).values(tokens=ThrottleBucket.tokens + 1))
                db.session.commit()

    at_once([add] * 4)

    with app.app_context():
        assert db.session.scalar(select(ThrottleBucket.tokens)) == 100


def test_who_waits_for_the_lock_does_not_hold_the_hub(engine: Engine, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with start(TICKING_WRITER, path) as process:
            assert process.stdout
            lines = iter(process.stdout.readline, "")
            assert "writing\n" in lines
            ticks = [next(lines) for _ in range(50)]  # all of them while we hold the lock
            holder.execute("COMMIT")
            rest = list(lines)
        assert ticks == ["tick\n"] * 50
        assert "written\n" in rest
        assert holder.execute("SELECT number FROM counter").fetchall() == [(1,)]


def test_waiting_has_an_end(engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_PATIENCE_SECONDS", 0.05)
    insert = text("INSERT INTO counter VALUES (1)")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder, engine.connect() as connection:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            connection.execute(insert)
        holder.execute("COMMIT")
        connection.rollback()
        connection.execute(insert)
        connection.commit()
        assert connection.scalar(text("PRAGMA busy_timeout")) == 5000


def test_what_was_read_before_somebody_else_wrote_is_no_obstacle(engine: Engine) -> None:
    count, insert = text("SELECT count(*) FROM counter"), text("INSERT INTO counter VALUES (1)")
    with engine.connect() as one, engine.connect() as two:
        assert one.scalar(count) == 0
        two.execute(insert)
        two.commit()
        one.execute(insert)
        one.commit()
        assert one.scalar(count) == 2


def test_a_transaction_is_whole_or_not_at_all(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO counter VALUES (1)"))
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
        connection.rollback()
        assert connection.scalar(text("SELECT count(*) FROM counter")) == 0
        assert connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'other'")) == 0


def test_a_savepoint_takes_back_only_its_own(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(ThrottleBucket(key="a", tokens=1, updated_at=utcnow()))
        session.flush()
        savepoint = session.begin_nested()
        session.add(ThrottleBucket(key="a", tokens=2, updated_at=utcnow()))
        with pytest.raises(IntegrityError):
            session.flush()
        savepoint.rollback()
        session.commit()
        assert session.scalars(select(ThrottleBucket.tokens)).all() == [1]


def test_sqlite_is_set_up(engine: Engine) -> None:
    with engine.connect() as connection:
        pragmas = {
            name: connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")
        }

    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1}


def test_the_file_is_private(common_umask: None, engine: Engine, path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO counter VALUES (1)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("file.db*")}

    assert modes == {"file.db": 0o600, "file.db-wal": 0o600, "file.db-shm": 0o600}


def test_no_file_is_made_for_a_database_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = create_engine("sqlite:///:memory:")
    prepare_engine(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT lower('ÉÇ')")) == "éç"
        assert connection.scalar(text("SELECT lower(NULL)")) is None
    engine.dispose()

    assert list(tmp_path.iterdir()) == []


def test_references_are_enforced(app: Flask) -> None:
    with app.app_context():
        db.session.add(LoginSession(user_id=new_id(), token_hash="x", method="link", expires_at=utcnow()))
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()


def test_times_are_aware_and_in_utc(app: Flask) -> None:
    here = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with app.app_context():
        user = User.create("ada@example.org")
        user.last_seen_at = here
        db.session.add(user)
        db.session.commit()
        db.session.expire_all()
        assert user.last_seen_at == here
        assert user.last_seen_at.tzinfo is UTC
        assert db.session.scalar(select(User.id).where(User.last_seen_at == here)) == user.id


def test_identifiers_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert {identifier.version for identifier in ids} == {7}

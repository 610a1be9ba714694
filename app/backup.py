"""Backups of the database while it is in use: made, verified, restored.

SQLite by its own backup interface, PostgreSQL by `pg_dump` and `pg_restore`, which understand every detail of it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from app.clock import utcnow

PRIVATE = 0o600


class BackupError(Exception):
    """A backup that could not be made or used; its text is one sentence for the administrator."""


def save(url: str, target: Path) -> int:
    """Write the database to a new private file, verify it, and give its size in bytes; raises BackupError."""
    if target.exists():
        raise BackupError(f"{target} exists already.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    partial.touch(PRIVATE)
    try:
        _by_kind(url, _save_sqlite, _save_postgresql)(make_url(url), partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def load(url: str, source: Path) -> None:
    """Replace the database by a verified backup; raises BackupError and changes nothing when the file is not a good one."""
    if not source.is_file():
        raise BackupError(f"{source} is not there.")
    _by_kind(url, _load_sqlite, _load_postgresql)(make_url(url), source)


def automatic_path(url: str, revision: str | None) -> Path:
    """Give where a backup before a migration goes: beside the SQLite file, or in instance/."""
    database = make_url(url)
    is_file = database.get_backend_name() == "sqlite" and database.database
    folder = Path(database.database or "").parent if is_file else Path("instance")
    suffix = "db" if is_file else "dump"
    return folder / "backups" / f"before-migration-{revision}-{utcnow():%Y%m%d-%H%M%S-%f}.{suffix}"


Work = Callable[[URL, Path], None]


def _by_kind(url: str, sqlite: Work, postgresql: Work) -> Work:
    kinds = {"sqlite": sqlite, "postgresql": postgresql}
    try:
        return kinds[make_url(url).get_backend_name()]
    except KeyError:
        raise BackupError("Only SQLite and PostgreSQL databases can be backed up.") from None


def _save_sqlite(url: URL, target: Path) -> None:
    with closing(sqlite3.connect(url.database or "")) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
    _verify_sqlite(target)


def _verify_sqlite(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path} is not a backup of this application ({error}).") from error
    if not sound:
        raise BackupError(f"{path} is damaged.")


def _load_sqlite(url: URL, source: Path) -> None:
    _verify_sqlite(source)
    with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(url.database or "", timeout=30)) as live:
        copy.backup(live)


def _save_postgresql(url: URL, target: Path) -> None:
    _run("pg_dump", url, "--format=custom", f"--file={target}")
    _run("pg_restore", None, "--list", str(target))


def _load_postgresql(url: URL, source: Path) -> None:
    _run("pg_restore", None, "--list", str(source))
    _run(
        "pg_restore",
        url,
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        "--exit-on-error",
        str(source),
    )


def _run(tool: str, url: URL | None, *arguments: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise BackupError(f"{tool} is not installed: install PostgreSQL's client programs (package postgresql-client).")
    environment = dict(os.environ)
    target = []
    if url is not None:
        environment["PGPASSWORD"] = url.password or ""  # not on the command line, where everybody can read it
        target = [f"--dbname={url.set(drivername='postgresql', password=None).render_as_string(hide_password=False)}"]
    command = [program, *target, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    if done.returncode:
        raise BackupError(
            f"{tool} failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}"
        )

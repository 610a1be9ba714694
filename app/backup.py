"""Backups of the database while it is in use: made, verified, restored.

SQLite by its own backup interface, PostgreSQL by `pg_dump`, `pg_restore` and `psql`, which understand every detail of it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import URL, make_url

from app.clock import utcnow

PRIVATE = 0o600
VERSION_TABLE = "alembic_version"
END_OF_ROWS = "\\."
# pg_restore's own --clean drops what the backup knows, and fails on tables that came after it.
DROP_ALL = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
    EXECUTE format('DROP TABLE %I CASCADE', name);
  END LOOP;
END $$
"""


class BackupError(Exception):
    """A backup that could not be made or used; its text is one sentence for the administrator."""


def exists(url: str) -> bool:
    """Tell whether there is a database to be saved; a server's always is."""
    path = _file_of(make_url(url))
    return path is None or path.is_file()


def save(url: str, target: Path) -> int:
    """Write the database to a new private file, verify it, and give its size in bytes; raises BackupError."""
    if not exists(url):
        raise BackupError("There is no database yet: flask db upgrade makes it.")
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


def check(url: str, source: Path, revisions: Collection[str]) -> None:
    """Raise BackupError unless the file is a sound backup for this kind of database, of one of these revisions."""
    if not source.is_file():
        raise BackupError(f"{source} is not there.")
    file = _file_of(make_url(url))
    if file is not None and file.exists() and source.samefile(file):  # it may go by several names
        raise BackupError(f"{source} is the database itself.")
    revision = _by_kind(url, _revision_of_sqlite, _revision_of_postgresql)(source)
    if revision not in revisions:
        raise BackupError(f"{source} is a backup of another version of this application ({revision or 'none'}).")


def load(url: str, source: Path) -> None:
    """Replace the database by a backup that `check` accepted; raises BackupError, and then changes nothing."""
    _by_kind(url, _load_sqlite, _load_postgresql)(make_url(url), source)


def automatic_path(url: str, occasion: str) -> Path:
    """Give where a backup goes that nobody asked for: beside the SQLite file, or in instance/."""
    file = _file_of(make_url(url))
    folder, suffix = (file.parent, "db") if file else (Path("instance"), "dump")
    return folder / "backups" / f"{occasion}-{utcnow():%Y%m%d-%H%M%S-%f}.{suffix}"


def _file_of(url: URL) -> Path | None:
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


Kind = TypeVar("Kind", bound=Callable[..., object])


def _by_kind(url: str, sqlite: Kind, postgresql: Kind) -> Kind:
    kinds = {"sqlite": sqlite, "postgresql": postgresql}
    try:
        return kinds[make_url(url).get_backend_name()]
    except KeyError:
        raise BackupError("Only SQLite and PostgreSQL databases can be backed up.") from None


def _save_sqlite(url: URL, target: Path) -> None:
    with closing(sqlite3.connect(url.database or "")) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
    _ask_sqlite(target, "SELECT 1")


def _revision_of_sqlite(source: Path) -> str:
    return _ask_sqlite(source, f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608  # a constant


def _ask_sqlite(path: Path, question: str) -> str:
    """Give the answer of a sound file; raises BackupError for any other file."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            row = copy.execute(question).fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path} is not a backup of this application ({error}).") from error
    if not sound:
        raise BackupError(f"{path} is damaged.")
    return str(row[0]) if row else ""


def _load_sqlite(url: URL, source: Path) -> None:
    target = Path(url.database or "")
    target.touch(PRIVATE)
    with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(target, timeout=30)) as live:
        copy.backup(live)


def _save_postgresql(url: URL, target: Path) -> None:
    _run("pg_dump", url, "--format=custom", f"--file={target}")
    _run("pg_restore", None, "--list", "--", str(target))


def _revision_of_postgresql(source: Path) -> str:
    rows = _run("pg_restore", None, "--data-only", f"--table={VERSION_TABLE}", "--file=-", "--", str(source))
    _, _, after = rows.partition(f"COPY public.{VERSION_TABLE} (version_num) FROM stdin;\n")
    first = after.partition("\n")[0]
    return "" if first == END_OF_ROWS else first


def _load_postgresql(url: URL, source: Path) -> None:
    with TemporaryDirectory() as folder:
        script = Path(folder, "restore.sql")
        _run("pg_restore", None, "--no-owner", "--no-privileges", f"--file={script}", "--", str(source))
        whole = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        _run("psql", url, *whole, f"--command={DROP_ALL}", f"--file={script}")


def _run(tool: str, url: URL | None, *arguments: str) -> str:
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
        reasons = done.stderr.strip().splitlines() or ["no reason given"]
        raise BackupError(f"{tool} failed: {' '.join(reasons[-2:])}")
    return done.stdout

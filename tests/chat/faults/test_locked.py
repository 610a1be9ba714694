"""Another process holds SQLite's write lock for ten seconds while answers stream."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.config import Settings
from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, numbers, question, text_of

pytestmark = pytest.mark.fault

LOCK_SECONDS = 10.0
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
print("released", flush=True)
"""


@pytest.fixture
def database(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:"):
        pytest.skip("only SQLite has one lock for all writers")
    return Path(settings.sqlalchemy_url.removeprefix("sqlite:///"))


@contextmanager
def locked(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold the lock; it lets go by itself."""
    command = [sys.executable, "-c", HOLD, str(database), str(LOCK_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        yield holder
        assert holder.wait(LOCK_SECONDS + 20) == 0


@pytest.mark.parametrize("flask_run", [False, True], ids=["gunicorn", "flask-run"])
def test_answers_go_on_while_the_database_is_locked(
    serve: Serve, browse: Browse, database: Path, flask_run: bool
) -> None:
    first = serve(flask_run=flask_run)
    earlier = list(browse(first).stream(question(["an ", "earlier ", "answer"])))[-1].data["message_id"]
    first.stop()  # so that the earlier answer is read from the database, and not from memory
    server, bystander = serve(flask_run=flask_run), serve()  # the other one must not take them for dead
    alice = browse(server)
    long, ending = numbers(500), numbers(150)  # fifteen seconds, and one that ends while the lock is held
    readers = [Reader(alice.stream(question(long, 30))) for _ in range(2)]
    short = Reader(alice.stream(question(ending, 30)))
    short.wait_for(30)

    assert browse(bystander).request("GET", "/api/models").status == 200
    with locked(database) as holder:
        began = time.monotonic()
        pages = 0
        while holder.poll() is None:
            assert alice.request("GET", "/api/conversations").status == 200
            assert text_of(list(alice.follow(earlier))[1:-1]) == "an earlier answer"
            pages += holder.poll() is None
            time.sleep(0.2)
        released = time.monotonic()

    assert pages >= 5, "reading the database needs no lock"
    for reader in readers:  # at full pace it would be 33 pieces a second
        assert reader.count_between(began, released) > 0.5 * 33 * (released - began)
    for reader, said in ((readers[0], long), (readers[1], long), (short, ending)):
        end = reader.join()
        assert end
        assert (end.name, end.data["status"], reader.text) == ("done", "complete", "".join(said))
        assert text_of(list(alice.follow(reader.message_id))[1:-1]) == "".join(said)

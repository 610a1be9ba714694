"""The disk is full in mid-answer: the readers get every word and an honest end, and nothing falls over."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, answer_of, numbers, question
from tests.serving import Browser
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

SIZE = "16m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own; mounting one is for root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def settings(base_settings: Settings, migrated_file: Path, disk: Path, tmp_path: Path) -> Settings:
    """An installation whose database lies on the small disk."""
    shutil.copy(migrated_file, disk / "app.db")
    return replace(base_settings, database_url=f"sqlite:///{disk}/app.db", models_dir=tmp_path / "models")


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (65536, 4096):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def empty(disk: Path) -> None:
    (disk / "filler").unlink()


def messages(browser: Browser) -> list[dict[str, object]]:
    newest = browser.request("GET", "/api/conversations").json()["conversations"][0]
    found: list[dict[str, object]] = browser.request("GET", f"/api/conversations/{newest['id']}").json()["messages"]
    return found


@pytest.mark.parametrize("flask_run", [False, True], ids=["gunicorn", "flask-run"])
def test_an_answer_outlives_a_full_disk(serve: Serve, browse: Browse, disk: Path, flask_run: bool) -> None:
    alice = browse(serve(flask_run=flask_run))
    said = numbers(1000)
    reader = Reader(alice.stream(question(said, 10)))
    reader.wait_for(200)

    fill(disk)
    reader.wait_for(1500)
    page = alice.request("GET", "/chat")
    asked = alice.call("POST", "/api/chat", {"message": "/fake {}"})
    empty(disk)

    assert page.status == 200, "reading needs no room"
    assert (asked.status, asked.json()["code"]) == (503, "unavailable")
    assert asked.headers["Retry-After"]
    end = reader.join()
    assert end
    assert (end.name, reader.text) == ("done", "".join(said))
    assert answer_of(messages(alice), reader.message_id)["content"] == "".join(said)


def test_an_answer_that_ends_on_a_full_disk_is_shown_whole_and_saved_later(
    serve: Serve, browse: Browse, disk: Path, log: Path
) -> None:
    alice = browse(serve())
    said = numbers(400)
    reader = Reader(alice.stream(question(said, 10)))
    reader.wait_for(200)

    fill(disk)
    end = reader.join()
    assert end
    assert (end.name, end.data["code"], reader.text) == ("error", "not_saved", "".join(said))
    again = Reader(alice.follow(reader.message_id))  # while it can't be saved, memory has it
    again.join()
    assert again.text == "".join(said)
    empty(disk)

    wait_until(lambda: answer_of(messages(alice), reader.message_id)["status"] == "complete")
    assert answer_of(messages(alice), reader.message_id)["content"] == "".join(said)
    assert log.read_text().count("Traceback") < 20, "a full disk is not filled with complaints"


def test_a_kill_on_a_full_disk_leaves_what_was_flushed(serve: Serve, browse: Browse, disk: Path) -> None:
    server = serve()
    alice = browse(server)
    said = numbers(1000)
    reader = Reader(alice.stream(question(said, 10)))
    reader.wait_for(500)
    flushed = len(reader.text) - 200  # two seconds ago

    fill(disk)
    reader.wait_for(1000)
    server.kill()
    empty(disk)
    server.start()

    wait_until(lambda: answer_of(messages(alice), reader.message_id)["status"] == "interrupted")
    kept = str(answer_of(messages(alice), reader.message_id)["content"])
    assert "".join(said).startswith(kept)
    assert len(kept) >= flushed

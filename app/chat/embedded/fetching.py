"""What the sources of a model share: how they report, and how they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct

from app.chat.embedded.catalogue import CatalogueEntry


class SourceError(Exception):
    """A source could not give the model; its text is a clause for a person."""


class Reporter(Protocol):
    """Shows a person how a download goes."""

    def say(self, line: str) -> None:
        """Show a line."""
        ...

    def advance(self, done_bytes: int) -> None:
        """Show how much of the model is here; called often."""
        ...


class Job(Struct, frozen=True):
    """One source's work: which model, into which unfinished file, which may hold a beginning from an earlier try."""

    entry: CatalogueEntry
    part: Path
    reporter: Reporter


def size_of(path: Path) -> int:
    """Give the size in bytes, 0 where there is no file."""
    return path.stat().st_size if path.exists() else 0

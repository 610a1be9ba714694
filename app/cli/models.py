"""`flask models`: the built-in models on disk. Needs the settings alone, no database."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app

from app.chat.embedded.catalogue import CATALOGUE, CatalogueEntry, get_entry
from app.chat.embedded.download import pull, remove
from app.chat.embedded.fetching import Reporter
from app.chat.embedded.installed import is_installed
from app.config import ConfigError, Settings
from app.errors import AppError
from app.extensions import get_settings

BAR_WIDTH = 30
BAR_SECONDS = 0.1
LINE_SECONDS = 10.0


@click.group("models")
def models() -> None:
    """List, get and remove the built-in models."""


@models.command("list")
def list_models() -> None:
    """List the built-in models and say which are installed."""
    with _told_in_a_sentence():
        settings = _settings()
    for entry in CATALOGUE:
        state = "installed" if is_installed(settings.models_dir, entry) else "-"
        chosen = " (EMBEDDED_MODEL)" if entry.name == settings.embedded_model else ""
        size = f"{entry.size_bytes / 1e6:,.0f} MB"
        click.echo(f"{entry.name:20} {state:10} {size:>9}  {entry.licence}  {entry.remark}{chosen}")


@models.command("pull")
@click.argument("name", required=False)
def pull_model(name: str | None) -> None:
    """Get the model NAME, or EMBEDDED_MODEL without one; an interrupted download goes on where it stopped."""
    with _told_in_a_sentence():
        settings = _settings()
        entry = get_entry(name or settings.embedded_model)
        pull(entry, settings.models_dir, _reporter_for(entry))


@models.command("remove")
@click.argument("name")
def remove_model(name: str) -> None:
    """Delete the model NAME and what unfinished downloads of it left."""
    with _told_in_a_sentence():
        entry = get_entry(name)
        was_there = remove(entry, _settings().models_dir)
    click.echo(f"Removed {name}." if was_there else f"{name} is not installed.")


def _settings() -> Settings:
    """Give the settings of the running application, or those of the environment where the group stands alone."""
    return get_settings() if current_app else Settings.from_env()


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except (AppError, ConfigError) as error:
        raise click.ClickException(str(error)) from error


def _reporter_for(entry: CatalogueEntry) -> Reporter:
    return TerminalReporter(entry) if sys.stdout.isatty() else LineReporter(entry)


class LineReporter:
    """Plain lines for a log: what is said, and now and then how far it is."""

    def __init__(self, entry: CatalogueEntry, pause_seconds: float = LINE_SECONDS) -> None:
        self._entry = entry
        self._pause_seconds = pause_seconds
        self._shown_at = time.monotonic()

    def say(self, line: str) -> None:
        """Show a line."""
        click.echo(line)

    def advance(self, done_bytes: int) -> None:
        """Show how far it is, unless that was done just now."""
        if time.monotonic() - self._shown_at >= self._pause_seconds:
            self._shown_at = time.monotonic()
            click.echo(_state(self._entry, done_bytes))


class TerminalReporter:
    """One line that is drawn over and over, with a bar and the time that is left."""

    def __init__(self, entry: CatalogueEntry) -> None:
        self._entry = entry
        self._drawn_width = 0
        self._drawn_at = 0.0
        self._first: tuple[float, int] | None = None

    def say(self, line: str) -> None:
        """Show a line for good, where the bar was."""
        self._draw("")
        self._first = None
        click.echo(line)

    def advance(self, done_bytes: int) -> None:
        """Draw the bar, ten times a second at most."""
        now = time.monotonic()
        if self._first is None or done_bytes < self._first[1]:
            self._first = (now, done_bytes)
        if now - self._drawn_at >= BAR_SECONDS:
            self._drawn_at = now
            filled = BAR_WIDTH * done_bytes // self._entry.size_bytes
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            self._draw(f"[{bar}] {_state(self._entry, done_bytes)}{self._time_left(now, done_bytes)}")

    def _time_left(self, now: float, done_bytes: int) -> str:
        started, began_with = self._first or (now, done_bytes)
        if now - started < 1 or done_bytes <= began_with:
            return ""
        rate = (done_bytes - began_with) / (now - started)
        left = (self._entry.size_bytes - done_bytes) / rate
        return f", {rate / 1e6:.1f} MB/s, {left:.0f} s left"

    def _draw(self, line: str) -> None:
        click.echo("\r" + line.ljust(self._drawn_width), nl=False)
        if not line:
            click.echo("\r", nl=False)
        self._drawn_width = len(line)


def _state(entry: CatalogueEntry, done_bytes: int) -> str:
    return f"{100 * done_bytes // entry.size_bytes} %, {done_bytes / 1e6:,.0f} of {entry.size_bytes / 1e6:,.0f} MB"

"""`flask backup` and `flask restore`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import delete

from app import backup as backups
from app.cli.migrations import list_revisions, upgrade_database
from app.extensions import db, get_settings
from app.models.email_token import EmailToken
from app.models.login_session import LoginSession


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write a verified copy of the database to FILE, while the application runs."""
    with _in_one_sentence():
        size = backups.save(_url(), file)
    click.echo(f"Saved and verified: {file} ({size / 1e6:.1f} MB).")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore(file: Path, *, yes: bool) -> None:
    """Replace the database by the backup FILE; what is there now is saved first."""
    if sys.stdin.isatty() and not yes:
        click.confirm("Replace everything in the database by the backup?", abort=True)
    with _in_one_sentence():
        backups.check(_url(), file, list_revisions())
        _save_what_is_there()
        backups.load(_url(), file)
    db.engine.dispose()
    upgrade_database()  # the backup may be of an older version
    _forget_sessions()
    click.echo(f"Restored from {file}.")


def _forget_sessions() -> None:
    """Sign everybody out: what was signed out or used up since the backup must not come back to life."""
    for table in (LoginSession, EmailToken):
        db.session.execute(delete(table))
    db.session.commit()


def _save_what_is_there() -> None:
    url = _url()
    if backups.exists(url):
        safety = backups.automatic_path(url, "before-restore")
        backups.save(url, safety)
        click.echo(f"What is there now is saved in {safety}.")


def _url() -> str:
    return get_settings().sqlalchemy_url


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except (backups.BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error

"""`flask backup` and `flask restore`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app import backup as backups
from app.config import Settings
from app.extensions import db


def _url() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.sqlalchemy_url


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write a verified copy of the database to FILE, while the application runs."""
    try:
        size = backups.save(_url(), file)
    except backups.BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Saved and verified: {file} ({size / 1e6:.1f} MB).")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore(file: Path, *, yes: bool) -> None:
    """Replace the database by the backup FILE; what is there now is saved first."""
    if sys.stdin.isatty() and not yes:
        click.confirm("Replace everything in the database by the backup?", abort=True)
    url = _url()
    safety = backups.automatic_path(url, "restore")
    try:
        backups.save(url, safety)
        backups.load(url, file)
    except backups.BackupError as error:
        raise click.ClickException(str(error)) from error
    db.engine.dispose()
    upgrade()  # the backup may be of an older version
    click.echo(f"Restored from {file}. What was there before is in {safety}.")

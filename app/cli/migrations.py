"""The migrations, for commands alone. Their library is loaded when one is asked for: a server with it would start 0.2 s later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo
from sqlalchemy import Connection

from app.extensions import db

FOLDER = str(Path(__file__).parent.parent / "migrations")


class MigrationCommands(click.Command):
    """`flask db`: gives way to Flask-Migrate's own group when it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Give the context in which Flask-Migrate's group runs."""
        from flask_migrate.cli import db as commands  # type: ignore[import-not-found]  # noqa: PLC0415  # see above

        _prepare((parent or click.get_current_context()).ensure_object(ScriptInfo).load_app())
        context: click.Context = commands.make_context(info_name, args, parent, **extra)
        return context


def _prepare(app: Flask) -> None:
    from flask_migrate import Migrate  # noqa: PLC0415

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=FOLDER, render_as_batch=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def upgrade_database() -> None:
    """Bring the running application's database to the newest revision."""
    from flask_migrate import upgrade  # noqa: PLC0415

    _prepare(current_app)
    upgrade()


def list_revisions() -> list[str]:
    """Give every revision, the oldest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return [script.revision for script in ScriptDirectory(FOLDER).walk_revisions()][::-1]


def find_revision(connection: Connection) -> str | None:
    """Give the revision of a database; None where no migration made it."""
    from alembic.migration import MigrationContext  # noqa: PLC0415

    return MigrationContext.configure(connection).get_current_revision()

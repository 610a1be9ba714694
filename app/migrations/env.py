"""Runs migrations on the application's own engine; a database that holds accounts is backed up first."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate import compare_metadata
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, func, inspect, select, text

from app import backup
from app.database import UTCDateTime
from app.extensions import db, get_settings
from app.models.search_tables import is_table_of_ours
from app.models.user import User


def back_up_if_needed(connection: Connection) -> None:
    """Save a database that has accounts, before anything changes in it."""
    migration = context.get_context()
    heads = set(migration.get_current_heads())
    target = migration.opts.get("destination_rev")
    is_current = heads == set(context.script.get_heads()) and target in ("head", "heads")
    if target is None or is_current or not has_accounts(connection):
        return  # a command that only looks, or nothing to do, or nothing to lose
    settings = get_settings()
    file = backup.automatic_path(settings.sqlalchemy_url, f"before-migration-{'-'.join(sorted(heads)) or 'none'}")
    connection.rollback()
    try:
        backup.save(settings.sqlalchemy_url, file)
    except backup.BackupError as error:
        raise CommandError(f"The database could not be backed up, and was not changed. {error}") from error
    print(f"Backup before the migration: {file}")  # noqa: T201


def has_accounts(connection: Connection) -> bool:
    """Tell whether there is a row in the table of accounts."""
    count = select(func.count()).select_from(User.__table__)
    return inspect(connection).has_table(User.__tablename__) and bool(connection.scalar(count))


def adopt(connection: Connection) -> None:
    """Take over tables that `db.create_all()` made: they are at the newest revision, if they are what the models say."""
    migration = context.get_context()
    if migration.get_current_heads() or not inspect(connection).has_table("user"):
        return
    if compare_metadata(migration, db.metadata):
        raise CommandError(
            "The tables were made by another version, and not by migrations: back up, and start with an empty database."
        )
    migration.stamp(context.script, "heads")
    connection.commit()


def render_item(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """Write our own column type into migrations as the plain one, so that they do not depend on today's code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


def run_migrations() -> None:
    """Migrate in one transaction."""
    with db.engine.connect() as connection:
        options = current_app.extensions["migrate"].configure_args
        options = {**options, "render_item": render_item, "include_name": is_table_of_ours}
        context.configure(connection=connection, target_metadata=db.metadata, **options)
        adopt(connection)
        back_up_if_needed(connection)
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:  # rebuilding a table drops the old one, which would delete the rows that refer to it
            connection.execute(text("PRAGMA foreign_keys=OFF"))
            connection.commit()
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        print(f"The database is at revision {'-'.join(context.get_context().get_current_heads()) or 'none'}.")  # noqa: T201
        if sqlite:
            connection.execute(text("PRAGMA foreign_keys=ON"))


run_migrations()

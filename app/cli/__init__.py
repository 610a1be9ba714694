"""The commands of `flask`: thin; each parses, calls an action, prints."""

from __future__ import annotations

from flask import Flask

from app.cli.accounts import create_admin, invite, list_users, sign_in_link
from app.cli.backups import backup, restore
from app.cli.doctor import doctor
from app.cli.messages import clear_messages
from app.cli.migrations import MigrationCommands
from app.cli.models import models


def init_app(app: Flask) -> None:
    """Register the commands."""
    for command in (create_admin, list_users, sign_in_link, invite, clear_messages, models, doctor, backup, restore):
        app.cli.add_command(command)
    app.cli.add_command(MigrationCommands("db", help="Perform database migrations."))

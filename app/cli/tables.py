"""What commands need that look into the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy import inspect

from app.extensions import db
from app.models.user import User

P = ParamSpec("P")
R = TypeVar("R")


def with_tables(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command with the application at hand; one sentence, and no traceback, where its database has no tables yet."""

    @wraps(command)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not inspect(db.engine).has_table(User.__tablename__):
            raise click.ClickException("The database has no tables yet: run flask db upgrade.")
        return command(*args, **kwargs)

    return with_appcontext(checked)

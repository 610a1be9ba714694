"""`flask clear-messages`."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import click
from sqlalchemy import delete, func, select

from app.cli.tables import with_tables
from app.clock import utcnow
from app.extensions import db
from app.models.conversation import Conversation
from app.models.user import User, find_user

UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Age(click.ParamType[timedelta]):
    """A time span like 12h, 30d or 4w."""

    name = "age"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Give the span."""
        match = re.fullmatch(r"(\d{1,4})([hdw])", value)
        if not match:
            self.fail(f"{value!r} is not an age like 12h, 30d or 4w.", param, ctx)
        return timedelta(**{UNITS[match[2]]: int(match[1])})


@click.command("clear-messages")
@click.option("--user", "email", metavar="EMAIL", help="Only this account's.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Only conversations untouched for so long, e.g. 30d.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_tables
def clear_messages(email: str | None, older_than: timedelta | None, *, yes: bool) -> None:
    """Delete conversations with all their messages."""
    conditions = []
    if email is not None:  # an empty one is a mistake, as of a script's unset variable, and must not mean everybody
        conditions.append(Conversation.user_id == _get(email).id)
    if older_than is not None:
        conditions.append(Conversation.updated_at < utcnow() - older_than)
    count = db.session.scalar(select(func.count()).select_from(Conversation).where(*conditions)) or 0
    if sys.stdin.isatty() and not yes:
        click.confirm(f"Delete {count} conversation(s) with all their messages?", abort=True)
    db.session.execute(delete(Conversation).where(*conditions))
    db.session.commit()
    click.echo(f"Deleted {count} conversation(s).")


def _get(email: str) -> User:
    user = find_user(email)
    if user is None:
        raise click.ClickException(f"There is no account with the address {email}.")
    return user

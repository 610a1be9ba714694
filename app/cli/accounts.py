"""`flask create-admin`, `list-users`, `sign-in-link`."""

from __future__ import annotations

import sys

import click

from app import invitations, links
from app.auth import actions, passwords
from app.cli.tables import with_tables
from app.email_address import check_email
from app.errors import InvalidField
from app.extensions import db, get_settings
from app.models.user import User, find_user
from app.models.user_overview import list_all_user_rows

FOREIGN = (
    "The account has been there since {:%Y-%m-%d %H:%M} UTC. If it was not you who registered it, take it over now: "
    "run flask sign-in-link {}, open the link, and set a password."
)


@click.command("create-admin")
@click.argument("email")
@with_tables
def create_admin(email: str) -> None:
    """Make EMAIL an administrator; creates the account when there is none."""
    existing = find_user(_checked(email))
    remark = _remark(existing)
    password = _ask_password() if _needs_password(existing) and sys.stdin.isatty() else None
    user = actions.create_admin(email, password)
    click.echo(f"{user.email} is an administrator{remark}.")
    if existing and existing.password_hash and not password:
        click.echo(FOREIGN.format(user.created_at, user.email))
    if _needs_password(user):
        click.echo(f"To sign in and set a password, open within {links.LIFETIME_MINUTES} minutes, once:")
        _show_link(user)


def _remark(existing: User | None) -> str:
    if existing is None:
        return " (new account)"
    return "" if existing.active else " (no longer suspended)"


def _needs_password(user: User | None) -> bool:
    return user is None or user.password_hash is None


def _checked(email: str) -> str:
    try:
        check_email(email)
    except InvalidField as error:
        raise click.BadParameter(f"{email!r} is not an e-mail address.", param_hint="EMAIL") from error
    return email


def _ask_password() -> str | None:
    """Ask twice; nothing means that a one-time link is wanted instead."""
    while True:
        password: str = click.prompt(
            "Password (leave empty for a one-time link)", hide_input=True, default="", show_default=False
        )
        if not password:
            return None
        try:
            passwords.check_acceptable(password)
        except InvalidField as error:
            click.echo(error.sentence)
            continue
        if click.prompt("Repeat the password", hide_input=True, default="", show_default=False) == password:
            return password
        click.echo("The two are not the same.")


@click.command("sign-in-link")
@click.argument("email")
@with_tables
def sign_in_link(email: str) -> None:
    """Print a one-time sign-in link for EMAIL."""
    user = find_user(email)
    if user is None or not user.active:
        raise click.ClickException(f"There is no active account with the address {email}.")
    click.echo(f"Signs in {user.email} once, within {links.LIFETIME_MINUTES} minutes:")
    _show_link(user)


def _show_link(user: User) -> None:
    """Print a new link, and on a terminal also as a QR code, for the phone that is to be signed in."""
    link = links.create_sign_in_link(user, get_settings().public_url)
    db.session.commit()
    click.echo(link)
    if sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf"):
        links.print_qr(link, sys.stdout)


@click.command("invite")
@with_tables
def invite() -> None:
    """Print a link with which one account may be made."""
    mode = get_settings().registration
    if mode == "closed":
        raise click.ClickException("REGISTRATION is closed: nobody may make an account, with an invitation neither.")
    link = invitations.create(None, get_settings().public_url)
    db.session.commit()
    click.echo(f"Makes one account, within {invitations.LIFETIME.days} days:")
    click.echo(link)
    if mode == "open":
        click.echo("REGISTRATION is open, so everybody may make one without a link, too.")


@click.command("list-users")
@with_tables
def list_users() -> None:
    """List every account."""
    rows = list_all_user_rows()
    width = max((len(row.email) for row in rows), default=5)
    click.echo(f"{'E-MAIL':<{width}}  {'ROLE':<5}  {'STATE':<9}  {'CREATED':<10}  {'LAST SEEN':<16}  MESSAGES")
    for row in rows:
        state = "active" if row.active else "suspended"
        seen = f"{row.last_seen_at:%Y-%m-%d %H:%M}" if row.last_seen_at else "never"
        created = f"{row.created_at:%Y-%m-%d}"
        click.echo(f"{row.email:<{width}}  {row.role:<5}  {state:<9}  {created}  {seen:<16}  {row.message_count}")

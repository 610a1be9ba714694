"""`flask create-admin`, `list-users`, `sign-in-link`."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from app import invitations, links
from app.auth import actions, passwords
from app.cli.tables import with_tables
from app.email_address import check_email
from app.errors import InvalidField
from app.extensions import db, get_settings
from app.models.passkey import has_usable_passkey, list_passkeys
from app.models.recovery_code import count_unused_recovery_codes, get_recovery_codes_time
from app.models.user import User, find_user
from app.models.user_overview import list_all_user_rows

UNASKED = (
    "Anybody can register any address. If it was not you, take the account over, "
    "which removes all it is signed in with: flask create-admin --take-over {}"
)
QUESTION = "Anybody can register any address. Was it you, and is all of this yours? Otherwise it is removed"


@click.command("create-admin")
@click.argument("email")
@click.option(
    "--keep/--take-over",
    "keeps",
    default=None,
    help="What becomes of the password, passkeys and recovery codes of an account that is there already: they stay, or they are "
    "removed. Without either it asks on a terminal, and keeps them elsewhere.",
)
@with_tables
def create_admin(email: str, keeps: bool | None) -> None:  # noqa: FBT001  # how click hands an option over
    """Make EMAIL an administrator; creates the account when there is none.

    Registering proves nothing about an address, so what is there may be a stranger's, who would get the installation. Only the
    person at the terminal can know: whoever registered a minute ago reads that, and presses Enter.
    """
    existing = find_user(_checked(email))
    remark = _remark(existing)
    ways = _list_ways_in(existing) if existing else []
    if existing and ways:
        click.echo(f"{existing.email} has an account since {_minute(existing.created_at)} UTC, with {', '.join(ways)}.")
    is_decided = keeps is not None or not ways
    if not is_decided and sys.stdin.isatty() and existing and not existing.is_admin:
        keeps, is_decided = click.confirm(QUESTION, default=True), True
    takes_over = bool(ways) and keeps is False
    password = _ask_password() if sys.stdin.isatty() and (takes_over or not _has_way_in(existing)) else None
    user = actions.create_admin(email, password, takes_over=takes_over)
    click.echo(f"{user.email} is an administrator{remark}.")
    if not is_decided:
        click.echo(UNASKED.format(user.email))
    if not _has_way_in(user):
        click.echo(f"To sign in and set a password, open within {links.LIFETIME_MINUTES} minutes, once:")
        _show_link(user)


def _remark(existing: User | None) -> str:
    if existing is None:
        return " (new account)"
    return "" if existing.active else " (no longer suspended)"


def _has_way_in(user: User | None) -> bool:
    """Whether the person can sign in without help: codes are for emergencies, and passkeys of another host don't work."""
    if user is None:
        return False
    return user.password_hash is not None or has_usable_passkey(user.id, get_settings().public_host)


def _list_ways_in(user: User) -> list[str]:
    """Say what an account can be signed in with, and since when it has that."""
    ways = ["a password"] if user.password_hash else []
    passkeys = list_passkeys(user.id)
    if passkeys:
        ways.append(f"{_count(len(passkeys), 'passkey')} (the first since {_minute(passkeys[0].created_at)})")
    codes = count_unused_recovery_codes(user.id)
    if codes:
        ways.append(f"{_count(codes, 'recovery code')} (since {_minute(get_recovery_codes_time(user.id))})")
    return ways


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


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
        raise click.ClickException("REGISTRATION is closed: nobody may make an account, not even with an invitation.")
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

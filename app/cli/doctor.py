"""`flask doctor`: looks at everything an installation needs; each line is ok, or says what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from smtplib import SMTPException

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import mail, valkey
from app.chat.asking import Chat
from app.chat.directory import same_model
from app.cli.finding import Finding
from app.cli.migrations import find_revision, list_revisions
from app.cli.stream_check import check_stream
from app.config import Settings
from app.extensions import db, get_settings
from app.models.passkey import list_other_hosts, made_for_other_host
from app.smtp import Server


@click.command("doctor")
@click.option("--url", help="Look at a running installation from outside instead: https://chat.example")
@with_appcontext
def doctor(url: str | None) -> None:
    """Check configuration, files, database, migrations and models; exits with 1 when something is to be done.

    With --url, check what the proxies between here and there do to a stream.
    """
    settings = get_settings()
    findings = list(check_stream(url)) if url else [finding for check in CHECKS for finding in check(settings)]
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'TODO'}  {finding.subject:<{width}}  {finding.remark}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _check_configuration(settings: Settings) -> Iterator[Finding]:
    remark = f"{settings.key_weakness}: make a new one." if settings.key_weakness else "long and random"
    yield Finding("SECRET_KEY", not settings.key_weakness, remark)
    local = settings.public_host in ("localhost", "127.0.0.1", "::1")
    secure = settings.public_url.startswith("https://") or local
    advice = "other machines reach it without encryption: put a proxy with https in front."
    yield Finding("PUBLIC_URL", secure, settings.public_url if secure else f"{settings.public_url}: {advice}")


def _check_passkeys(settings: Settings) -> Iterator[Finding]:
    """Say whether browsers take passkeys at PUBLIC_URL, and which of them were made for another host."""
    obstacle = settings.passkey_obstacle
    yield Finding("passkeys", obstacle is None, obstacle or f"work at {settings.public_origin}, and there alone")
    try:
        others = list_other_hosts(settings.public_host)
    except SQLAlchemyError:  # the database's own line says it
        db.session.rollback()
        return
    for host, count in others:
        yield Finding("passkeys", False, made_for_other_host(host, count))


def _check_files(settings: Settings) -> Iterator[Finding]:
    database = Path(settings.sqlalchemy_url.removeprefix("sqlite:///"))
    for path in [Path(".env"), *([database] if settings.sqlalchemy_url.startswith("sqlite:///") else [])]:
        if path.exists():
            yield _check_private(path)


def _check_private(path: Path) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(path.name, False, f"others on this machine may read it ({mode:o}): chmod 600 {path}")
    if not os.access(path, os.W_OK):
        return Finding(path.name, False, f"this account may not write it: run as its owner, or chown {path}")
    return Finding(path.name, True, f"private ({mode:o})")


def _check_database(_settings: Settings) -> Iterator[Finding]:
    try:
        db.session.execute(text("SELECT 1"))
        current = find_revision(db.session.connection())
    except SQLAlchemyError as error:
        yield Finding("database", False, f"does not answer: {str(error).splitlines()[0]}")
        return
    yield Finding("database", True, db.engine.dialect.name)
    up_to_date = current == list_revisions()[-1]
    yield Finding("migrations", up_to_date, "up to date" if up_to_date else "run: flask db upgrade")


def _check_redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        there = valkey.is_reachable(settings.redis_url)
        advice = "does not answer: every process works by itself, and other processes' answers come a little later."
        yield Finding("REDIS_URL", there, "answers" if there else advice)


def _check_mail(settings: Settings) -> Iterator[Finding]:
    if settings.mail_url:
        server = Server(settings.mail_url)
        name = f"{server.host}:{server.port}"
        try:
            yield Finding(
                "MAIL_URL", True, f"{name} answers ({server.probe()}); mails come from {mail.sender(settings)}"
            )
        except (OSError, SMTPException, ValueError) as error:
            yield Finding("MAIL_URL", False, f"{name} takes no mails from here: {mail.describe(error)}")


def _check_models(_settings: Settings) -> Iterator[Finding]:
    chat: Chat = current_app.extensions["chat"]
    listing = chat.directory.listing()
    for unreachable in listing.unreachable:
        yield Finding(unreachable.provider, False, unreachable.error)
    yield _check_default(chat.directory.default(), [model.name for model in listing.models])


def _check_default(default: str | None, names: list[str]) -> Finding:
    """Say which model answers; with Ollama alone it is the one of OLLAMA_MODEL, installed or not."""
    if default is None:
        return Finding("models", False, "none can be picked: flask models pull installs the built-in one.")
    listed = ", ".join(names) or "none"
    if any(same_model(name, default) for name in names):
        return Finding("models", True, f"{listed} (default: {default})")
    return Finding("models", False, f"{listed}; {default} is missing: ollama pull {default}, or set OLLAMA_MODEL.")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _check_configuration,
    _check_passkeys,
    _check_files,
    _check_database,
    _check_redis,
    _check_mail,
    _check_models,
)

"""The audit log in words and in files, for whoever may read it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.audit import FAILURES

SENTENCES = {
    "registered": "Account made",
    "signed_in": "Signed in",
    "sign_in_failed": "Sign-in failed",
    "signed_out": "Signed out",
    "session_ended": "Browser signed out",
    "sessions_ended": "All other browsers signed out",
    "confirmed": "Confirmed who it is",
    "proof_failed": "Failed to confirm who it is",
    "link_created": "One-time link made",
    "link_used": "One-time link used",
    "password_changed": "Password changed",
    "password_removed": "Password removed",
    "recovery_codes_made": "Recovery codes made",
    "recovery_code_used": "Recovery code used",
    "code_failed": "Wrong code of a mail",
    "mail_link_asked": "Mail to sign in asked for",
    "reset_link_asked": "Mail for a new password asked for",
    "email_link_asked": "Another e-mail address asked for",
    "email_changed": "E-mail address changed",
    "email_confirmed": "E-mail address confirmed",
    "passkey_added": "Passkey added",
    "passkey_renamed": "Passkey renamed",
    "passkey_removed": "Passkey removed",
    "passkey_refused": "Passkey refused",
    "passkey_blocked": "Passkey blocked: there may be a copy of it",
    "account_deleted": "Account deleted",
    "promoted": "Made administrator",
    "demoted": "Administration taken away",
    "suspended": "Suspended",
    "restored": "Restored",
    "invited": "Invitation made",
    "invitation_withdrawn": "Invitation withdrawn",
    "audit_exported": "Audit log exported",
}
METHODS = {
    "password": "password",
    "passkey": "passkey",
    "link": "one-time link",
    "mail": "mail link",
    "recovery": "recovery code",
}
WARNINGS = FAILURES  # what a page shows as something to look at
FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@＝＋－＠\t\r])")  # also after what a spreadsheet may take for a separator
Record = dict[str, Any]


def describe(kind: str) -> str:
    """Give what happened, in words."""
    return SENTENCES.get(kind) or kind.replace("_", " ").capitalize()


def for_administrator(rows: Iterable[Row[Any]]) -> Iterator[Record]:
    """Give the events with all that was noted."""
    for row in rows:
        yield {
            "time": row.created_at,
            "event": row.kind,
            "actor": row.actor or _deleted(row.actor_id),
            "subject": row.subject or _deleted(row.subject_id),
            "address": row.address,
            "method": row.method,
            "detail": row.detail,
        }


def _deleted(user_id: UUID | None) -> str:
    """Name an account that is gone: its address is forgotten, but which events are of one and the same account is not."""
    return f"deleted account {str(user_id)[-6:]}" if user_id else ""


def for_person(rows: Iterable[Row[Any]], user_id: UUID, *, is_admin: bool) -> Iterator[Record]:
    """Give the events as the person may see them whom they concern: of what others did, neither their name nor where they were.

    Whom an administrator's acts concerned is told as long as they are one: addresses are those of today.
    """
    for row in rows:
        is_foreign = row.actor_id is not None and row.actor_id != user_id
        is_about_other = row.subject_id is not None and row.subject_id != user_id
        yield {
            "time": row.created_at,
            "event": row.kind,
            "by": "an administrator" if is_foreign else "",
            "subject": row.subject or "" if is_about_other and is_admin else "",
            "address": "" if is_foreign else row.address,
            "method": "" if is_foreign else row.method,
            "detail": row.detail,
        }


def as_json(records: Iterable[Record]) -> Iterator[str]:
    """Give the events as a JSON list, piece by piece."""
    separator = "["
    for record in records:
        yield separator + json.dumps({name: _text(value) for name, value in record.items()}, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[" else "]\n"


def as_csv(records: Iterable[Record]) -> Iterator[str]:
    """Give the events as CSV, piece by piece. What a spreadsheet would take for a formula gets a quote before it (OWASP)."""
    is_first = True
    for record in records:
        if is_first:
            yield _line(record)
            is_first = False
        texts = map(_text, record.values())
        yield _line(FORMULA.sub(r"\1'", text) for text in texts)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _line(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


FORMATS = {"csv": (as_csv, "text/csv; charset=utf-8"), "json": (as_json, "application/json")}

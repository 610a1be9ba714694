"""What the pages show of the audit log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.user import User, normalize_email

PAGE_SIZE = 50
BATCH_SIZE = 500


class AuditFilter(NamedTuple):
    """Which events: of one kind, with one account, or whose people's addresses contain `q`; all where nothing is said."""

    kind: str = ""
    q: str = ""
    user_id: UUID | None = None


class AuditPage(NamedTuple):
    """One page of events, and how many there are in all."""

    rows: list[Row[Any]]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, math.ceil(self.total / PAGE_SIZE))


Actor, Subject = aliased(User, name="actor"), aliased(User, name="subject")
COLUMNS: tuple[Any, ...] = (
    AuditEvent.id,
    AuditEvent.created_at,
    AuditEvent.kind,
    AuditEvent.actor_id,
    Actor.email.label("actor"),
    AuditEvent.subject_id,
    Subject.email.label("subject"),
    AuditEvent.address,
    AuditEvent.method,
    AuditEvent.detail,
)


def list_audit_rows(wanted: AuditFilter, page: int) -> AuditPage:
    """Give a page (from 1) of the events, the newest first."""
    total = db.session.scalar(_matching(select(func.count(AuditEvent.id)), wanted)) or 0
    query = _matching(select(*COLUMNS), wanted).order_by(AuditEvent.id.desc())
    rows = db.session.execute(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
    return AuditPage(list(rows), total)


def iterate_audit_rows(wanted: AuditFilter) -> Iterator[Row[Any]]:
    """Give every event, the newest first, in short queries: between them no connection is held, however slow the reader."""
    query = _matching(select(*COLUMNS), wanted).order_by(AuditEvent.id.desc()).limit(BATCH_SIZE)
    rows = db.session.execute(query).all()
    while rows:
        db.session.rollback()  # nothing was written; it hands the connection back
        yield from rows
        rows = db.session.execute(query.where(AuditEvent.id < rows[-1].id)).all()


def list_audit_kinds() -> list[str]:
    """Give the kinds of events that there are, by name."""
    return list(db.session.scalars(select(AuditEvent.kind).distinct().order_by(AuditEvent.kind)))


def _matching(query: Select[Any], wanted: AuditFilter) -> Select[Any]:
    joined = query.outerjoin(Actor, Actor.id == AuditEvent.actor_id).outerjoin(
        Subject, Subject.id == AuditEvent.subject_id
    )
    return joined.where(*_conditions(wanted))


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.kind:
        yield AuditEvent.kind == wanted.kind
    if wanted.user_id:
        yield or_(AuditEvent.actor_id == wanted.user_id, AuditEvent.subject_id == wanted.user_id)
    if wanted.q:
        part = normalize_email(wanted.q)
        emails = Actor.email_normalized, Subject.email_normalized
        yield or_(*(email.contains(part, autoescape=True) for email in emails))

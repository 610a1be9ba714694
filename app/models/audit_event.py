"""What happened to accounts: who, what, when, from where. No secrets, and the application only ever adds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Delete, String, Update, event
from sqlalchemy.orm import Mapped, ORMExecuteState, mapped_column

from app.addresses import MAX_LENGTH
from app.database import Base, Id, Timestamp
from app.extensions import db

DETAIL_LENGTH = 200


class AuditEvent(Base):
    """One event. `actor_id` did it (None: the command line, or somebody unknown), `subject_id` is whom it concerns.

    They are no foreign keys: an account that is deleted takes its address along, not what it did.

    `method` says how the actor had proved who they are; `detail` names what it was about, as the name of a passkey.
    """

    __tablename__ = "audit_event"

    id: Mapped[Id]
    created_at: Mapped[Timestamp]
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(String(MAX_LENGTH), default="")
    method: Mapped[str] = mapped_column(String(16), default="")
    detail: Mapped[str] = mapped_column(String(DETAIL_LENGTH), default="")


class AppendOnlyError(Exception):
    """Something would change or delete what was noted: a bug, whoever asks."""


def _refuse_change(_mapper: Any, _connection: Any, audit_event: AuditEvent) -> None:
    raise AppendOnlyError(f"an event of the audit log can't be changed: {audit_event.id}")


def _refuse_statement(state: ORMExecuteState) -> None:
    statement = state.statement
    if isinstance(statement, Delete | Update) and str(statement.table) == AuditEvent.__tablename__:
        raise AppendOnlyError("events of the audit log are only ever added")


event.listen(AuditEvent, "before_update", _refuse_change)
event.listen(AuditEvent, "before_delete", _refuse_change)
event.listen(db.session, "do_orm_execute", _refuse_statement)

"""What happened to accounts: who, what, when, from where. No secrets, and the application only ever adds."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.addresses import MAX_LENGTH
from app.database import Base, Id, Timestamp

DETAIL_LENGTH = 200


class AuditEvent(Base):
    """One event. `actor_id` did it (None: the command line), `subject_id` is whom it concerns.

    `method` says how the actor had proved who they are; `detail` names what it was about, as the name of a passkey.
    """

    __tablename__ = "audit_event"

    id: Mapped[Id]
    created_at: Mapped[Timestamp]
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    subject_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    address: Mapped[str] = mapped_column(String(MAX_LENGTH), default="")
    method: Mapped[str] = mapped_column(String(16), default="")
    detail: Mapped[str] = mapped_column(String(DETAIL_LENGTH), default="")

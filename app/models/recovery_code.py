"""Recovery codes: a way in for who has lost everything else, each used once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.extensions import db


class RecoveryCode(Base):
    """The hash of one code; `used_at` is set when it was used."""

    __tablename__ = "recovery_code"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[Timestamp]
    used_at: Mapped[datetime | None]


def count_unused_recovery_codes(user_id: UUID) -> int:
    """Give how many codes of a user are left."""
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query.select_from(RecoveryCode)) or 0


def get_recovery_codes_time(user_id: UUID) -> datetime:
    """Give when the codes of a user, who has some, were made: all at once."""
    return db.session.scalars(select(func.max(RecoveryCode.created_at)).where(RecoveryCode.user_id == user_id)).one()


def use_recovery_code(user_id: UUID, code_hash: str) -> bool:
    """Mark a code as used and tell whether it was there and unused: of parallel uses one wins."""
    is_it = (RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
    used = update(RecoveryCode).where(*is_it).values(used_at=utcnow()).returning(RecoveryCode.id)
    return db.session.scalar(used) is not None


def delete_recovery_codes(user_id: UUID) -> None:
    """Delete every code of a user, when the caller commits."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))

"""Invitations: links with which an account may be made where registration is by invitation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.extensions import db
from app.models.user import User
from app.tokens import hash_token


class Invitation(Base):
    """The hash of a token that lets one account be made until `expires_at`."""

    __tablename__ = "invitation"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    creator_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[Timestamp]
    expires_at: Mapped[datetime]
    creator: Mapped[User | None] = relationship()


def find_invitation(token: str) -> Invitation | None:
    """Give the valid invitation of a token, or None."""
    is_it = (Invitation.token_hash == hash_token(token), Invitation.expires_at > utcnow())
    return db.session.scalar(select(Invitation).where(*is_it))


def consume_invitation(token: str) -> bool:
    """Delete a valid invitation and tell whether this call was the one that did: of parallel uses one wins."""
    is_it = (Invitation.token_hash == hash_token(token), Invitation.expires_at > utcnow())
    return db.session.scalar(delete(Invitation).where(*is_it).returning(Invitation.id)) is not None


def list_invitations() -> list[Invitation]:
    """Give the invitations that can still be used, the newest first, with who made them."""
    query = select(Invitation).options(joinedload(Invitation.creator)).where(Invitation.expires_at > utcnow())
    return list(db.session.scalars(query.order_by(Invitation.id.desc())))


def delete_invitation(invitation_id: UUID) -> bool:
    """Delete an invitation and tell whether it was there."""
    gone = delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.id)
    return db.session.scalar(gone) is not None


def delete_expired_invitations() -> None:
    """Delete every invitation that is too old, when the caller commits."""
    db.session.execute(delete(Invitation).where(Invitation.expires_at <= utcnow()))

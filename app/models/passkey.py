"""Passkeys: the public halves of credentials that authenticators hold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db
from app.models.user import User

CREDENTIAL_ID_BYTES = 1023  # the most that an authenticator may make (WebAuthn Level 3, 4)
NAME_LENGTH = 100


class Passkey(Base):
    """One credential of one account.

    `rp_id` is the host it was made for: with another host in PUBLIC_URL browsers no longer find it. `blocked_at` is set when its
    counter went backwards, which a copy of the authenticator would cause.
    """

    __tablename__ = "passkey"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(CREDENTIAL_ID_BYTES), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2048))
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    aaguid: Mapped[str] = mapped_column(String(36), default="")
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    rp_id: Mapped[str] = mapped_column(String(253))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_at: Mapped[Timestamp]
    last_used_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


def find_passkey(credential_id: bytes) -> Passkey | None:
    """Give the passkey of a credential with its active user, or None."""
    query = select(Passkey).join(Passkey.user).options(joinedload(Passkey.user))
    return db.session.scalar(query.where(Passkey.credential_id == credential_id, User.active))


def get_passkey(user_id: UUID, passkey_id: UUID) -> Passkey:
    """Give a passkey of this user; raises NotFound for absent and foreign ones alike."""
    passkey = db.session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id))
    if passkey is None:
        raise NotFound("There is no such passkey.")
    return passkey


def list_passkeys(user_id: UUID) -> list[Passkey]:
    """Give the passkeys of a user, the oldest first."""
    return list(db.session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def delete_passkey(passkey: Passkey) -> bool:
    """Delete a passkey and tell whether this call was the one that did."""
    rows = db.session.execute(delete(Passkey).where(Passkey.id == passkey.id).returning(Passkey.id))
    return rows.first() is not None

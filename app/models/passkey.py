"""Passkeys: the public halves of credentials that authenticators hold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, delete, func, literal, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db, get_settings
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

    def is_usable(self, rp_id: str) -> bool:
        """Whether it signs in at this host; `blocked_at` and a change of the host end that."""
        return self.blocked_at is None and self.rp_id == rp_id


def find_passkey(credential_id: bytes) -> Passkey | None:
    """Give the passkey of a credential with its user, who may be suspended, or None."""
    query = select(Passkey).options(joinedload(Passkey.user)).where(Passkey.credential_id == credential_id)
    return db.session.scalar(query)


def get_passkey(user_id: UUID, passkey_id: UUID) -> Passkey:
    """Give a passkey of this user; raises NotFound for absent and foreign ones alike."""
    passkey = db.session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id))
    if passkey is None:
        raise NotFound("There is no such passkey.")
    return passkey


def list_passkeys(user_id: UUID) -> list[Passkey]:
    """Give the passkeys of a user, the oldest first."""
    return list(db.session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def count_passkeys(user_id: UUID) -> int:
    """Give how many passkeys a user has, usable or not."""
    return db.session.scalar(select(func.count()).select_from(Passkey).where(Passkey.user_id == user_id)) or 0


def list_blocked_passkeys(user_id: UUID) -> list[Passkey]:
    """Give the passkeys of a user that may have been copied and are not removed yet, the oldest first."""
    blocked = select(Passkey).where(Passkey.user_id == user_id, Passkey.blocked_at.is_not(None))
    return list(db.session.scalars(blocked.order_by(Passkey.id)))


def has_usable_passkey(user_id: UUID, rp_id: str) -> bool:
    """Tell whether a user can sign in with a passkey at this host."""
    usable = select(Passkey.id).where(Passkey.user_id == user_id, Passkey.rp_id == rp_id, Passkey.blocked_at.is_(None))
    return db.session.scalar(usable.limit(1)) is not None


def requires_passkey(user: User) -> bool:
    """Whether REQUIRE_PASSKEY means this user."""
    required = get_settings().require_passkey
    return required == "all" or (required == "admin" and user.is_admin)


def must_prove_by_passkey(user: User) -> bool:
    """Whether this user has to use a passkey, and can: then their password proves nothing before what matters most."""
    return requires_passkey(user) and has_usable_passkey(user.id, get_settings().public_host)


def list_other_hosts(rp_id: str) -> list[tuple[str, int]]:
    """Give the other hosts that passkeys were made for, each with their number: browsers no longer find those."""
    query = select(Passkey.rp_id, func.count()).where(Passkey.rp_id != rp_id).group_by(Passkey.rp_id)
    return [(host, count) for host, count in db.session.execute(query.order_by(Passkey.rp_id))]


def made_for_other_host(host: str, count: int) -> str:
    """Say what became of passkeys when PUBLIC_URL got another host."""
    which = "1 was" if count == 1 else f"{count} were"
    return f"{which} made for {host} and can't be used at PUBLIC_URL: set it back, or let people sign in another way and add new ones."


def advance_counter(passkey: Passkey, sign_count: int) -> bool:
    """Set the counter and tell whether it went forwards; of two answers with one number, one wins. 0 stays 0: it does not count."""
    forwards = update(Passkey).where(
        Passkey.id == passkey.id,
        Passkey.blocked_at.is_(None),
        (Passkey.sign_count < sign_count) | ((Passkey.sign_count == 0) & literal(sign_count == 0)),
    )
    return db.session.scalar(forwards.values(sign_count=sign_count).returning(Passkey.id)) is not None


def block_passkey(passkey: Passkey) -> None:
    """Let nobody sign in with it any more, when the caller commits."""
    passkey.blocked_at = utcnow()


def delete_passkeys(user_id: UUID) -> None:
    """Delete every passkey of a user, when the caller commits."""
    db.session.execute(delete(Passkey).where(Passkey.user_id == user_id))


def delete_passkey(passkey: Passkey) -> bool:
    """Delete a passkey and tell whether this call was the one that did."""
    rows = db.session.execute(delete(Passkey).where(Passkey.id == passkey.id).returning(Passkey.id))
    return rows.first() is not None

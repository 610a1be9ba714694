"""Signed-in browsers: one row each, holding only a hash of the browser's token."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import ForeignKey, Select, String, bindparam, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.extensions import db
from app.models.user import User
from app.tokens import hash_token


class LoginSession(Base):
    """A browser that is signed in until `expires_at`, or until the row is gone.

    `method` says by what: "password", "passkey", "link" (from an administrator), "mail" or "recovery". `proven_at` is when the person
    proved last who they are, by anything but a mail.
    """

    __tablename__ = "login_session"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    method: Mapped[str] = mapped_column(String(16))
    user_agent: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[Timestamp]
    last_seen_at: Mapped[Timestamp]
    expires_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


def find_login_session(token: str) -> LoginSession | None:
    """Give the valid session of a token with its active user, or None."""
    return db.session.scalar(_by_token(), {"hash": hash_token(token), "now": utcnow()})


@cache
def _by_token() -> Select[LoginSession]:
    """Build the query once: every request asks it, and building costs more than asking."""
    return (
        select(LoginSession)
        .join(LoginSession.user)
        .options(contains_eager(LoginSession.user))
        .where(LoginSession.token_hash == bindparam("hash"), LoginSession.expires_at > bindparam("now"), User.active)
    )

"""Signed-in browsers: one row each, holding only a hash of the browser's token."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Select, String, bindparam, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db, get_settings
from app.models.user import User
from app.tokens import hash_token


class LoginSession(Base):
    """A browser that is signed in until `expires_at`, until nobody used it for SESSION_IDLE_DAYS, or until the row is gone.

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
    now = utcnow()
    return db.session.scalar(_by_token(), {"hash": hash_token(token), "now": now, "idle_since": now - idle_time()})


def idle_time() -> timedelta:
    """Give after how much silence a session is over."""
    return timedelta(days=get_settings().session_idle_days)


def is_alive() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Give the conditions of a session that is not over, for a query."""
    now = utcnow()
    return LoginSession.expires_at > now, LoginSession.last_seen_at > now - idle_time()


def list_login_sessions(user_id: UUID) -> list[LoginSession]:
    """Give the signed-in browsers of a user, the one that was seen last first."""
    query = select(LoginSession).where(LoginSession.user_id == user_id, *is_alive())
    return list(db.session.scalars(query.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())))


def get_login_session(user_id: UUID, session_id: UUID) -> LoginSession:
    """Give a signed-in browser of this user; raises NotFound for absent, ended and foreign ones alike."""
    query = select(LoginSession).where(LoginSession.id == session_id, LoginSession.user_id == user_id, *is_alive())
    row = db.session.scalar(query)
    if row is None:
        raise NotFound("This browser is not signed in any more.")
    return row


@cache
def _by_token() -> Select[LoginSession]:
    """Build the query once: every request asks it, and building costs more than asking."""
    return (
        select(LoginSession)
        .join(LoginSession.user)
        .options(contains_eager(LoginSession.user))
        .where(
            LoginSession.token_hash == bindparam("hash"),
            LoginSession.expires_at > bindparam("now"),
            LoginSession.last_seen_at > bindparam("idle_since"),
            User.active,
        )
    )

"""Accounts."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import JSON, CheckConstraint, LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db

EMAIL_LENGTH = 320
WEBAUTHN_HANDLE_BYTES = 32


def normalize_email(email: str) -> str:
    """Give the form under which an address is unique: NFKC, case-folded."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


class User(UserMixin, Base):
    """Somebody with an account; without a password hash the account has no password."""

    __tablename__ = "user"
    __allow_unmapped__ = True  # session_token, session_id and session_method are no columns
    __table_args__ = (CheckConstraint("role in ('user', 'admin')", name="role"),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_normalized: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="user")
    active: Mapped[bool] = mapped_column(default=True)
    # Random, so that it tells an authenticator nothing of the person (WebAuthn Level 3, 14.6.1).
    webauthn_handle: Mapped[bytes] = mapped_column(
        LargeBinary(WEBAUTHN_HANDLE_BYTES), unique=True, default=lambda: secrets.token_bytes(WEBAUTHN_HANDLE_BYTES)
    )
    created_at: Mapped[Timestamp]
    last_seen_at: Mapped[datetime | None]
    passkey_offer_after: Mapped[datetime | None]  # the page offers no passkey before
    # When the person proved, signed in, that they read what goes to `email`; until then anybody may have typed it.
    email_confirmed_at: Mapped[datetime | None]
    chat_defaults: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # for conversations without their own

    # Set for the running request by `app.sessions`: the browser's session, how it began, and its token, never stored in clear.
    session_token: str | None = None
    session_id: UUID | None = None
    session_method: str = ""

    @classmethod
    def create(cls, email: str, *, password_hash: str | None = None, role: str = "user") -> User:
        """Give a new account, not yet added to a session."""
        return cls(email=email.strip(), email_normalized=normalize_email(email), password_hash=password_hash, role=role)

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in (Flask-Login asks)."""
        return self.active

    @property
    def is_admin(self) -> bool:
        """Whether the account administers this installation."""
        return self.role == "admin"

    @property
    def display_name(self) -> str:
        """The name, or the address where there is none."""
        return self.name or self.email

    def get_id(self) -> str:
        """Give what Flask-Login keeps in the cookie: the session's token, so that a session ends with its row."""
        return self.session_token or ""


def find_user(email: str) -> User | None:
    """Give the account of an address, whatever its case, or None."""
    return db.session.scalar(select(User).where(User.email_normalized == normalize_email(email)))


def get_user(user_id: UUID) -> User:
    """Give an account; raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such account.")
    return user


def lock_unchanged(user: User) -> bool:
    """Tell whether the account is as it was read: there, active, with that password; its row stays locked until the commit.

    Hashing takes its time, and meanwhile the password that was proven may be another one already.
    """
    same_password = User.password_hash.is_not_distinct_from(user.password_hash)
    same = update(User).where(User.id == user.id, User.active, same_password).values(role=User.role)
    return db.session.scalar(same.returning(User.id), execution_options={"synchronize_session": False}) is not None


def lock_active_admins() -> set[UUID]:
    """Give the ids of the active administrators; their rows stay locked until the transaction ends.

    The update changes nothing; unlike SELECT … FOR UPDATE it takes the lock on SQLite too. PostgreSQL gets both: an update alone takes
    its rows in any order, and two transactions that did would wait for each other.
    """
    is_admin = (User.role == "admin", User.active)
    db.session.scalars(select(User.id).where(*is_admin).order_by(User.id).with_for_update()).all()
    same = update(User).where(*is_admin).values(role=User.role)
    return set(db.session.scalars(same.returning(User.id)))

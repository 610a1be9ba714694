"""Challenges of passkey ceremonies: rows, so that each is used once, whatever cookies are replayed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import utcnow
from app.database import Base, Id
from app.extensions import db

LIFETIME = timedelta(minutes=2)
CHALLENGE_BYTES = 32  # WebAuthn Level 3, 13.4.3: at least 16


class WebAuthnChallenge(Base):
    """A challenge for one browser and one purpose: "sign-up", "sign-in", "confirm", "add" or "add-silently".

    `browser_hash` is the hash of a random cookie; `user_id` is whose ceremony it is, where that is known; `data` is what the ceremony
    began with (the address of a new account).
    """

    __tablename__ = "webauthn_challenge"

    id: Mapped[Id]
    challenge: Mapped[bytes] = mapped_column(LargeBinary(CHALLENGE_BYTES), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    browser_hash: Mapped[str] = mapped_column(String(64), index=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    expires_at: Mapped[datetime] = mapped_column(index=True, default=lambda: utcnow() + LIFETIME)


def take_challenge(challenge: bytes, purpose: str, browser_hash: str) -> WebAuthnChallenge | None:
    """Delete a challenge and give it, or None where it is unknown, used, too old, another browser's or for something else."""
    query = delete(WebAuthnChallenge).where(
        WebAuthnChallenge.challenge == challenge,
        WebAuthnChallenge.purpose == purpose,
        WebAuthnChallenge.browser_hash == browser_hash,
    )
    row = db.session.scalar(query.returning(WebAuthnChallenge))
    return row if row is not None and row.expires_at > utcnow() else None


def delete_expired_challenges() -> None:
    """Delete every challenge that is too old, when the caller commits."""
    db.session.execute(delete(WebAuthnChallenge).where(WebAuthnChallenge.expires_at <= utcnow()))

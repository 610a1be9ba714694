"""One-time links: the hash of a token that signs in one account, once, for a short time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.extensions import db
from app.models.user import EMAIL_LENGTH, User
from app.tokens import hash_token

MAX_TRIES = 5  # of the six digits of one mail: a chance of 1 in 200,000


class EmailToken(Base):
    """A token bound to an account; reading it consumes nothing.

    `purpose` is "link" (made by an administrator or the command line), "mail" (asked for by the person), "reset" (of the password) or
    "email" (confirms `new_email`). What came by mail is bound to the browser that asked (`browser_hash`); the six digits whose hash
    is `code_hash` are for another device, and `tries` counts the wrong ones. Of what a browser asked for, only the newest has a code.
    """

    __tablename__ = "email_token"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(16), default="link")
    browser_hash: Mapped[str] = mapped_column(String(64), default="")
    code_hash: Mapped[str] = mapped_column(String(64), default="")
    tries: Mapped[int] = mapped_column(default=0)
    new_email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), default="")
    created_at: Mapped[Timestamp]
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship()


def find_email_token(token: str, purpose: str) -> EmailToken | None:
    """Give the valid token of that purpose with its active user, or None."""
    query = (
        select(EmailToken)
        .join(EmailToken.user)
        .options(joinedload(EmailToken.user))
        .where(EmailToken.token_hash == hash_token(token), EmailToken.purpose == purpose)
        .where(EmailToken.expires_at > utcnow(), User.active)
    )
    return db.session.scalar(query)


def pay_code_tries(browser_hash: str, purpose: str) -> list[EmailToken]:
    """Take one of the five tries of the valid token with a code that a browser asked for, and give it; counted when the caller commits.

    The try is paid for before the code is compared, so that parallel tries are no more than five either.
    """
    is_asked = (EmailToken.browser_hash == browser_hash, EmailToken.purpose == purpose, EmailToken.browser_hash != "")
    is_valid = (EmailToken.code_hash != "", EmailToken.tries < MAX_TRIES, EmailToken.expires_at > utcnow())
    paid = update(EmailToken).where(*is_asked, *is_valid).values(tries=EmailToken.tries + 1).returning(EmailToken)
    return list(db.session.scalars(paid, execution_options={"synchronize_session": False}))


def forget_codes(browser_hash: str, purpose: str) -> None:
    """Make the codes of older mails worthless, when the caller commits; their links stay good.

    Otherwise one guess would be compared with the codes of them all.
    """
    is_asked = (EmailToken.browser_hash == browser_hash, EmailToken.purpose == purpose)
    db.session.execute(update(EmailToken).where(*is_asked).values(code_hash=""))


def consume_email_token(token: EmailToken) -> bool:
    """Delete the link and tell whether this call was the one that did: of parallel uses one wins."""
    rows = db.session.execute(delete(EmailToken).where(EmailToken.id == token.id).returning(EmailToken.id))
    return rows.first() is not None


def delete_email_tokens(user_id: UUID) -> None:
    """Delete every link of an account, when the caller commits."""
    db.session.execute(delete(EmailToken).where(EmailToken.user_id == user_id))


def delete_expired_email_tokens() -> None:
    """Delete every link that is too old, when the caller commits."""
    db.session.execute(delete(EmailToken).where(EmailToken.expires_at <= utcnow()))

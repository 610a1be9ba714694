"""One-time sign-in links: made by an administrator or the command line, used once."""

from __future__ import annotations

from datetime import timedelta
from typing import TextIO
from urllib.parse import urljoin

from app import audit
from app.clock import utcnow
from app.extensions import db
from app.models.email_token import EmailToken, delete_expired_email_tokens
from app.models.user import User
from app.tokens import hash_token, new_token

LIFETIME = timedelta(hours=1)
LIFETIME_MINUTES = int(LIFETIME.total_seconds() // 60)


def create_sign_in_link(user: User, public_url: str) -> str:
    """Give a new link for the account, valid once and for an hour, when the caller commits; only its hash is stored.

    It is built from PUBLIC_URL, never from the request: a forged Host header must not lead the link elsewhere.
    """
    delete_expired_email_tokens()
    token = new_token()
    user_tokens = EmailToken(user_id=user.id, token_hash=hash_token(token), expires_at=utcnow() + LIFETIME)
    db.session.add(user_tokens)
    audit.note("link_created", user)
    return urljoin(f"{public_url}/", f"auth/link/{token}")


def draw_qr(link: str) -> str:
    """Give the link as a QR code for an <img>, black on white in every theme, so that every camera reads it."""
    import segno  # noqa: PLC0415  # only these pages need it

    uri: str = segno.make(link, micro=False).svg_data_uri(border=4, dark="#000", light="#fff")
    return uri


def print_qr(link: str, out: TextIO) -> None:
    """Print the link as a QR code of half blocks."""
    import segno  # noqa: PLC0415  # only a terminal needs it

    segno.make(link, micro=False).terminal(out, border=2, compact=True)

"""Secret tokens: made at random, kept only as a hash."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """Give 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Give the SHA-256 of a token as hex.

    A fast hash is right here: the token has 256 random bits, there is nothing to guess (OWASP ASVS 5.0, 6.5).
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

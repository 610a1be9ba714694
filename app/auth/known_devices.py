"""Browsers that signed in before: a cookie by which an account knows them again (OWASP, "device cookies").

Its mark proves nothing and opens nothing. It only lets its browser pay for tries from a bucket of its own (`app.throttle`), where
strangers can't lock it out.
"""

from __future__ import annotations

import secrets

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from app.addresses import network_of
from app.models.user import User, find_user
from app.throttle import Client
from app.tokens import hash_token

COOKIE = "device"
COOKIE_PATH = "/auth"  # the doors alone
YEAR_SECONDS = 31_536_000


def client_of(email: str) -> Client:
    """Give who asks, as a known device where this browser signed in to the account of that address before."""
    return Client(network_of(request.remote_addr), find_mark(email))


def client_of_anybody() -> Client:
    """Give who asks, as a known device where this browser signed in to any account before: for what names no account.

    The signature is enough. Whether that account is still there, with that password, only matters where something could be guessed.
    """
    found = _read_cookie()
    return Client(network_of(request.remote_addr), found[1] if found else None)


def find_mark(email: str) -> str | None:
    """Give the mark of this browser if it signed in to the account of that address before, with its password of now."""
    found = _read_cookie()
    if found is None:
        return None
    user = find_user(email)
    return found[1] if user is not None and found[0] == _name_account(user) else None


def mark_device(response: Response, user: User) -> None:
    """Give this browser a mark by which the account knows it again, until its password changes."""
    if find_mark(user.email):
        return
    value = _serializer().dumps([_name_account(user), secrets.token_urlsafe(12)])
    secure = current_app.session_interface.get_cookie_secure(current_app)
    response.set_cookie(
        COOKIE, str(value), max_age=YEAR_SECONDS, path=COOKIE_PATH, httponly=True, samesite="Lax", secure=secure
    )


def _read_cookie() -> tuple[str, str] | None:
    """Give what we once signed: the name of an account, and the mark."""
    try:
        account, mark = _serializer().loads(request.cookies.get(COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return None
    return str(account), str(mark)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device")


def _name_account(user: User) -> str:
    """Name the account together with its password: a new password, or a new account of that address, knows no browser yet.

    Nobody can guess passwords with it: that would take the salt, which never leaves the database.
    """
    return hash_token(f"{user.id} {user.password_hash}")

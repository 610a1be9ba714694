"""Signed-in browsers: starting, finding and ending sessions. Shared by every feature that proves who somebody is.

A session is a row; the browser's signed cookie holds its token. Ending the row ends the session at the next request, and the signal
`sessions_ended` tells whoever keeps connections open for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from blinker import Namespace
from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user, login_user, logout_user
from sqlalchemy import ColumnElement, delete, event, or_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import audit
from app.clock import utcnow
from app.errors import NotSignedIn
from app.extensions import db, get_settings, login_manager
from app.models.login_session import LoginSession, find_login_session, get_login_session, idle_time
from app.models.passkey import must_prove_by_passkey
from app.models.user import User, lock_unchanged
from app.tokens import hash_token, new_token

BROWSER_LIFETIME = timedelta(days=1)  # without "stay signed in", where a browser never forgets its session
SEEN_PRECISION = timedelta(minutes=5)
SEEN_PATIENCE_SECONDS = 0.2
FRESH_PROOF = timedelta(minutes=10)  # OWASP ASVS 5.0, 7.5.1: prove it again before what matters most
ENDED = "ended_login_sessions"
COOKIE_KEY = "_user_id"  # where Flask-Login keeps what `User.get_id` gives

sessions_ended = Namespace().signal("sessions-ended")
"""Sent with `session_ids`, a set of the UUIDs of sessions that ended just now, after the commit."""


def init_app(app: Flask, lifetime: timedelta) -> None:
    """Teach Flask-Login to find users by session tokens; `lifetime` is that of a browser that stays signed in."""
    login_manager.session_protection = None  # a session is a row, not bound to an address or a user agent
    login_manager.user_loader(_load_user)
    app.session_interface = _SessionInterface()
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=lifetime,
        SESSION_REFRESH_EACH_REQUEST=False,  # the row has its end; and no cookie belongs into an answer that proxies keep
    )


class _SessionInterface(SecureCookieSessionInterface):
    """Flask's signed cookie; Secure wherever https is used, and not only where PUBLIC_URL says so."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure or super().get_cookie_secure(app)


def _load_user(token: str) -> User | None:
    row = find_login_session(token)
    if row is not None and utcnow() - row.last_seen_at > SEEN_PRECISION:
        _touch(row)
        row = find_login_session(token)  # writing may have waited, and the session may be over by now
    if row is None:
        return None
    user = row.user
    user.session_token, user.session_id, user.session_method = token, row.id, row.method
    return user


def _touch(row: LoginSession) -> None:
    """Note when the browser was last seen, to five minutes: not every request shall write.

    Where it can't be written (a full disk, a lock), the page is shown all the same.
    """
    seen = {"last_seen_at": utcnow()}
    session_id, user_id = row.id, row.user_id
    try:
        db.session.execute(
            update(LoginSession).where(LoginSession.id == session_id).values(seen),
            execution_options={"lock_patience": SEEN_PATIENCE_SECONDS},
        )
        db.session.execute(update(User).where(User.id == user_id).values(seen))
        db.session.commit()
    except OperationalError:
        db.session.rollback()


def sign_in(user: User, *, method: str, remember: bool = False) -> None:
    """Start a session of this browser for the user and commit; whatever session it had ends.

    `method` is how the user proved who they are, as `LoginSession` lists it. By a mail that is no proof before what matters most, nor
    is it by a password where a passkey has to be used (REQUIRE_PASSKEY). Raises NotSignedIn when the account was suspended, or got
    another password, since it was read: what was proven is worth nothing then.
    """
    if not lock_unchanged(user):
        db.session.rollback()
        raise NotSignedIn
    token = new_token()
    now = utcnow()
    proves = method != "mail" and not (method == "password" and must_prove_by_passkey(user))
    this_one = LoginSession.token_hash == hash_token(current_token())
    is_over = or_(LoginSession.expires_at <= now, LoginSession.last_seen_at <= now - idle_time())
    _delete_sessions(or_(this_one, (LoginSession.user_id == user.id) & is_over))
    agent = (request.user_agent.string or "")[:255]
    db.session.add(
        LoginSession(
            user_id=user.id,
            token_hash=hash_token(token),
            method=method,
            user_agent=agent,
            expires_at=now + _lifetime(remember=remember),
            proven_at=now if proves else None,
        )
    )
    user.last_seen_at = now
    audit.note("signed_in", user, method=method)
    db.session.commit()
    session.clear()  # nothing of an earlier session may live on, its CSRF token least of all
    session.permanent = remember
    user.session_token, user.session_method = token, method
    login_user(user)


def _lifetime(*, remember: bool) -> timedelta:
    longest = timedelta(days=get_settings().session_days)
    return longest if remember else min(longest, BROWSER_LIFETIME)


def current_token() -> str:
    """Give the token of this browser's session, or ''."""
    return current_user.session_token or "" if current_user.is_authenticated else ""


def get_current_session() -> LoginSession | None:
    """Give the row of the running request's session."""
    return find_login_session(current_token())


def get_current_session_id() -> UUID:
    """Give which signed-in browser the running request comes from, as it was found when the request began; raises NotSignedIn."""
    if not current_user.is_authenticated or current_user.session_id is None:
        raise NotSignedIn
    session_id: UUID = current_user.session_id
    return session_id


def check_still_signed_in() -> None:
    """Raise NotSignedIn where the session has ended since the request began."""
    if get_current_session() is None:
        raise NotSignedIn


def is_freshly_proven() -> bool:
    """Whether the person proved within the last ten minutes, in this browser, who they are; a mail proves nothing here."""
    row = get_current_session()
    return row is not None and row.proven_at is not None and utcnow() - row.proven_at < FRESH_PROOF


def note_proof() -> None:
    """Remember that the person proved just now who they are, when the caller commits; raises NotSignedIn when the session is over.

    From then on the browser may do more, so it gets a new token (OWASP ASVS 5.0, 7.2.4): an older copy of its cookie is worth nothing.
    """
    _rotate(proven_at=utcnow())


def _rotate(**values: datetime) -> None:
    """Give this browser's session another token; its row, and with it its open streams, stay. Raises NotSignedIn."""
    token = new_token()
    this_one = LoginSession.token_hash == hash_token(current_token())
    renewed = update(LoginSession).where(this_one).values(token_hash=hash_token(token), **values)
    if db.session.scalar(renewed.returning(LoginSession.id)) is None:
        db.session.rollback()
        raise NotSignedIn
    current_user.session_token = token
    session[COOKIE_KEY] = token


def forget_proofs(user_id: UUID) -> None:
    """Let every browser of the user prove anew who they are before what needs it, when the caller commits."""
    db.session.execute(update(LoginSession).where(LoginSession.user_id == user_id).values(proven_at=None))


def sign_out() -> None:
    """End this browser's session and commit."""
    if current_user.is_authenticated:
        audit.note("signed_out", current_user)
    _delete_sessions(LoginSession.token_hash == hash_token(current_token()))
    db.session.commit()
    forget_browser()


def forget_browser() -> None:
    """Take every trace of a session out of this browser's cookie."""
    logout_user()
    session.clear()


def end_sessions(user_id: UUID) -> None:
    """End all sessions of the user when the caller commits."""
    _delete_sessions(LoginSession.user_id == user_id)


def end_sessions_elsewhere(user_id: UUID) -> None:
    """End all sessions of the user when the caller commits; one's own but this one, which gets a new token."""
    if current_user.is_authenticated and current_user.id == user_id:
        keep_this_session_alone()
    else:
        end_sessions(user_id)


def end_session(user_id: UUID, session_id: UUID) -> LoginSession:
    """End one signed-in browser of the user when the caller commits, and give what it was; raises NotFound."""
    row = get_login_session(user_id, session_id)
    _delete_sessions((LoginSession.id == session_id) & (LoginSession.user_id == user_id))
    return row


def end_other_sessions(user_id: UUID, session_id: UUID) -> int:
    """End all sessions of the user but this one when the caller commits; gives how many they were."""
    return _delete_sessions((LoginSession.user_id == user_id) & (LoginSession.id != session_id))


def keep_this_session_alone() -> None:
    """End the user's other sessions and give this one a new token, when the caller commits: a way in was taken away or changed.

    This browser's open streams go on: they belong to the row. Raises NotSignedIn.
    """
    end_other_sessions(current_user.id, get_current_session_id())
    _rotate()


def _delete_sessions(condition: ColumnElement[bool]) -> int:
    ended = db.session.scalars(delete(LoginSession).where(condition).returning(LoginSession.id)).all()
    db.session.info.setdefault(ENDED, set()).update(ended)
    return len(ended)


def _announce(database_session: Session) -> None:
    ended = database_session.info.pop(ENDED, set())
    if ended:
        sessions_ended.send(None, session_ids=ended)


def _forget(database_session: Session) -> None:
    database_session.info.pop(ENDED, None)


event.listen(db.session, "after_commit", _announce)
event.listen(db.session, "after_rollback", _forget)

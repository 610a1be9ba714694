"""Passwords: what is accepted, and hashing them away from the event loop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from werkzeug.security import DEFAULT_PBKDF2_ITERATIONS, check_password_hash, generate_password_hash

from app.concurrency import NativePool
from app.errors import InvalidField, Unavailable

MIN_LENGTH = 8
MAX_LENGTH = 128  # NIST SP 800-63B-4, 3.1.1.2: at least 64 must be allowed, and a bound keeps hashing cheap
METHOD = "pbkdf2:sha256"  # Werkzeug's current default number of iterations
# Nobody's password: costs as much to check as a real one, and nothing to make.
DUMMY_HASH = f"{METHOD}:{DEFAULT_PBKDF2_ITERATIONS}$nobody${'0' * 64}"

# One hash at a time, when nobody else wants the core: it costs 0.3 s of one, and a flood of sign-ins must not slow the streams.
_hashing = NativePool(1, is_background=True)
MAX_WAITING = 20
MAX_WAITING_EACH = 3  # of one account: nobody fills a line alone
# Two lines for the one thread: strangers who fill theirs do not keep out who is known.
_places = {is_known: threading.BoundedSemaphore(MAX_WAITING) for is_known in (False, True)}
_waiting: Counter[tuple[bool, str]] = Counter()
_counting = threading.Lock()


def check_acceptable(password: str, field: str = "password") -> None:
    """Raise InvalidField unless the length is right and the password is not a common one. Nothing else is asked (NIST)."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidField(field, f"Use {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if password.casefold() in _common_passwords():
        raise InvalidField(field, "This password is on every attacker's list. Choose another one.")


def hash_password(password: str, who: str = "", *, is_known: bool = False) -> str:
    """Give the salted hash; takes some tenths of a second in a native thread. Raises Unavailable where the line is full.

    `who` names the account, if there is one yet. Who `is_known` has a line of their own.
    """
    with _place(who, is_known=is_known):
        return _hashing.run(generate_password_hash, password, METHOD)


def verify_password(stored: str | None, password: str, who: str, *, is_known: bool = False) -> bool:
    """Tell whether a password is right; takes the same time when there is none stored, so that time tells nothing.

    `who` names the account; who `is_known`, as a browser that signed in before, has a line of their own. Raises Unavailable.
    """
    with _place(who, is_known=is_known):
        matches = _hashing.run(check_password_hash, stored or DUMMY_HASH, password[:MAX_LENGTH])
    return matches and stored is not None and len(password) <= MAX_LENGTH


def check_room(who: str, *, is_known: bool = False) -> None:
    """Raise Unavailable where the line is full already: before anything is written for somebody who would have to go away."""
    with _place(who, is_known=is_known):
        return


@contextmanager
def _place(who: str, *, is_known: bool) -> Iterator[None]:
    """Take a place in the line for the one thread that hashes; raises Unavailable when the line is too long to be worth waiting."""
    key = is_known, who
    with _counting:
        has_place = (not who or _waiting[key] < MAX_WAITING_EACH) and _places[is_known].acquire(blocking=False)
        if has_place:
            _waiting[key] += 1
    if not has_place:
        raise Unavailable("Many people are signing in at this moment. Please try again.", retry_after=5)
    try:
        yield
    finally:
        with _counting:
            _places[is_known].release()
            _waiting[key] -= 1
            if not _waiting[key]:
                del _waiting[key]


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  # a megabyte that only registration needs

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)

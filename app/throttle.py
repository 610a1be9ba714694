"""Token buckets in the database: one mechanism, one line per policy.

A proof (a password, later a code or a link) is paid for before it is checked and refunded when it was right, so that a hundred
parallel tries cannot all pass before the first one is counted.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from app.clock import utcnow
from app.errors import TooManyRequests
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket

STALE = timedelta(days=2)


@dataclass(frozen=True)
class Policy:
    """`capacity` tries at once; an empty bucket is full again after `refill`."""

    name: str
    capacity: int
    refill: timedelta


# Humans mistype a few times; NIST SP 800-63B-4, 3.2.2 allows at most 100 consecutive failures on one account.
LOGIN_BY_ADDRESS = Policy("login-address", 30, timedelta(minutes=10))
LOGIN_BY_PAIR = Policy("login-pair", 6, timedelta(minutes=6))
LOGIN_BY_ACCOUNT = Policy("login-account", 100, timedelta(hours=1))
LOGIN_BY_DEVICE = Policy("login-device", 12, timedelta(minutes=12))
# Eighty bits can't be guessed, so nothing is counted by account: nobody can lock the owner out (SP 800-63B-4, 3.1.2.2).
RECOVERY_BY_ADDRESS = Policy("recovery-address", 10, timedelta(minutes=10))
MAIL_BY_ADDRESS = Policy("mail-address", 20, timedelta(hours=1))
MAIL_BY_RECIPIENT = Policy("mail-recipient", 5, timedelta(hours=1))  # nobody's mailbox shall be filled by strangers
CODE_BY_ADDRESS = Policy("code-address", 30, timedelta(minutes=30))
CODE_BY_RECIPIENT = Policy(
    "code-recipient", 30, timedelta(days=1)
)  # guessing six digits: 1 in 33,000 a day; links go on working
REGISTER_BY_ADDRESS = Policy("register-address", 20, timedelta(hours=1))

Charge = tuple[Policy, str]


def pay(*charges: Charge) -> None:
    """Take one token for each charge and commit; raises TooManyRequests, and takes nothing, when a bucket is empty."""
    for policy, subject in sorted(charges, key=lambda charge: charge[0].name):  # always in one order: no deadlock
        _take(policy, subject)
    db.session.commit()


def refund(*charges: Charge) -> None:
    """Give back what `pay` took, when the caller commits."""
    for policy, subject in charges:
        bucket = ThrottleBucket.key == _key(policy, subject)
        db.session.execute(update(ThrottleBucket).where(bucket).values(tokens=ThrottleBucket.tokens + 1))


def forget_stale() -> None:
    """Drop buckets that are full again anyway, when the caller commits."""
    db.session.execute(delete(ThrottleBucket).where(ThrottleBucket.updated_at < utcnow() - STALE))


def _key(policy: Policy, subject: str) -> str:
    return hashlib.sha256(f"{policy.name}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def _take(policy: Policy, subject: str) -> None:
    key = _key(policy, subject)
    left, updated_at = _lock(key) or _create(key, policy)
    now = utcnow()
    rate = policy.capacity / policy.refill.total_seconds()
    tokens = min(policy.capacity, left + (now - updated_at).total_seconds() * rate)
    if tokens < 1:
        db.session.rollback()
        wait = math.ceil((1 - tokens) / rate)
        raise TooManyRequests("Too many tries. Please wait a moment and try again.", retry_after=wait)
    values = {"tokens": tokens - 1, "updated_at": now}
    db.session.execute(update(ThrottleBucket).where(ThrottleBucket.key == key).values(values))


def _lock(key: str) -> tuple[float, datetime] | None:
    # An update that changes nothing: unlike SELECT … FOR UPDATE it takes the lock on SQLite too.
    same = update(ThrottleBucket).where(ThrottleBucket.key == key).values(tokens=ThrottleBucket.tokens)
    row = db.session.execute(same.returning(ThrottleBucket.tokens, ThrottleBucket.updated_at)).one_or_none()
    return (row.tokens, row.updated_at) if row else None


def _create(key: str, policy: Policy) -> tuple[float, datetime]:
    full = ThrottleBucket(key=key, tokens=float(policy.capacity), updated_at=utcnow())
    try:
        with db.session.begin_nested():
            db.session.add(full)
    except IntegrityError:  # somebody else made it a moment ago
        return _lock(key) or (full.tokens, full.updated_at)
    return full.tokens, full.updated_at

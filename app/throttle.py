"""Token buckets in the database: one mechanism, one line per policy.

A proof (a password, a passkey, a code, a link) is paid for before it is checked and refunded when it was right, so that a hundred
parallel tries cannot all pass before the first one is counted. Whoever empties a bucket again and again waits longer each time.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flask import current_app
from sqlalchemy import case, delete, update
from sqlalchemy.exc import IntegrityError

from app.clock import utcnow
from app.errors import TooManyRequests
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket

STALE = timedelta(days=2)
SENTENCE = "Too many tries. Please wait a moment and try again."
MAX_REMEMBERED = 10_000  # refusals that a process knows by heart: one megabyte


@dataclass(frozen=True)
class Policy:
    """`capacity` tries at once; an empty bucket is full again after `refill`, the first time.

    Each further time that it is emptied before it was full, that takes twice as long, up to 2 ** `doublings` times.
    """

    name: str
    capacity: int
    refill: timedelta
    doublings: int = 0

    @property
    def longest_refill(self) -> timedelta:
        """How long it takes at most until the bucket is full again."""
        factor: int = 2**self.doublings
        return self.refill * factor

    def rate(self, strikes: int) -> float:
        """Give how many tries a second come back after so many strikes."""
        slower: int = 2 ** min(max(strikes - 1, 0), self.doublings)
        return self.capacity / (self.refill.total_seconds() * slower)


@dataclass(frozen=True)
class Client:
    """Where a try comes from: the network address, and the mark of a known device (`app.auth.known_devices`)."""

    address: str
    device: str | None = None


# Humans mistype a few times; NIST SP 800-63B-4, 3.2.2 allows at most 100 consecutive failures on one account.
LOGIN_BY_ADDRESS = Policy("login-address", 30, timedelta(minutes=10), doublings=3)
LOGIN_BY_PAIR = Policy("login-pair", 6, timedelta(minutes=6), doublings=4)
LOGIN_BY_ACCOUNT = Policy("login-account", 100, timedelta(hours=1), doublings=2)
# All strangers together: a hash is 0.3 s of a core, so this is a third of one core at most. Nobody is punished for what others do.
LOGIN_OVERALL = Policy("login-overall", 300, timedelta(minutes=5))
REGISTER_BY_ADDRESS = Policy("register-address", 20, timedelta(hours=1))
REGISTER_OVERALL = Policy("register-overall", 300, timedelta(minutes=5))  # a third of a core, like LOGIN_OVERALL
# Right passwords, which all else gives back: each costs a hash too. Given back where it was wrong, so no stranger can use it up.
SIGN_IN_BY_ACCOUNT = Policy("sign-in-account", 60, timedelta(minutes=10))

# A sign-in page that is looked at asks for a challenge every 100 s: this is enough for a hundred of them behind one address, or ten in
# one browser. A challenge is a row for two minutes, so an address holds 720 rows at most.
CHALLENGE_BY_ADDRESS = Policy("challenge-address", 600, timedelta(minutes=10))
CHALLENGE_BY_DEVICE = Policy("challenge-device", 60, timedelta(minutes=10))

# Nobody's mailbox shall be filled by strangers, nor the line of mails: mail servers stop taking them from who sends too many.
MAIL_BY_ADDRESS = Policy("mail-address", 20, timedelta(hours=1))
MAIL_BY_RECIPIENT = Policy("mail-recipient", 5, timedelta(hours=1))
MAIL_OVERALL = Policy("mail-overall", 300, timedelta(hours=1))
# Six digits can be guessed: 30 tries a day are 1 in 33,000 for one account, 200 are 1 in 5,000 for all accounts together: a
# try is compared with the newest code of its browser alone. Links go on working.
CODE_BY_ADDRESS = Policy("code-address", 30, timedelta(minutes=30), doublings=3)
CODE_BY_RECIPIENT = Policy("code-recipient", 30, timedelta(days=1))
CODE_OVERALL = Policy("code-overall", 200, timedelta(days=1))

# Nobody guesses a passkey, a token of 256 bits or a recovery code of 80: this only keeps one address from keeping the database busy.
# Nothing is counted by account (SP 800-63B-4, 3.1.2.2), nor for all together: checking takes about a millisecond, so there is little to
# protect, and whoever has many addresses would use such a limit up and lock everybody out.
UNGUESSABLE_BY_ADDRESS = Policy("unguessable-address", 120, timedelta(minutes=10), doublings=2)
UNGUESSABLE = ("passkey", "link", "recovery")

# What a known device pays. Where something could be guessed it is one that is known to that very account; for a passkey or a link it is
# enough that it signed in to any account here. Who makes an account to collect marks gets a try a minute for each, at what nobody
# guesses: a thousand right sign-ins for 17 tries a second, of about a millisecond, which 85 addresses have without any.
PROOF_BY_DEVICE = Policy("proof-device", 12, timedelta(minutes=12), doublings=3)

# What one account can have mailed: nobody changes their address or their ways in more often on a bad day, and no mailbox is filled.
NOTICE_BY_ACCOUNT = Policy("notice-account", 10, timedelta(hours=1))
NEW_EMAIL_BY_ACCOUNT = Policy("new-email-account", 5, timedelta(hours=1))

Kind = Literal["password", "passkey", "link", "recovery", "code"]
Charge = tuple[Policy, str]


def charges_of_proof(kind: Kind, client: Client, account: str = "") -> tuple[Charge, ...]:
    """Give what a try to prove oneself costs.

    `account` is whatever names the account, the same for known and unknown ones. Each kind has its own buckets:
    who floods the passwords does not lock out a passkey. A known device pays from its own bucket alone: whatever others do, from
    whichever address, its owner gets in.
    """
    if kind == "code":
        return _charges_of_code(client, account)
    if client.device:
        return ((PROOF_BY_DEVICE, f"{kind} {client.device}"),)
    if kind in UNGUESSABLE:
        return ((UNGUESSABLE_BY_ADDRESS, f"{kind} {client.address}"),)
    return (
        (LOGIN_BY_ADDRESS, f"{kind} {client.address}"),
        (LOGIN_BY_PAIR, f"{kind} {client.address} {account}"),
        (LOGIN_BY_ACCOUNT, f"{kind} {account}"),
        (LOGIN_OVERALL, kind),
    )


def charges_of_mail(client: Client, recipient: str) -> tuple[Charge, ...]:
    """Give what it costs to have a mail sent.

    The known devices of an account have a bucket together, where strangers can't keep the mail from its owner: one for each would fill
    the mailbox of somebody whose address a stranger signed up with.
    """
    if client.device:
        return ((MAIL_BY_RECIPIENT, f"known {recipient}"),)
    return (MAIL_BY_ADDRESS, client.address), (MAIL_BY_RECIPIENT, f"strange {recipient}"), (MAIL_OVERALL, "")


def _charges_of_code(client: Client, account: str) -> tuple[Charge, ...]:
    # The known devices together again: whoever stole one and can read no mail shall not guess for each sign-in anew.
    if client.device:
        return ((CODE_BY_RECIPIENT, f"known {account}"),)
    return (CODE_BY_ADDRESS, client.address), (CODE_BY_RECIPIENT, f"strange {account}"), (CODE_OVERALL, "")


def charge_of_challenge(client: Client) -> Charge:
    """Give what a challenge costs."""
    return (CHALLENGE_BY_DEVICE, client.device) if client.device else (CHALLENGE_BY_ADDRESS, client.address)


def pay_for_proof(kind: Kind, client: Client, account: str = "") -> tuple[Charge, ...]:
    """Take what a try costs, commit, and give it, to be handed to `refund` when the proof was right; raises TooManyRequests.

    To be called before anything is looked up or hashed: a refusal then says nothing, and costs next to nothing.
    """
    charges = charges_of_proof(kind, client, account)
    pay(*charges)
    return charges


def pay(*charges: Charge) -> None:
    """Take one token for each charge and commit; raises TooManyRequests, and takes nothing, when a bucket is empty."""
    keyed = {_key(*charge): charge[0] for charge in charges}
    _refuse_known(keyed)
    for key in sorted(keyed):  # always in one order: no deadlock
        _take(keyed[key], key)
    db.session.commit()


def refund(*charges: Charge) -> None:
    """Give back what `pay` took, when the caller commits: the strike too, where that try had emptied the bucket."""
    emptied = case((ThrottleBucket.tokens < 1, 1), else_=0)
    fewer = case((ThrottleBucket.strikes > 0, ThrottleBucket.strikes - emptied), else_=0)
    for key in sorted(_key(*charge) for charge in charges):
        values = {"tokens": ThrottleBucket.tokens + 1, "strikes": fewer}
        db.session.execute(update(ThrottleBucket).where(ThrottleBucket.key == key).values(values))
        _refusals().pop(key, None)


def forget_stale() -> None:
    """Drop buckets that are full again anyway, when the caller commits."""
    db.session.execute(delete(ThrottleBucket).where(ThrottleBucket.updated_at < utcnow() - STALE))


def _refusals() -> dict[str, datetime]:
    """Give the buckets that this process knows to be empty, each with the moment of its next try.

    Two hundred refusals a second must not ask the database for its lock two hundred times.
    """
    known: dict[str, datetime] = current_app.extensions.setdefault("throttle_refusals", {})
    return known


def _refuse_known(keys: dict[str, Policy]) -> None:
    known, now = _refusals(), utcnow()
    for key in keys:
        until = known.get(key)
        if until is not None and until > now:
            raise TooManyRequests(SENTENCE, retry_after=math.ceil((until - now).total_seconds()))


def _remember_refusal(key: str, wait: float) -> None:
    known = _refusals()
    if len(known) >= MAX_REMEMBERED:
        known.clear()  # the database knows them all
    known[key] = utcnow() + timedelta(seconds=wait)


def _key(policy: Policy, subject: str) -> str:
    return hashlib.sha256(f"{policy.name}\0{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def _take(policy: Policy, key: str) -> None:
    left, strikes, updated_at = _lock(key) or _create(key, policy)
    now = utcnow()
    rate = policy.rate(strikes)
    tokens = min(policy.capacity, left + (now - updated_at).total_seconds() * rate)
    if tokens < 1:
        db.session.rollback()
        wait = (1 - tokens) / rate
        _remember_refusal(key, wait)
        raise TooManyRequests(SENTENCE, retry_after=math.ceil(wait))
    was_full, is_emptied = tokens == policy.capacity, tokens < 2
    strikes = (0 if was_full else strikes) + int(is_emptied)
    values = {"tokens": tokens - 1, "strikes": strikes, "updated_at": now}
    db.session.execute(update(ThrottleBucket).where(ThrottleBucket.key == key).values(values))


def _lock(key: str) -> tuple[float, int, datetime] | None:
    # An update that changes nothing: unlike SELECT … FOR UPDATE it takes the lock on SQLite too.
    same = update(ThrottleBucket).where(ThrottleBucket.key == key).values(tokens=ThrottleBucket.tokens)
    columns = ThrottleBucket.tokens, ThrottleBucket.strikes, ThrottleBucket.updated_at
    row = db.session.execute(same.returning(*columns)).one_or_none()
    return (row.tokens, row.strikes, row.updated_at) if row else None


def _create(key: str, policy: Policy) -> tuple[float, int, datetime]:
    full = ThrottleBucket(key=key, tokens=float(policy.capacity), strikes=0, updated_at=utcnow())
    try:
        with db.session.begin_nested():
            db.session.add(full)
    except IntegrityError:  # somebody else made it a moment ago
        return _lock(key) or (full.tokens, 0, full.updated_at)
    return full.tokens, 0, full.updated_at

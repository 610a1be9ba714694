"""The passkeys of one person: what is told of them, renaming, removing, and living without a password.

The last way in can never be removed: there is always a password, or a passkey that works.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app import audit, mail
from app.auth.passkey_checks import to_base64url
from app.auth.passkey_providers import find_icon, find_provider
from app.clock import utcnow
from app.errors import Conflict, InvalidField, NotFound, NotSignedIn
from app.extensions import db
from app.models.email_token import delete_email_tokens
from app.models.passkey import NAME_LENGTH, Passkey, delete_passkey, get_passkey, list_passkeys
from app.models.recovery_code import count_unused_recovery_codes
from app.models.user import User, lock_unchanged
from app.sessions import keep_this_session_alone

OFFER_AGAIN = timedelta(days=30)
LAST_WAY_IN = "This is your only way in. Add another passkey first, or set a password."
LAST_REQUIRED = "This installation asks for a passkey, and this is your only one. Add another one first."
NOT_YET = (
    "Add a second passkey first, or recovery codes beside one that is synced: "
    "without the password a single one is too easily lost."
)


@dataclass(frozen=True)
class Listed:
    """A passkey as its owner sees it."""

    passkey: Passkey
    provider: str
    has_icon: bool
    is_of_other_host: bool

    @property
    def is_synced(self) -> bool:
        """Whether its provider keeps it on several devices."""
        return self.passkey.backed_up


@dataclass(frozen=True)
class Security:
    """What the page says of somebody's passkeys: the list, whether the password can go, and the ids for the browser to keep."""

    passkeys: list[Listed]
    can_remove_password: bool
    user_id: str
    accepted_ids: list[str]
    wants_second: bool


def describe(user: User, rp_id: str) -> Security:
    """Give what the page shows."""
    passkeys = list_passkeys(user.id)
    usable = [passkey for passkey in passkeys if passkey.is_usable(rp_id)]
    return Security(
        passkeys=[_listed(passkey, rp_id) for passkey in passkeys],
        can_remove_password=user.password_hash is not None and _can_live_without_password(user, usable),
        user_id=to_base64url(user.webauthn_handle),
        accepted_ids=[to_base64url(passkey.credential_id) for passkey in passkeys if passkey.rp_id == rp_id],
        wants_second=len(usable) == 1 and not usable[0].backed_up,
    )


def _listed(passkey: Passkey, rp_id: str) -> Listed:
    has_icon = find_icon(passkey.aaguid) is not None
    return Listed(passkey, find_provider(passkey.aaguid), has_icon, is_of_other_host=passkey.rp_id != rp_id)


def _can_live_without_password(user: User, usable: list[Passkey]) -> bool:
    is_synced = any(passkey.backed_up for passkey in usable)
    return len(usable) >= 2 or (is_synced and count_unused_recovery_codes(user.id) > 0)


def rename_passkey(user: User, passkey_id: UUID, name: str) -> None:
    """Call a passkey otherwise; raises NotFound, InvalidField."""
    passkey = get_passkey(user.id, passkey_id)
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidField("name", f"Use 1 to {NAME_LENGTH} characters.")
    passkey.name = name
    audit.note("passkey_renamed", user, detail=name)
    db.session.commit()


def remove_passkey(user: User, passkey_id: UUID, rp_id: str, *, is_required: bool) -> str:
    """Delete a passkey, sign all other browsers out, and give its name.

    Raises NotFound, and Conflict for the last way in; `is_required`: the person has to keep one, even with a password.
    """
    _lock(user)
    passkey = get_passkey(user.id, passkey_id)
    others = [other for other in list_passkeys(user.id) if other.id != passkey_id and other.is_usable(rp_id)]
    if passkey.is_usable(rp_id) and not others and (is_required or user.password_hash is None):
        db.session.rollback()
        raise Conflict(LAST_REQUIRED if is_required else LAST_WAY_IN)
    name = passkey.name
    if not delete_passkey(passkey):
        raise NotFound
    keep_this_session_alone()
    audit.note("passkey_removed", user, detail=name)
    db.session.commit()
    mail.notify(user, "passkey_removed", f"It was called {mail.quoted(name)}.")
    return name


def remove_password(user: User, rp_id: str) -> None:
    """Take the password away and sign all other browsers out; raises Conflict while it is still needed."""
    _lock(user)
    usable = [passkey for passkey in list_passkeys(user.id) if passkey.is_usable(rp_id)]
    if not _can_live_without_password(user, usable):
        db.session.rollback()
        raise Conflict(NOT_YET)
    user.password_hash = None
    delete_email_tokens(user.id)  # a mail that resets it would bring it back
    keep_this_session_alone()
    audit.note("password_removed", user)
    db.session.commit()
    mail.notify(user, "password_removed")


def postpone_offer(user: User) -> None:
    """Offer no passkey for a month."""
    user.passkey_offer_after = utcnow() + OFFER_AGAIN
    db.session.commit()


def wants_offer(user: User) -> bool:
    """Whether to offer a passkey to somebody who has just signed in with a password."""
    is_time = user.passkey_offer_after is None or user.passkey_offer_after <= utcnow()
    return is_time and not list_passkeys(user.id)


def _lock(user: User) -> None:
    """Hold the account's row until the commit: of two removals at once, the second one sees the first."""
    if not lock_unchanged(user):
        db.session.rollback()
        raise NotSignedIn

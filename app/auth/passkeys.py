"""Passkey ceremonies: each begins with a challenge for one browser and ends with an answer to it.

A challenge is used up by its answer, right or wrong, before anything of the answer is believed. Each function
is one transaction; that of `sign_in` ends with the session that is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app import audit, invitations, mail, sessions, throttle
from app.auth import passkey_checks as checks
from app.auth.actions import TAKEN
from app.auth.passkey_bodies import Assertion, Credential, NewPasskeyBody
from app.auth.passkey_providers import find_provider
from app.clock import utcnow
from app.email_address import check_email
from app.errors import Conflict, NotSignedIn, PasskeyRefused
from app.extensions import db
from app.models.passkey import (
    NAME_LENGTH,
    Passkey,
    advance_counter,
    block_passkey,
    count_passkeys,
    find_passkey,
    list_passkeys,
)
from app.models.user import WEBAUTHN_HANDLE_BYTES, User, lock_unchanged
from app.models.webauthn_challenge import (
    CHALLENGE_BYTES,
    LIFETIME,
    WebAuthnChallenge,
    delete_expired_challenges,
    take_challenge,
)

PRODUCT = "Password-less Chat"
MAX_PASSKEYS = 20
TRANSPORTS = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")  # WebAuthn Level 3, 5.8.4
KNOWN = "This passkey is in use here already."
BLOCKED = (
    "This passkey is blocked, because there may be a copy of it: its counter went backwards. "
    "Sign in another way, remove it in your settings, and add a new one."
)


@dataclass(frozen=True)
class Ceremony:
    """Where a ceremony takes place: our site, the browser (the hash of its cookie), and who pays for it."""

    site: checks.Site
    browser_hash: str
    client: throttle.Client


Begins = Callable[[Ceremony], dict[str, Any]]


def begin_sign_in(ceremony: Ceremony) -> dict[str, Any]:
    """Give the options of a sign-in: the same for everybody, because nobody is asked who they are; raises TooManyRequests."""
    return _request_options(ceremony, "sign-in", None)


def begin_confirm(user: User, ceremony: Ceremony) -> dict[str, Any]:
    """Give the options to prove once more, with a passkey of this very account, who is there; raises TooManyRequests."""
    options = _request_options(ceremony, "confirm", user.id)
    usable = [passkey for passkey in list_passkeys(user.id) if passkey.is_usable(ceremony.site.rp_id)]
    return {**options, "allowCredentials": [_descriptor(passkey) for passkey in usable]}


def begin_add(user: User, ceremony: Ceremony, *, is_silent: bool) -> dict[str, Any]:
    """Give the options of a further passkey; raises TooManyRequests. What the account has already is not made again."""
    challenge = _new_challenge(ceremony, _purpose(is_silent), user.id)
    return _creation_options(ceremony, challenge, user.email, user.display_name, user.webauthn_handle, user.id)


def begin_sign_up(email: str, ceremony: Ceremony) -> dict[str, Any]:
    """Give the options of a new account's passkey, the same whether the address is taken or not; raises InvalidField."""
    email = email.strip()
    check_email(email)
    handle = secrets.token_bytes(WEBAUTHN_HANDLE_BYTES)
    challenge = _new_challenge(ceremony, "sign-up", None, {"email": email, "handle": handle.hex()})
    return _creation_options(ceremony, challenge, email, email, handle, None)


def sign_up(body: NewPasskeyBody, ceremony: Ceremony, invitation: str = "") -> User:
    """Create an account with a passkey and no password.

    Raises PasskeyRefused, Conflict when the address is taken, NotAllowed, TooManyRequests.
    """
    throttle.pay((throttle.REGISTER_BY_ADDRESS, ceremony.client.address))
    invitations.check(invitation)
    challenge = _take(body.credential, "sign-up", ceremony, None)
    made = checks.check_registration(body.credential, challenge.challenge, ceremony.site)
    email = str(challenge.data["email"])
    user = User.create(email)
    user.webauthn_handle = bytes.fromhex(challenge.data["handle"])
    db.session.add(user)
    _flush_or(TAKEN)
    passkey = _store(user, made, body, ceremony)
    invitations.use(invitation)
    audit.note("registered", user, method="passkey", detail=passkey.name)
    db.session.commit()
    return user


def sign_in(credential: Credential[Assertion], ceremony: Ceremony) -> User:
    """Give the account that this answer proves; raises PasskeyRefused, TooManyRequests.

    The use is noted when `sessions.sign_in` commits: until then nobody removes the passkey.
    """
    return _prove(credential, "sign-in", ceremony, None).user


def confirm(user: User, credential: Credential[Assertion], ceremony: Ceremony) -> None:
    """Remember that this very user proved once more who they are; raises PasskeyRefused, TooManyRequests."""
    _prove(credential, "confirm", ceremony, user)
    sessions.note_proof()
    audit.note("confirmed", user, method="passkey")
    db.session.commit()


def add(user: User, body: NewPasskeyBody, ceremony: Ceremony) -> Passkey:
    """Give the account a further passkey.

    Raises PasskeyRefused, Conflict for one that is known or one too many, and NotSignedIn when the account has changed.
    """
    challenge = _take(body.credential, _purpose(body.silent), ceremony, user)
    made = checks.check_registration(body.credential, challenge.challenge, ceremony.site, is_silent=body.silent)
    if not lock_unchanged(user):
        db.session.rollback()
        raise NotSignedIn
    if count_passkeys(user.id) >= MAX_PASSKEYS:
        db.session.rollback()
        raise Conflict(f"You have {MAX_PASSKEYS} passkeys already. Remove one first.")
    passkey = _store(user, made, body, ceremony)
    audit.note("passkey_added", user, detail=passkey.name)
    db.session.commit()
    mail.notify(user, "passkey_added", f"It is called {mail.quoted(passkey.name)}.")
    return passkey


def _purpose(is_silent: bool) -> str:  # noqa: FBT001  # told apart, so that a silent answer never serves for the other
    return "add-silently" if is_silent else "add"


def _new_challenge(ceremony: Ceremony, purpose: str, user_id: UUID | None, data: dict[str, Any] | None = None) -> bytes:
    throttle.pay(throttle.charge_of_challenge(ceremony.client))
    delete_expired_challenges()
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    about = {"browser_hash": ceremony.browser_hash, "user_id": user_id, "data": data or {}}
    db.session.add(WebAuthnChallenge(challenge=challenge, purpose=purpose, **about))
    db.session.commit()
    return challenge


def _request_options(ceremony: Ceremony, purpose: str, user_id: UUID | None) -> dict[str, Any]:
    return {
        "challenge": checks.to_base64url(_new_challenge(ceremony, purpose, user_id)),
        "rpId": ceremony.site.rp_id,
        "allowCredentials": [],
        "userVerification": "required",
        "timeout": int(LIFETIME.total_seconds() * 1000),
    }


def _creation_options(
    ceremony: Ceremony, challenge: bytes, name: str, display_name: str, handle: bytes, user_id: UUID | None
) -> dict[str, Any]:
    held = list_passkeys(user_id) if user_id else []
    return {
        "challenge": checks.to_base64url(challenge),
        "rp": {"id": ceremony.site.rp_id, "name": PRODUCT},
        "user": {"id": checks.to_base64url(handle), "name": name, "displayName": display_name},
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in checks.ALGORITHMS],
        "excludeCredentials": [_descriptor(passkey) for passkey in held],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": int(LIFETIME.total_seconds() * 1000),
    }


def _descriptor(passkey: Passkey) -> dict[str, Any]:
    transports = {"transports": passkey.transports} if passkey.transports else {}
    return {"type": "public-key", "id": checks.to_base64url(passkey.credential_id), **transports}


def _take(credential: Credential[Any], purpose: str, ceremony: Ceremony, user: User | None) -> WebAuthnChallenge:
    """Use up the challenge that this answers; raises PasskeyRefused."""
    row = take_challenge(checks.read_challenge(credential), purpose, ceremony.browser_hash)
    db.session.commit()
    if row is None or row.user_id != (user.id if user else None):
        raise checks.refused("challenge")
    return row


def _store(user: User, made: checks.NewCredential, body: NewPasskeyBody, ceremony: Ceremony) -> Passkey:
    transports = sorted(set(body.credential.response.transports).intersection(TRANSPORTS))
    passkey = Passkey(
        user_id=user.id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        aaguid=made.aaguid,
        transports=transports,
        backup_eligible=made.backup_eligible,
        backed_up=made.backed_up,
        rp_id=ceremony.site.rp_id,
        name=_first_name(user, made.aaguid, transports),
    )
    db.session.add(passkey)
    _flush_or(KNOWN)
    return passkey


def _first_name(user: User, aaguid: str, transports: list[str]) -> str:
    """Call it by its provider, with a number where there are several."""
    is_key = bool({"usb", "nfc"} & set(transports)) and "internal" not in transports
    name = (find_provider(aaguid) or ("Security key" if is_key else "Passkey"))[: NAME_LENGTH - 4]
    taken = {passkey.name for passkey in list_passkeys(user.id)}
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _flush_or(sentence: str) -> None:
    """Write what was added; raises Conflict with the sentence where it is there already."""
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(sentence) from error


def _prove(credential: Credential[Assertion], purpose: str, ceremony: Ceremony, user: User | None) -> Passkey:
    """Give the passkey that this answer proves, its use noted, when the caller commits; `user`: whose it has to be."""
    charges = throttle.pay_for_proof("passkey", ceremony.client)
    challenge = _take(credential, purpose, ceremony, user)
    passkey = find_passkey(checks.from_base64url(credential.raw_id))
    if passkey is None or (user is not None and passkey.user_id != user.id):
        raise checks.refused("unknown_credential")
    was_blocked = passkey.blocked_at is not None
    try:
        proof = checks.check_sign_in(credential, challenge.challenge, ceremony.site, passkey, needs_handle=user is None)
        _use(passkey, proof)
    except PasskeyRefused as error:
        audit.note("passkey_refused", passkey.user, method="passkey", detail=f"{passkey.name}: {error.reason}")
        db.session.commit()
        if passkey.blocked_at is not None and not was_blocked:
            mail.notify(passkey.user, "passkey_blocked", f"It is called {mail.quoted(passkey.name)}.")
        raise
    throttle.refund(*charges)
    return passkey


def _use(passkey: Passkey, proof: checks.Proof) -> None:
    """Note the use; raises PasskeyRefused for a suspended account, and blocks a passkey whose counter went backwards.

    Authenticators that count never repeat a number; those that synchronise send 0 always (WebAuthn Level 3, 6.1.1). A number that
    was there already means a copy, or a fault: a signal and no proof, and so the person decides what becomes of it.
    """
    # The account's row first, as where a passkey is removed: two who lock the same rows in another order wait for each other.
    if not lock_unchanged(passkey.user):
        raise checks.refused("suspended")
    if passkey.blocked_at is not None:
        raise PasskeyRefused("blocked", BLOCKED)
    if not advance_counter(passkey, proof.sign_count):
        block_passkey(passkey)
        audit.note("passkey_blocked", passkey.user, method="passkey", detail=passkey.name)
        raise PasskeyRefused("blocked", BLOCKED)
    passkey.backed_up = proof.backed_up
    passkey.last_used_at = utcnow()

"""Whether an authenticator's answer proves what it should: the only importer of the webauthn library. No database, no request.

The steps are those of WebAuthn Level 3, 7.1 (a new credential) and 7.2 (a sign-in). Each is checked here under a name of its own, so
that a refusal says why; the library then checks all of them again, and the signature.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from app.auth.passkey_bodies import Assertion, Attestation, ClientData, Credential
from app.errors import PasskeyRefused
from app.models.passkey import CREDENTIAL_ID_BYTES, Passkey

if TYPE_CHECKING:
    from webauthn.helpers.structs import AttestationObject, AuthenticatorData

ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS = (
    ES256,
    EDDSA,
    RS256,
)  # WebAuthn Level 3, 5.4: what authenticators have between them, the most widespread first
MIN_RSA_BITS = 2048  # NIST SP 800-131A
MAX_PUBLIC_KEY_BYTES = 2048
SENTENCES = {
    "challenge": "This took too long, or it was sent twice. Please try again.",
    "origin": "This page was opened under another address than the one that passkeys belong to here.",
    "user_verified": "Your device did not check that it is you. Set up a screen lock or a PIN there, and try again.",
    "unknown_credential": "This passkey is not known here (any more). Sign in another way.",
    "algorithm": "This authenticator uses a method that is not supported here. Please use another one.",
}


@dataclass(frozen=True)
class Site:
    """What passkeys are bound to, from PUBLIC_URL alone: the host's name, and the origin of our pages."""

    rp_id: str
    origin: str


@dataclass(frozen=True)
class NewCredential:
    """What a registration gives to be stored."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True)
class Proof:
    """What a sign-in tells of the credential."""

    sign_count: int
    backup_eligible: bool
    backed_up: bool


def refused(reason: str) -> PasskeyRefused:
    """Give the refusal with the sentence of its reason."""
    return PasskeyRefused(reason, SENTENCES.get(reason))


def to_base64url(data: bytes) -> str:
    """Give bytes as WebAuthn writes them in JSON: base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Give the bytes of base64url text; raises PasskeyRefused where it is none, or not the only way to write them."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise refused("malformed") from error
    if to_base64url(data) != text:
        raise refused("malformed")
    return data


def read_challenge(answer: Credential[Any]) -> bytes:
    """Give the challenge that an answer claims to answer; raises PasskeyRefused."""
    return from_base64url(_client_data(answer).challenge)


def check_registration(
    answer: Credential[Attestation], challenge: bytes, site: Site, *, is_silent: bool = False
) -> NewCredential:
    """Give the new credential of this answer to the challenge; raises PasskeyRefused.

    `is_silent`: the browser made it without asking (conditional create), when nobody touches or unlocks anything (WebAuthn Level 3,
    5.1.3); the person has just proved themselves otherwise then.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415  # 40 ms and 10 MB that no start should cost
    from webauthn.helpers import parse_attestation_object  # noqa: PLC0415  # the same

    _check_client_data(answer, "webauthn.create", challenge, site)
    with _refusing("malformed"):
        attested = parse_attestation_object(from_base64url(answer.response.attestation_object))
    _check_flags(attested.auth_data, site, is_silent=is_silent)
    _check_attested(attested, from_base64url(answer.raw_id))
    with _refusing("attestation"):
        verified = verify_registration_response(
            credential=_as_json(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_presence=not is_silent,
            require_user_verification=not is_silent,
        )
    flags = attested.auth_data.flags
    credential = (verified.credential_id, verified.credential_public_key, verified.sign_count, verified.aaguid)
    return NewCredential(*credential, backup_eligible=flags.be, backed_up=flags.bs)


def check_sign_in(
    answer: Credential[Assertion], challenge: bytes, site: Site, passkey: Passkey, *, needs_handle: bool
) -> Proof:
    """Give what this answer proves of the passkey; raises PasskeyRefused. The counter is the caller's to compare.

    `needs_handle`: nobody was named before, so the answer itself has to say whose it is (7.2, step 6).
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415  # 40 ms and 10 MB that no start should cost
    from webauthn.helpers import parse_authenticator_data  # noqa: PLC0415  # the same

    _check_handle(answer.response.user_handle, passkey, needs_handle=needs_handle)
    _check_client_data(answer, "webauthn.get", challenge, site)
    with _refusing("malformed"):
        data = parse_authenticator_data(from_base64url(answer.response.authenticator_data))
    _check_flags(data, site)
    if data.flags.be != passkey.backup_eligible:
        raise refused("backup_eligible")
    with _refusing("signature"):
        verify_authentication_response(
            credential=_as_json(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # its error for a counter would look like one for a bad signature
            require_user_verification=True,
        )
    return Proof(data.sign_count, data.flags.be, data.flags.bs)


def _check_handle(user_handle: str | None, passkey: Passkey, *, needs_handle: bool) -> None:
    if user_handle is None and not needs_handle:
        return
    if not user_handle or from_base64url(user_handle) != passkey.user.webauthn_handle:
        raise refused("user_handle")


def _client_data(answer: Credential[Any]) -> ClientData:
    try:
        return msgspec.json.decode(from_base64url(answer.response.client_data), type=ClientData)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused("malformed") from error


def _check_client_data(answer: Credential[Any], kind: str, challenge: bytes, site: Site) -> None:
    if answer.id != answer.raw_id:
        raise refused("credential_id")
    data = _client_data(answer)
    if data.type != kind:
        raise refused("type")
    if from_base64url(data.challenge) != challenge:
        raise refused("challenge")
    if data.origin != site.origin:
        raise refused("origin")
    if data.cross_origin or data.top_origin is not None:  # our pages are never framed by anybody else's
        raise refused("cross_origin")


def _check_flags(data: AuthenticatorData, site: Site, *, is_silent: bool = False) -> None:
    if data.rp_id_hash != hashlib.sha256(site.rp_id.encode()).digest():
        raise refused("rp_id")
    if not data.flags.up and not is_silent:
        raise refused("user_present")
    if not data.flags.uv and not is_silent:
        raise refused("user_verified")
    if data.flags.bs and not data.flags.be:
        raise refused("backup_state")


def _check_attested(attested: AttestationObject, raw_id: bytes) -> None:
    """Check what the library does not: that the id is the one inside, that the key can be used, and that no certificate came.

    Browsers that are asked for no attestation send none, or a credential's signature by itself ("packed"; 5.1.3).
    """
    credential = attested.auth_data.attested_credential_data
    if credential is None or credential.credential_id != raw_id or not 1 <= len(raw_id) <= CREDENTIAL_ID_BYTES:
        raise refused("credential_id")
    if attested.fmt not in ("none", "packed") or attested.att_stmt.x5c:
        raise refused("attestation")
    _check_public_key(credential.credential_public_key)


def _check_public_key(key: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415  # heavy, like the library
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography  # noqa: PLC0415  # too

    with _refusing("algorithm"):
        decoded = decode_credential_public_key(key)
        public = decoded_public_key_to_cryptography(decoded)
    fits = {
        ES256: isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1),
        EDDSA: isinstance(public, ed25519.Ed25519PublicKey),
        RS256: isinstance(public, rsa.RSAPublicKey) and public.key_size >= MIN_RSA_BITS,
    }
    if len(key) > MAX_PUBLIC_KEY_BYTES or not fits.get(decoded.alg, False):
        raise refused("algorithm")


@contextmanager
def _refusing(reason: str) -> Iterator[None]:
    """Turn whatever the library makes of a stranger's bytes into a refusal: it does not promise errors of its own alone."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # heavy, like the library
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415  # the same

    python_s_own = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
    try:
        yield
    except (WebAuthnException, UnsupportedAlgorithm, *python_s_own) as error:
        raise refused(reason) from error


def _as_json(answer: Credential[Any]) -> dict[str, Any]:
    """Give what the library parses, made of what was checked, and nothing else that was sent."""
    as_json: dict[str, Any] = msgspec.to_builtins(answer)
    return as_json

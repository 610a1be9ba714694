"""An authenticator in software, and the browser around it: answers ceremonies as they should be answered, or wrongly on purpose.

Every wrong turn is a parameter of `Answers`, so that a test changes one thing and leaves the rest as it has to be.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ES256, EDDSA, RS256, ES384 = -7, -8, -257, -35
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def to_base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Answers:
    """How the browser and the authenticator answer; what is None is as it should be."""

    origin: str = "http://localhost:5000"
    rp_id: str | None = None
    type: str | None = None
    challenge: bytes | None = None
    client_data: dict[str, Any] = field(default_factory=dict)  # further members of the client data
    flags: int = PRESENT | VERIFIED
    sign_count: int | None = None
    user_handle: bytes | str | None = "own"
    credential_id: bytes | None = None  # said in the authenticator data, while the outer id stays
    public_key: bytes | None = None
    fmt: str = "none"
    statement: dict[str, Any] = field(default_factory=dict)
    tampered: str = ""  # what is changed after it was signed: "client_data", "authenticator_data", "signature"


def _make_key(algorithm: int) -> PrivateKey:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP384R1() if algorithm == ES384 else ec.SECP256R1())


def _cose(key: PrivateKey, algorithm: int) -> bytes:
    """The public half as authenticators write it (RFC 9053)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return cbor2.dumps({1: 1, 3: algorithm, -1: 6, -2: key.public_key().public_bytes_raw()})
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        size = key.key_size // 8
        return cbor2.dumps({1: 3, 3: algorithm, -1: numbers.n.to_bytes(size, "big"), -2: b"\x01\x00\x01"})
    point = key.public_key().public_numbers()
    size, curve = (48, 2) if key.curve.name == "secp384r1" else (32, 1)
    return cbor2.dumps(
        {1: 2, 3: algorithm, -1: curve, -2: point.x.to_bytes(size, "big"), -3: point.y.to_bytes(size, "big")}
    )


@dataclass
class SoftKey:
    """One credential with its private key."""

    rp_id: str
    user_handle: bytes
    algorithm: int = ES256
    aaguid: bytes = bytes(16)
    sign_count: int = 0
    backup: int = 0  # the flags ELIGIBLE and BACKED_UP
    counts: bool = False
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private_key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.private_key = _make_key(self.algorithm)

    @property
    def public_key(self) -> bytes:
        return _cose(self.private_key, self.algorithm)

    def register(self, options: dict[str, Any], how: Answers | None = None) -> dict[str, Any]:
        """Answer `navigator.credentials.create()`; gives what toJSON() does."""
        how = how or Answers()
        client_data = _client_data("webauthn.create", options, how)
        credential_id = how.credential_id if how.credential_id is not None else self.credential_id
        attested = (
            self.aaguid + len(credential_id).to_bytes(2, "big") + credential_id + (how.public_key or self.public_key)
        )
        data = self._authenticator_data(how, ATTESTED) + attested
        statement = how.statement
        if how.fmt == "packed" and not statement:
            statement = {"alg": self.algorithm, "sig": self._sign(data + hashlib.sha256(client_data).digest())}
        made = cbor2.dumps({"fmt": how.fmt, "attStmt": statement, "authData": data})
        response = {
            "clientDataJSON": to_base64url(_tampered(client_data, how.tampered == "client_data")),
            "attestationObject": to_base64url(made),
            "transports": ["internal", "hybrid", "unheard-of"],
        }
        return self._credential(response)

    def sign(self, options: dict[str, Any], how: Answers | None = None) -> dict[str, Any]:
        """Answer `navigator.credentials.get()`; gives what toJSON() does."""
        how = how or Answers()
        client_data = _client_data("webauthn.get", options, how)
        if self.counts:
            self.sign_count += 1
        data = self._authenticator_data(how)
        signature = self._sign(data + hashlib.sha256(client_data).digest())
        response = {
            "clientDataJSON": to_base64url(_tampered(client_data, how.tampered == "client_data")),
            "authenticatorData": to_base64url(_tampered(data, how.tampered == "authenticator_data")),
            "signature": to_base64url(_tampered(signature, how.tampered == "signature")),
        }
        handle = self.user_handle if how.user_handle == "own" else how.user_handle
        if isinstance(handle, bytes):
            response["userHandle"] = to_base64url(handle)
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        own = to_base64url(self.credential_id)
        return {"id": own, "rawId": own, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _authenticator_data(self, how: Answers, more_flags: int = 0) -> bytes:
        rp_id_hash = hashlib.sha256((how.rp_id or self.rp_id).encode()).digest()
        count = self.sign_count if how.sign_count is None else how.sign_count
        return rp_id_hash + bytes([how.flags | self.backup | more_flags]) + count.to_bytes(4, "big")

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self.private_key, ed25519.Ed25519PrivateKey):
            return self.private_key.sign(data)
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private_key.sign(data, ec.ECDSA(hashes.SHA256()))


def make_key(options: dict[str, Any], **changes: Any) -> SoftKey:
    """Give the credential that these options of a registration ask for."""
    return SoftKey(options["rp"]["id"], from_base64url(options["user"]["id"]), **changes)


def _client_data(kind: str, options: dict[str, Any], how: Answers) -> bytes:
    challenge = options["challenge"] if how.challenge is None else to_base64url(how.challenge)
    said = {"type": how.type or kind, "challenge": challenge, "origin": how.origin, "crossOrigin": False}
    return json.dumps(said | how.client_data).encode()


def _tampered(data: bytes, is_wanted: bool) -> bytes:
    """Change what can be changed without making it unreadable."""
    if not is_wanted:
        return data
    if data.startswith(b"{"):
        return data[:-1] + b', "extra": true}'
    return data[:-1] + bytes([data[-1] ^ 1])

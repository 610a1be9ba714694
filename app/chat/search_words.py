"""What people type into the search field: words, "several words", and from: model: before: after: in:."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Literal

from app.errors import InvalidField
from app.models.search import Query

MAX_LENGTH = 200
MAX_WORDS = 12
PIECE = re.compile(r'(?:(?P<name>from|model|before|after|in):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S+))', re.IGNORECASE)
ROLES: dict[str, Literal["user", "assistant"]] = {"me": "user", "model": "assistant", "assistant": "assistant"}


def parse_query(typed: str) -> Query:
    """Give what is meant; raises InvalidField for an operator's value that says nothing."""
    if len(typed) > MAX_LENGTH:
        raise InvalidField("q", f"Search for at most {MAX_LENGTH} characters.")
    words: list[str] = []
    query = Query()
    for piece in PIECE.finditer(unicodedata.normalize("NFC", typed.replace("\0", ""))):
        value = piece["quoted"] if piece["quoted"] is not None else piece["bare"]
        if piece["name"]:
            query = _narrow(query, piece["name"].lower(), value.strip())
        elif value.strip():
            words.append(value.strip())
    return query._replace(words=tuple(dict.fromkeys(words[:MAX_WORDS])))


def _narrow(query: Query, name: str, value: str) -> Query:
    if name == "from":
        if value.lower() not in ROLES:
            raise InvalidField("q", "from: takes me or model.")
        return query._replace(role=ROLES[value.lower()])
    if name == "model":
        return query._replace(model=value)
    if name == "in":
        return query._replace(folder=value)
    day = _first_day(name, value)
    return query._replace(before=day) if name == "before" else query._replace(since=day)


def _first_day(name: str, value: str) -> datetime:
    """Give the beginning of a day, a month or a year, in UTC."""
    parts = value.split("-")
    try:
        year, month, day = (int(part) for part in [*parts, "1", "1"][:3] if part.isascii() and part.isdigit())
        if len(parts) > 3 or year < 1000:
            raise ValueError
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise InvalidField("q", f"{name}: takes a date like 2026-05-31, 2026-05 or 2026.") from None

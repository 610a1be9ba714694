"""The only clock of the application, so that tests can move it."""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Give the current time, aware, in UTC."""
    return datetime.now(UTC)

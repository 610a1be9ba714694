"""A clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo


class Clock:
    """Stands in for `datetime` where the application asks for the time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.ahead

    def advance(self, **span: float) -> None:
        """Let time pass, like `advance(minutes=5)`."""
        self.ahead += timedelta(**span)

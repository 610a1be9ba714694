"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class Clock:
    """Stands in for `datetime` where the application asks for the time."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._stopped: datetime | None = None

    def now(self, zone: tzinfo) -> datetime:
        return (self._stopped or datetime.now(zone)) + self.ahead

    def stop(self) -> None:
        """Let time pass by `advance` alone: what a test counts shall not hang on how long it takes."""
        self._stopped = datetime.now(UTC)

    def advance(self, **span: float) -> None:
        """Let time pass, like `advance(minutes=5)`."""
        self.ahead += timedelta(**span)

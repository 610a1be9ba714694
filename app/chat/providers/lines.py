"""Cuts a byte stream into lines; no I/O."""

from __future__ import annotations

from app.errors import UpstreamError

MAX_LINE_BYTES = 1024 * 1024


class LineSplitter:
    """Takes bytes as they arrive and gives the complete lines, without their ends; blank lines are left out."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Give the lines that `data` completes; raises UpstreamError where one is longer than the limit."""
        if not self._rest and data.endswith(b"\n") and len(data) <= self._limit:  # whole lines, as nearly always
            lines = data.split(b"\n") if data.find(b"\n") < len(data) - 1 else [data]
            return [line for line in map(bytes.strip, lines) if line]
        *complete, rest = data.split(b"\n")
        if complete:
            complete[0] = bytes(self._rest) + complete[0]
            self._rest = bytearray(rest)
        else:
            self._rest += rest
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in complete):
            raise UpstreamError("The model's server sent a line that is too long.")
        return [line for line in map(bytes.strip, complete) if line]

    def flush(self) -> list[bytes]:
        """Give what is left when the stream has ended: a last line without its end, or nothing."""
        rest, self._rest = bytes(self._rest).strip(), bytearray()
        return [rest] if rest else []

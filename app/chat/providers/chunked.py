"""Takes the framing off an HTTP/1.1 body that comes in chunks (RFC 9112, 7.1); no I/O."""

from __future__ import annotations

import re

from app.errors import UpstreamError

MAX_SIZE_LINE = 4096
SIZES = re.compile(rb"[0-9a-fA-F]{1,15}( [0-9a-fA-F]{1,15})*")
ONE_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
SIZE = re.compile(rb"[0-9a-fA-F]{1,15}(?=\s*(;|$))")


def _whole_chunks(data: bytes) -> bytes | None:
    """Give the payload where `data` is whole chunks and nothing else, as it nearly always is; None where a closer look is needed.

    Cutting at every line end is right if each size, from the first on, is the length of the piece that follows it.
    """
    size, _, rest = data.partition(b"\r\n")
    if ONE_SIZE.fullmatch(size) and len(rest) == int(size, 16) + 2 > 2 and rest.endswith(b"\r\n"):
        return rest[:-2]  # one chunk
    pieces = data.split(b"\r\n")
    if pieces[-1] or not SIZES.fullmatch(b" ".join(pieces[:-1:2])):
        return None
    chunks = pieces[1::2]
    sizes = [int(size, 16) for size in pieces[:-1:2]]
    return b"".join(chunks) if sizes == [len(chunk) for chunk in chunks] and 0 not in sizes else None


class ChunkedBody:
    """Takes bytes as they arrive and gives the payload in them. `ended` is True after the last chunk.

    `after_chunk`: the first thing to come is the line end of a chunk that somebody else has read.
    """

    def __init__(self, *, after_chunk: bool = False) -> None:
        self.ended = False
        self._left = 0  # payload bytes of the present chunk still to come
        self._rest = b""  # the start of a size line, not complete yet
        self._after_chunk = after_chunk  # the line end that closes a chunk is still to come
        self._beyond = b""  # what came after the last chunk

    @property
    def is_spent(self) -> bool:
        """Whether the body is over to its last byte, and not one more came: the next response may follow."""
        return self.ended and self._beyond == b"\r\n"

    def feed(self, data: bytes) -> bytes:
        """Give the payload; raises UpstreamError where the framing is broken."""
        if not (self._left or self._rest or self._after_chunk or self.ended) and (whole := _whole_chunks(data)):
            return whole
        payload = []
        while data and not self.ended:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                self._after_chunk = self._left == 0
                payload.append(piece)
            else:
                data = self._size(data)
        if self.ended:
            self._beyond = (self._beyond + data)[:MAX_SIZE_LINE]
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _size(self, data: bytes) -> bytes:
        """Read a size line, or the line end before it; gives what follows."""
        line, end, rest = (self._rest + data).partition(b"\n")
        if not end:
            self._rest = line
            if len(line) > MAX_SIZE_LINE:
                raise UpstreamError
            return b""
        self._rest = b""
        line = line.strip()
        if self._after_chunk and not line:
            self._after_chunk = False
            return rest
        size = SIZE.match(line)
        if self._after_chunk or not size:
            raise UpstreamError
        self._left = int(size[0], 16)
        self.ended = self._left == 0
        return rest

"""One process at a time: a lock on a file, which the system lets go when its holder ends, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.errors import Conflict


@contextmanager
def exclusive(path: Path, sentence: str) -> Iterator[None]:
    """Hold the lock called `path`; raises Conflict with `sentence` where another process holds it.

    The file stays behind, empty: deleting it would let two processes hold two locks of one name.
    """
    with path.open("ab") as file:
        try:
            _lock(file)
        except OSError as error:
            raise Conflict(sentence) from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

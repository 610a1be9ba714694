"""Several things at the very same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

R = TypeVar("R")


def at_once(works: Iterable[Callable[[], R]]) -> list[R]:
    """Start all of them together, each in a thread of its own, and give their results in order."""
    waiting = list(works)
    barrier = Barrier(len(waiting))

    def start(work: Callable[[], R]) -> R:
        barrier.wait(10)
        return work()

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(start, waiting))

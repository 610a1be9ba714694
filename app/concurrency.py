"""Threads or hub: the one place that knows which server runs the application.

Under gunicorn's gevent worker the standard library is patched, so `threading` means greenlets and everything else may use it as usual.
What blocks in native code (hashing, SQLite's commits, images) must still leave the event loop: `NativePool` runs it in real threads.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def is_on_hub() -> bool:
    """Whether gevent patched the standard library of this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


class _Held:
    """Holds what was raised in a native thread, to be raised where it belongs; gevent would print every one of them as well."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        self.error = error
        return error is not None


# A tenth of what an ordinary thread gets. Not the lowest, 19: where a model keeps every core busy, a sign-in would take half a minute.
BACKGROUND_NICENESS = 10


def _lower_priority(thread: int) -> None:
    """Let a thread give way to the others from now on. Linux alone has priorities of threads; elsewhere it is the process."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))  # the process itself may run as `chrt -r`
            os.setpriority(os.PRIO_PROCESS, thread, BACKGROUND_NICENESS)


class NativePool:
    """At most `size` native threads; a caller waits for its result without holding the hub. Starts nothing before its first use.

    With `is_background` they get the processor when nobody else wants it.
    """

    def __init__(self, size: int, *, is_background: bool = False) -> None:
        self.size = size
        self._is_background = is_background
        self._lowered: set[int] = set()

    @cached_property
    def _pool(self) -> Any:
        if is_on_hub():
            from gevent.threadpool import ThreadPool  # noqa: PLC0415  # only where gevent runs already

            return ThreadPool(self.size)
        return ThreadPoolExecutor(self.size, thread_name_prefix="native")

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` in one of the native threads and give its result or raise its exception."""
        if self._is_background:
            return self._run(self._call_lowered, partial(function, *args, **kwargs))
        return self._run(function, *args, **kwargs)

    def _call_lowered(self, call: Callable[[], R]) -> R:
        thread = threading.get_native_id()
        if thread not in self._lowered:
            self._lowered.add(thread)
            _lower_priority(thread)
        return call()

    def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if is_on_hub():
            held = _Held()

            def work() -> R | None:
                with held:
                    return function(*args, **kwargs)
                return None

            result: R = self._pool.apply(work)
            if held.error:
                raise held.error
            return result
        answer: R = self._pool.submit(function, *args, **kwargs).result()
        return answer

"""Threads or hub: the one place that knows which server runs the application.

Under gunicorn's gevent worker the standard library is patched, so `threading` means greenlets and everything else may use it as usual.
What blocks in native code (hashing, SQLite's commits, images) must still leave the event loop: `NativePool` runs it in real threads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
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


class NativePool:
    """At most `size` native threads; a caller waits for its result without holding the hub. Starts nothing before its first use."""

    def __init__(self, size: int) -> None:
        self.size = size

    @cached_property
    def _pool(self) -> Any:
        if is_on_hub():
            from gevent.threadpool import ThreadPool  # noqa: PLC0415  # only where gevent runs already

            return ThreadPool(self.size)
        return ThreadPoolExecutor(self.size, thread_name_prefix="native")

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` in one of the native threads and give its result or raise its exception."""
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

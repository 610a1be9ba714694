"""Keeps the child process of the built-in model: started at its first use, restarted once, ended with this process.

One model is loaded at a time, in one child per web worker: with WEB_CONCURRENCY above 1 the model is in memory once for
each worker, which is the price of workers that share nothing.
"""

from __future__ import annotations

import atexit
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.chat.embedded.process import ChildProcess, Order
from app.errors import LLMUnavailable

log = logging.getLogger(__name__)

# By its path, and without the current directory on the module path: nothing that lies there is imported.
COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("child.py")))
POLL_SECONDS = 0.02
LOADING_LIMIT_SECONDS = 180.0  # 1 GB from a slow disk
DEATHS_WINDOW_SECONDS = 60.0
DEATHS_LIMIT = 2
BUSY_RETRY_SECONDS = 10


class Supervisor:
    """Lends out the child process. Methods may be called from any thread or greenlet."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._order: Order | None = None
        self._borrowers = 0
        self._deaths: list[float] = []
        self._last_exit: int | None = None

    @property
    def loaded(self) -> str | None:
        """The name of the model whose child runs."""
        child = self._child
        return child.order.name if child and child.is_alive else None

    @contextmanager
    def borrow(self, order: Order, is_cancelled: Callable[[], bool]) -> Iterator[ChildProcess | None]:
        """Give the child that has `order` loaded, started and waited for where needed; None when cancelled meanwhile.

        As long as it is lent out no other model takes its place. Raises LLMUnavailable: another model is answering, the
        child died twice within a minute, or it does not get ready.
        """
        self._enter(order)
        try:
            yield self._await_child(order, is_cancelled)
        finally:
            with self._lock:
                self._borrowers -= 1

    def end(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._drop_child()

    def _enter(self, order: Order) -> None:
        with self._lock:
            if self._order and self._order != order:
                if self._borrowers:
                    raise LLMUnavailable(
                        f"The built-in model {self._order.name} is answering, and only one is loaded at a time. "
                        "Please try again in a moment.",
                        retry_after=BUSY_RETRY_SECONDS,
                    )
                self._drop_child()
            self._order = order
            self._borrowers += 1

    def _await_child(self, order: Order, is_cancelled: Callable[[], bool]) -> ChildProcess | None:
        """Wait in short sleeps, which leave the hub to others; nothing is held meanwhile, so a reader can give up."""
        deadline = time.monotonic() + LOADING_LIMIT_SECONDS
        while not is_cancelled():
            child = self._running_child(order)
            if child.address:
                return child
            if time.monotonic() > deadline:
                self.end()
                raise LLMUnavailable("The built-in model does not get ready: loading it takes too long.")
            time.sleep(POLL_SECONDS)
        return None

    def _running_child(self, order: Order) -> ChildProcess:
        with self._lock:
            child = self._child
            if child and not child.is_alive:
                self._note_death(child)
            if self._child is None:
                self._refuse_after_deaths()
                self._child = ChildProcess(self._command, order)
                atexit.unregister(self.end)
                atexit.register(self.end)
            return self._child

    def _note_death(self, child: ChildProcess) -> None:
        log.error("The built-in model's process ended (%s): %s", _describe_exit(child.exit_code), child.last_line)
        self._drop_child()
        self._deaths.append(time.monotonic())
        self._last_exit = child.exit_code

    def _refuse_after_deaths(self) -> None:
        """Answer a second death within a minute not with a third start, before the minute is over."""
        oldest_that_counts = time.monotonic() - DEATHS_WINDOW_SECONDS
        self._deaths = [death for death in self._deaths if death > oldest_that_counts]
        if len(self._deaths) < DEATHS_LIMIT:
            return
        wait = math.ceil(self._deaths[-DEATHS_LIMIT] - oldest_that_counts)
        raise LLMUnavailable(_sentence_for(self._last_exit), retry_after=wait)

    def _drop_child(self) -> None:
        if self._child:
            self._child.end()
            self._child = None


def _describe_exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return f"signal {-code}"


def _sentence_for(code: int | None) -> str:
    if code == -signal.SIGILL:
        return "The built-in model can't run on this processor. Use Ollama instead."
    if code == -getattr(signal, "SIGKILL", 9):
        return "The built-in model was ended by the system twice within a minute, most likely for want of memory."
    return "The built-in model stopped twice within a minute. The application's log says why."

"""One child process that has one model loaded: its order, its address, its last words, its end."""

from __future__ import annotations

import logging
import secrets
import subprocess
import threading
from collections import deque
from contextlib import suppress

import msgspec
from msgspec import Struct

log = logging.getLogger(__name__)


class Order(Struct, frozen=True):
    """What a child is to load; `idle_seconds` without a question and it gives the memory back."""

    name: str
    path: str
    context_length: int
    idle_seconds: int = 900


class ChildProcess:
    """Starts the program at once, which then loads for seconds; `address` is None until it can answer.

    Works with threads and, where gevent patched the standard library, with greenlets: nothing here holds the hub.
    """

    def __init__(self, command: tuple[str, ...], order: Order) -> None:
        self.order = order
        self.api_key = secrets.token_urlsafe(32)
        self.address: str | None = None
        self._last_lines: deque[str] = deque(maxlen=5)
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for the parent, which lets running answers end
        )
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        self._give_order()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended: None while it runs, negative for a signal."""
        return self._process.poll()

    @property
    def last_line(self) -> str:
        """The last line that it wrote."""
        self._reader.join(timeout=1)  # it may have died just now, with its last words still in the pipe
        return self._last_lines[-1] if self._last_lines else ""

    def end(self) -> None:
        """Kill it and wait for its end; it keeps nothing that could be lost."""
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # an order that never got through
                    pipe.close()

    def _give_order(self) -> None:
        """By standard input, which then stays open for as long as this process lives; the key is on no command line."""
        order = msgspec.to_builtins(self.order) | {"api_key": self.api_key}
        assert self._process.stdin is not None  # noqa: S101 - opened above, for mypy
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            log.debug("The child of the built-in model was gone before it was told what to do")

    def _read_output(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - opened above, for mypy
        for raw in self._process.stdout:
            line = raw.decode("utf-8", "replace").strip()
            if line.startswith("listening http"):
                self.address = line.removeprefix("listening ")
            elif line:
                self._last_lines.append(line)
                log.debug("Built-in model: %s", line)

"""One measurement: a load on a server, and what it cost."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import LOAD_CORE, Program

VOID_ABOVE = 0.8  # of their core, for the stub and the client together


@dataclass
class Cell:
    """What was measured. `core` is the share of the server's core that it took, `load_core` that of stub and client."""

    tokens: int
    seconds: float
    cpu_seconds: float
    core: float
    load_core: float
    figures: dict[str, Any]
    pss_kib: int

    @property
    def void(self) -> bool:
        """Whether the load itself was too near its limit for the cell to count."""
        return self.load_core > VOID_ABOVE

    @property
    def cpu_ms_per_1000(self) -> float:
        """Processor milliseconds of the server for a thousand tokens."""
        return 1e6 * self.cpu_seconds / max(self.tokens, 1)


class Bench:
    """The load's side: the directory of the compiled programs, and the stub."""

    def __init__(self, directory: Path, stub: Program) -> None:
        self._directory = directory
        self._stub = stub

    def steady(
        self,
        server: Program,
        requests: Iterable[bytes],
        streams: int,
        *,
        settle: float,
        window: float,
        rate: float = 200,
    ) -> Cell:
        """Open so many streams, and measure for a while when all of them speak."""
        return self._measure(server, requests, streams, rate, settle, window)

    def to_the_end(
        self, server: Program, requests: Iterable[bytes], streams: int, *, rate: float, limit: float = 30
    ) -> Cell:
        """Start so many streams, and measure until the last one has ended."""
        return self._measure(server, requests, streams, rate, limit, 0)

    def _measure(
        self, server: Program, requests: Iterable[bytes], streams: int, rate: float, settle: float, window: float
    ) -> Cell:
        path = self._directory / "requests"
        path.write_bytes(b"".join(b"%d\n%b" % (len(request), request) for request in requests))
        arguments = [self._directory / "load_client", server.port, streams, rate, path, settle, window]
        command = ["taskset", "-c", LOAD_CORE, *map(str, arguments)]
        pipe = subprocess.PIPE
        before = self._clocks(server)
        with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as client:
            assert client.stdout
            if window:
                client.stdout.readline()
                before = self._clocks(server, client.pid)
            client.stdout.readline()
            after = self._clocks(server, client.pid)
            figures = json.loads(client.stdout.readline())
            pss = server.pss_kib()
        self._settle(server)
        return _cell(figures, before, after, pss)

    def _clocks(self, server: Program, client: int | None = None) -> tuple[float, float, float]:
        load = self._stub.cpu_seconds() + (time.clock_gettime(~client << 3 | 2) if client else 0)
        return time.monotonic(), server.cpu_seconds(), load

    def _settle(self, server: Program) -> None:
        """End what still runs (an answer goes on when its reader leaves) and wait until the server rests."""
        self._stub.process.send_signal(signal.SIGUSR1)
        server.wait_until_idle()


def _cell(
    figures: dict[str, Any], before: tuple[float, float, float], after: tuple[float, float, float], pss: int
) -> Cell:
    seconds, cpu, load = (end - start for start, end in zip(before, after, strict=True))
    return Cell(figures["tokens"], seconds, cpu, cpu / seconds, load / seconds, figures, pss)

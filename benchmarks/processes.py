"""The programs of a benchmark: each on its core, with its processor time and memory read from the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

HERE = Path(__file__).parent
ROOT = HERE.parent
SERVER_CORE = "0"
LOAD_CORE = "1"
PATIENCE_SECONDS = 30.0


@dataclass
class Program:
    """A running program with everything it started."""

    name: str
    process: subprocess.Popen[str]
    port: int = 0
    started_at: float = field(default_factory=time.monotonic)
    first_page_seconds: float = 0.0

    @property
    def pids(self) -> list[int]:
        """The process and its descendants."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Give the processor time of all processes so far, by the kernel's clocks of them: exact to the nanosecond."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.pids)

    def pss_kib(self) -> int:
        """Give the memory of all processes, shared pages in proportion."""
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in self.pids]
        return sum(int(line.split()[1]) for lines in rollups for line in lines if line.startswith("Pss:"))

    def wait_until_up(self, path: str) -> float:
        """Ask for a page until it comes; gives the seconds since the program was started."""
        pool = urllib3.PoolManager(retries=False)
        while time.monotonic() - self.started_at < PATIENCE_SECONDS:
            if self.process.poll() is not None:
                break
            try:
                if pool.request("GET", f"http://127.0.0.1:{self.port}{path}").status == 200:
                    return time.monotonic() - self.started_at
            except urllib3.exceptions.HTTPError:
                time.sleep(0.005)
        sys.exit(f"{self.name} did not start")

    def wait_until_idle(self) -> None:
        """Return when it uses less than 3 % of its core."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.4)
            now = self.cpu_seconds()
            if now - before < 0.012:
                return
            before = now

    def end(self) -> None:
        """End it and its children, and wait for that."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    name: str, command: list[str], core: str, port: int = 0, environment: dict[str, str] | None = None
) -> Program:
    """Start a program on one core, in a process group of its own."""
    process = subprocess.Popen(
        ["taskset", "-c", core, *command],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_VERBOSE") else subprocess.DEVNULL,
        start_new_session=True,
    )
    return Program(name, process, port)


def compile_c(directory: Path) -> None:
    """Compile the stub and the load client."""
    for name in ("stub_ollama", "load_client"):
        subprocess.run(["cc", "-O2", "-o", directory / name, HERE / f"{name}.c"], check=True)

"""Attacks on the sign-in: a flood of wrong ones, and a look at how long they take."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.processes import LOAD_CORE, ROOT, Program
from tests.serving import Browser

RESAMPLES = 2000


@dataclass
class Flood:
    """A flood that went on for a while: how often it got which status."""

    answers: dict[str, int] = field(default_factory=dict)


@contextmanager
def flood(app: Program, delay: float, per_second: int, seconds: float) -> Iterator[Flood]:
    """Send wrong sign-ins, each from another address at another account, from the load's core; wait for their end."""
    command = [sys.executable, "-m", "benchmarks.flooding", *map(str, (app.port, delay, per_second, seconds))]
    found = Flood()
    with subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, *command], cwd=ROOT, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()  # it has begun
        yield found
        found.answers = json.loads(process.stdout.readline())


@dataclass
class Comparison:
    """How long a wrong try takes at an account that is there, over one that is not: medians, and their 95 % interval."""

    ratio: float
    low: float
    high: float
    known_ms: float


@dataclass(frozen=True)
class Door:
    """A way in: its page, and what is wrong there."""

    path: str
    wrong: dict[str, str]


PASSWORD = Door("/auth/login", {"password": "not the password"})
RECOVERY_CODE = Door("/auth/recovery", {"code": "0000-0000-0000-0000"})


def compare_times(app: Program, door: Door, email: str, tries: int) -> Comparison:
    """Measure wrong tries at an account and at none by turns, each from another address, so that nothing is refused."""
    browser = Browser(f"http://127.0.0.1:{app.port}")
    token = browser.csrf()
    known, unknown = [], []
    for n in range(tries):
        known.append(_time(browser, token, door, email, 2 * n))
        unknown.append(_time(browser, token, door, f"nobody{n:04}@example.org", 2 * n + 1))
    chance = random.Random(1)
    ratios = sorted(
        statistics.median(chance.choices(known, k=tries)) / statistics.median(chance.choices(unknown, k=tries))
        for _ in range(RESAMPLES)
    )
    middle = statistics.median(known) / statistics.median(unknown)
    low, high = ratios[int(RESAMPLES * 0.025)], ratios[int(RESAMPLES * 0.975)]
    return Comparison(middle, low, high, 1000 * statistics.median(known))


def _time(browser: Browser, token: str, door: Door, email: str, n: int) -> float:
    fields = {"email": email, "csrf_token": token, **door.wrong}
    headers = {"X-Forwarded-For": f"10.1.{n // 250}.{n % 250}"}
    began = time.perf_counter()
    answer = browser.request("POST", door.path, fields=fields, encode_multipart=False, headers=headers)
    took = time.perf_counter() - began
    assert answer.status == 401, answer.status
    return took

"""What was measured, as text: one table of the bars, one of the growth with the number of streams, one plot."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.defence import Comparison
from benchmarks.measuring import Cell
from benchmarks.page import PageFound
from benchmarks.plot import chart

REMARKS = Path(__file__).with_name("remarks.md")
INTRODUCTION = """# Benchmarks

`make bench` made this page (`make bench QUICK=1` prints a shorter one in a minute); the scripts are in `benchmarks/`. It needs a C
compiler and nginx (`apt-get install nginx-light`), and two cores that nobody else uses.

{when}, {machine}.

A stub of Ollama in C speaks 20 tokens a second on each stream, one NDJSON line of 143 bytes a token. Behind it stand, in turn in one
run, nginx as a bare proxy (`proxy_buffering off`) and the application under gunicorn with its `gunicorn.conf.py`, SQLite and all
durability. The server is pinned to one core, stub and load client share the other; a cell in which these two take more than 80 % of
theirs is void. **Compare ratios, not numbers**: the same cell differs by half from one busy hour of a shared machine to the next.
Latency is the whole way from the stub's send to the client's receive.
"""


@dataclass
class Found:
    """Everything that one run found."""

    quick: bool
    cells: dict[str, Cell] = field(default_factory=dict)
    first_page_seconds: list[float] = field(default_factory=list)
    idle_pss_kib: int = 0
    page: PageFound | None = None
    flood_answers: dict[str, int] = field(default_factory=dict)
    enumeration: dict[str, Comparison] = field(default_factory=dict)

    def ratio(self, streams: int) -> float:
        """Give the application's processor time for a token over nginx's."""
        return self.cells[f"app {streams}"].cpu_ms_per_1000 / self.cells[f"nginx {streams}"].cpu_ms_per_1000

    def kib_per_stream(self, streams: int) -> float:
        """Give the memory of an open stream."""
        return (self.cells[f"app {streams}"].pss_kib - self.idle_pss_kib) / streams

    def growth(self, what: str) -> list[tuple[str, float]]:
        """Give the processor time of each start (ms) or of a thousand tokens (ms), by messages in conversation and database."""
        cells = [
            (name.removeprefix(f"{what} "), cell) for name, cell in self.cells.items() if name.startswith(f"{what} ")
        ]
        return [(name, cell.cpu_ms_per_1000 if what == "token" else _ms_per_start(cell)) for name, cell in cells]


def _ms_per_start(cell: Cell) -> float:
    started: int = cell.figures["started"]
    return 1000 * cell.cpu_seconds / started


def _speed(cell: Cell) -> float:
    seconds: float = cell.figures["speaking_seconds"]
    return cell.tokens / seconds


def line(name: str, cell: Cell) -> str:
    """Give a cell in one line, for whoever waits."""
    f = cell.figures
    return (
        f"{name:24} {cell.cpu_ms_per_1000:8.1f} ms/1000 tokens, core {cell.core:4.0%}, load {cell.load_core:4.0%}"
        f"{' VOID' if cell.void else ''}, p50 {f['p50_us'] / 1000:.2f} p99 {f['p99_us'] / 1000:.2f} ms, first p50 "
        f"{f['first_p50_us'] / 1000:.1f} ms, {f['failed']} failed of {f['started']}, {cell.tokens} tokens, {cell.pss_kib} KiB"
    )


def markdown(found: Found, ladder: tuple[int, ...]) -> str:
    """Give the tables."""
    rows = [("figure", "bar", "reach for", "measured", ""), ("---",) * 5, *_bars(found, ladder)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n## Growth with the number of streams\n\n{_ladder(found, ladder)}\n\n{_others(found)}\n\n{_growth(found)}\n"


def _bars(found: Found, ladder: tuple[int, ...]) -> list[tuple[str, ...]]:
    most = 1000 if 1000 in ladder else max(ladder)
    top, slow, fast = (found.cells[name] for name in (f"app {most}", "starts 20", "starts 100"))
    p50, p99 = top.figures["p50_us"] / 1000, top.figures["p99_us"] / 1000
    first = slow.figures["first_p50_us"] / 1000
    ratios = {n: found.ratio(n) for n in (500, 1000) if n in ladder}
    pairs = [found.cells[f"{name} {n}"] for n in ratios for name in ("app", "nginx")]
    kib, idle = found.kib_per_stream(most), found.idle_pss_kib / 1024
    speed, seconds = _speed(found.cells["speed app"]), statistics.median(found.first_page_seconds)
    return [
        (
            "server CPU per 1,000 tokens, over nginx's",
            "≤ 2.5 ×",
            "≤ 1.2 ×",
            ", ".join(f"{ratio:.2f} × at {n}" for n, ratio in ratios.items()),
            _verdict(all(ratio <= 2.5 for ratio in ratios.values()), *pairs),
        ),
        (
            f"latency per token at {most:,} streams",
            "p50 ≤ 2 ms, p99 ≤ 50 ms",
            "p50 < 1 ms, p99 < 15 ms",
            f"p50 {p50:.1f} ms, p99 {p99:.0f} ms",
            _verdict(p50 <= 2 and p99 <= 50, top),
        ),
        (
            "CPU per chat: start, one token, end, all saved",
            "≤ 8 ms",
            "≤ 3 ms",
            f"{_ms_per_start(slow):.1f} ms",
            _verdict(_ms_per_start(slow) <= 8, slow),
        ),
        (
            "100 streams, 20 started a second",
            "no failure, first token p50 ≤ 30 ms",
            "at 100 a second",
            _started(slow),
            _verdict(first <= 30, slow),
        ),
        ("100 streams, 100 started a second", "", "", _started(fast), ""),
        (
            "one stream at full speed",
            "≥ 50,000 tokens/s",
            "≥ 400,000",
            f"{speed:,.0f} tokens/s",
            _verdict(speed >= 5e4),
        ),
        (
            "memory per open stream / idle",
            "≤ 50 KB / ≤ 110 MB",
            "≤ 30 KB / ≤ 85 MB",
            f"{kib:.0f} KiB / {idle:.0f} MiB",
            _verdict(kib <= 50 and idle <= 110),
        ),
        *_defence(found),
        ("command to first page", "≤ 1.5 s", "≤ 0.9 s", f"{seconds:.2f} s", _verdict(seconds <= 1.5)),
        *(
            (
                f"CPU per {what}, short and long histories",
                "± 20 %",
                "flat",
                _spread(found, what),
                _verdict(all(abs(change) <= 0.2 for _, change in _changes(found, what))),
            )
            for what in ("start", "token")
        ),
        *(_page_bars(found.page) if found.page else ()),
    ]


def _page_bars(page: PageFound) -> list[tuple[str, ...]]:
    size, (few, many) = page.first_load_bytes / 1024, page.heap_kib
    return [
        (
            "chat page, first load",
            "≤ 120 KB, ≤ 12 requests",
            "",
            f"{size:.0f} KiB, {page.first_load_requests} requests",
            _verdict(size <= 120 and page.first_load_requests <= 12),
        ),
        (
            "Enter to the first word on screen, the model's own time taken away",
            "≤ 50 ms",
            "",
            f"{page.first_token_ms:.0f} ms",
            _verdict(page.first_token_ms <= 50),
        ),
        (
            "long tasks in a stream of 200 tokens a second",
            "none over 50 ms",
            "",
            _tasks(page.long_tasks_ms),
            _verdict(not page.long_tasks_ms),
        ),
        ("script's memory after 2,000 / 20,000 tokens", "flat", "", f"{few:,.0f} / {many:,.0f} KiB", ""),
        (
            "conversation of 2,000 messages, until it can be used",
            "< 500 ms",
            "",
            f"{page.long_conversation_ms:.0f} ms",
            _verdict(page.long_conversation_ms < 500),
        ),
        (
            "long tasks while 1,000 conversations scroll by",
            "",
            "none",
            _tasks(page.scroll_long_tasks_ms),
            "",
        ),
        (
            "search over 100,000 messages",
            "< 50 ms",
            "",
            f"{statistics.median(page.search_ms):.0f} ms, the slowest words {max(page.search_ms):.0f} ms",
            _verdict(max(page.search_ms) < 50),
        ),
    ]


def _tasks(durations: list[float]) -> str:
    return f"{len(durations)}, the longest {max(durations):.0f} ms" if durations else "none"


def _defence(found: Found) -> list[tuple[str, ...]]:
    """Give the rows of an attack; none where it was not measured."""
    flood = found.cells.get("flood 100")
    rows: list[tuple[str, ...]] = []
    if flood:
        p99 = flood.figures["p99_us"] / 1000
        answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(found.flood_answers.items()))
        what = "100 streams under 200 wrong sign-ins a second from everywhere"
        rows.append((what, "p99 < 50 ms", "", f"p99 {p99:.0f} ms; answered {answers}", _verdict(p99 < 50, flood)))
    for name, times in found.enumeration.items():
        said = f"{times.ratio:.3f} × (95 %: {times.low:.3f} to {times.high:.3f}; {times.known_ms:.1f} ms)"
        held = times.low >= 1 / 1.1 and times.high <= 1.1
        rows.append((f"time of a wrong {name}, account over none", "≤ 1.1 ×", "1", said, _verdict(held)))
    return rows


def _verdict(held: bool, *cells: Cell) -> str:  # noqa: FBT001
    """Say whether a bar is held; a cell in which the load was at its limit, or a stream failed, decides nothing."""
    if any(cell.void or cell.figures["failed"] for cell in cells):
        return "**void**"
    return "held" if held else "**missed**"


def _started(cell: Cell) -> str:
    return f"{cell.figures['failed']} failed, first token p50 {cell.figures['first_p50_us'] / 1000:.1f} ms"


def _spread(found: Found, what: str) -> str:
    return ", ".join(f"{change:+.0%} ({name})" for name, change in _changes(found, what))


def _changes(found: Found, what: str) -> list[tuple[str, float]]:
    (_, first), *others = found.growth(what)
    return [(name, value / first - 1) for name, value in others]


def _ladder(found: Found, ladder: tuple[int, ...]) -> str:
    head = (
        "| streams | nginx, CPU ms per 1,000 tokens | application | ratio | p50 / p99 ms nginx | p50 / p99 ms application "
        "| core nginx / application | load's core nginx / application | failed |"
    )
    lines = [head, "|---" * 9 + "|"]
    for n in ladder:
        nginx, app = found.cells[f"nginx {n}"], found.cells[f"app {n}"]
        latencies = [f"{c.figures['p50_us'] / 1000:.2f} / {c.figures['p99_us'] / 1000:.1f}" for c in (nginx, app)]
        void = " **void**" if nginx.void or app.void else ""
        lines.append(
            f"| {n:,} | {nginx.cpu_ms_per_1000:.1f} | {app.cpu_ms_per_1000:.1f} | {found.ratio(n):.2f} × | {latencies[0]} | "
            f"{latencies[1]} | {nginx.core:.0%} / {app.core:.0%} | {nginx.load_core:.0%} / {app.load_core:.0%}{void} "
            f"| {app.figures['failed']} |"
        )
    return "\n".join(lines)


def _others(found: Found) -> str:
    names = {"app 100": "gunicorn", "direct0 100": "gunicorn, `STREAM_DIRECT=0`", "flask 100": "`flask run`"}
    rows = [
        f"| {label} | {c.cpu_ms_per_1000:.1f} | {c.figures['p50_us'] / 1000:.2f} / {c.figures['p99_us'] / 1000:.1f} |"
        for name, label in names.items()
        if (c := found.cells.get(name))
    ]
    return "\n".join(["| 100 streams | CPU ms per 1,000 tokens | p50 / p99 ms |", "|---|---|---|", *rows])


def _growth(found: Found) -> str:
    rows = [
        f"| {name} | {start:.1f} | {token:.1f} |"
        for (name, start), (_, token) in zip(found.growth("start"), found.growth("token"), strict=True)
    ]
    head = "| messages in the conversation, of all in the database | CPU ms per start | CPU ms per 1,000 tokens, 100 streams |"
    return "\n".join([head, "|---|---|---|", *rows])


def write(found: Found, ladder: tuple[int, ...], docs: Path) -> None:
    """Write the page and its plot."""
    docs.mkdir(exist_ok=True)
    lines = {
        name: [(float(n), found.cells[f"{name} {n}"].cpu_ms_per_1000) for n in ladder] for name in ("nginx", "app")
    }
    plot = chart("Processor time of the server", "streams, 20 tokens a second each", "ms per 1,000 tokens", lines)
    (docs / "benchmarks.svg").write_text(plot, encoding="utf-8")
    introduction = INTRODUCTION.format(when=f"{datetime.now(UTC):%Y-%m-%d}", machine=_machine())
    picture = "![Processor time for a thousand tokens, by the number of streams](benchmarks.svg)"
    text = f"{introduction}\n{markdown(found, ladder)}\n{picture}\n\n{REMARKS.read_text(encoding='utf-8')}"
    (docs / "benchmarks.md").write_text(text, encoding="utf-8")


def _machine() -> str:
    rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((row.partition(":")[2].strip() for row in rows if "model name" in row), platform.machine())
    machine = f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, Python {platform.python_version()}"
    first = os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO)
    return machine + ("; run as `chrt -r 1 make bench`, because others used the machine" if first else "")

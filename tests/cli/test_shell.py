from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.cli.shell import shell
from app.config import Settings
from tests.people import make_user

ROOT = Path(__file__).parent.parent.parent


def run(runner: FlaskCliRunner, code: str) -> str:
    result = runner.invoke(shell, ["-c", code])
    assert result.exit_code == 0, result.output
    return result.output


def test_it_works(runner: FlaskCliRunner) -> None:
    assert run(runner, "print(6 * 7)") == "42\n"


def test_it_runs_in_the_application(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, "ada@example.org")
    code = "from app.extensions import db; from app.models import User; print(db.session.query(User).one().email, app.name)"

    assert run(runner, code) == "ada@example.org app\n"


def test_functions_see_what_stands_before_them(runner: FlaskCliRunner) -> None:
    assert run(runner, "x = 1\ndef f(): return x\nprint([f() for _ in range(2)], __name__)") == "[1, 1] __main__\n"


def test_the_code_is_plain_python(runner: FlaskCliRunner) -> None:
    assert run(runner, "def f(x: int): pass\nprint(f.__annotations__)") == "{'x': <class 'int'>}\n"


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), ("1/0", 1), ("(", 1)])
def test_a_failure_shows_in_the_exit_status(runner: FlaskCliRunner, code: str, status: int) -> None:
    assert runner.invoke(shell, ["-c", code]).exit_code == status


def test_without_code_it_is_flasks_own(runner: FlaskCliRunner) -> None:
    output = runner.invoke(shell, [], input="print(app.name * 2)\n").output

    assert "App: app" in output
    assert "appapp" in output


def test_the_package_offers_it_to_flask() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    assert '[project.entry-points."flask.commands"]\nshell = "app.cli.shell:shell"' in text


def test_flask_finds_it_by_itself(settings: Settings, app: Flask, tmp_path: Path) -> None:
    metadata = tmp_path / "password_less_chat-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: password-less-chat\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[flask.commands]\nshell = app.cli.shell:shell\n")
    installed = [] if entry_points(group="flask.commands", name="shell") else [str(tmp_path)]
    environ = {"SECRET_KEY": settings.secret_key, "DATABASE_URL": settings.database_url, "LLM_PROVIDERS": "fake"}
    paths = os.pathsep.join([*installed, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "flask", "shell", "-c", "print(app.name, 6 * 7)"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **environ},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "app 42\n"

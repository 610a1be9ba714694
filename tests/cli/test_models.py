from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.chat.embedded.catalogue import get_entry
from app.cli.models import LineReporter, TerminalReporter, models

ENTRY = get_entry("smollm2-135m")


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("EMBEDDED_MODEL", ENTRY.name)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments)


def install(models_dir: Path) -> Path:
    path = models_dir / f"{ENTRY.name}.gguf"
    with path.open("wb") as file:
        file.truncate(ENTRY.size_bytes)
    return path


def test_list_shows_what_is_installed(models_dir: Path) -> None:
    install(models_dir)
    result = run("list")
    assert result.exit_code == 0
    states = {line.split()[0]: line.split()[1] for line in result.output.splitlines()}
    assert states == {"qwen2.5-coder-0.5b": "-", "qwen2.5-coder-1.5b": "-", "smollm2-135m": "installed"}
    [chosen] = [line for line in result.output.splitlines() if "EMBEDDED_MODEL" in line]
    assert chosen.startswith(ENTRY.name)


def test_pull_takes_the_configured_model_and_fetches_no_installed_one(models_dir: Path) -> None:
    install(models_dir)
    result = run("pull")
    assert result.exit_code == 0
    assert result.output.startswith(f"{ENTRY.name} is installed already")


def test_pull_of_an_unknown_model_is_one_sentence(models_dir: Path) -> None:
    result = run("pull", "gpt")
    assert result.exit_code == 1
    assert result.output.startswith("Error: There is no built-in model called 'gpt'")


def test_remove_deletes_it(models_dir: Path) -> None:
    path = install(models_dir)
    assert run("remove", ENTRY.name).output == f"Removed {ENTRY.name}.\n"
    assert not path.exists()
    assert run("remove", ENTRY.name).output == f"{ENTRY.name} is not installed.\n"


def test_a_wrong_setting_is_one_sentence(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT", "")
    monkeypatch.setenv("CONTEXT_LENGTH", "many")
    result = run("list")
    assert result.exit_code == 1
    assert result.output.startswith("Error: CONTEXT_LENGTH must be a whole number")


def test_a_log_gets_plain_lines_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = LineReporter(ENTRY, pause_seconds=3600)
    reporter.say("Source 1 of 2")
    reporter.advance(50_000_000)
    assert capsys.readouterr().out == "Source 1 of 2\n"
    reporter = LineReporter(ENTRY, pause_seconds=0)
    reporter.advance(50_000_000)
    assert capsys.readouterr().out == "50 %, 50 of 98 MB\n"


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = TerminalReporter(ENTRY)
    reporter.advance(ENTRY.size_bytes // 2)
    reporter.advance(ENTRY.size_bytes)  # too soon to be drawn
    assert capsys.readouterr().out == "\r[###############---------------] 50 %, 49 of 98 MB"
    reporter.say("Done")
    assert capsys.readouterr().out.split("\r")[-1] == "Done\n"

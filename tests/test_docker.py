"""The image and the compose file, as far as they can be tried without an engine: linted, parsed, and the same script really run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.serving import free_port

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
KEY = "a test's key, long enough to be accepted everywhere"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of compose.yaml."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["name"] == "password-less"  # so that the containers are called password-less-ollama-1 and so on
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def instructions() -> list[str]:
    """The instructions of the Dockerfile's last stage, each on one line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    last_from = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last_from:]


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([BIN / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_without_root_and_watches_itself(instructions: list[str]) -> None:
    users = [line.removeprefix("USER ") for line in instructions if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(line.startswith("HEALTHCHECK") and "/healthz" in line for line in instructions)
    assert any("libgomp1" in line and "postgresql-client" in line for line in instructions)
    assert instructions[-1] == 'CMD ["/app/docker/start.sh"]'
    assert os.access(ROOT / "docker/start.sh", os.X_OK)


def test_no_secret_and_no_data_goes_into_the_image() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    copied = {rule[1:] for rule in rules if rule.startswith("!")}
    assert copied.isdisjoint({".env", "instance", ".venv", ".git", "tests"})
    assert all((ROOT / name).exists() for name in copied)


def test_the_web_service_is_shut_in(services: dict[str, Any]) -> None:
    web = services["web"]
    assert web["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")
    assert web["environment"]["FLASK_ENV"] == "production"
    assert web["environment"]["OLLAMA_HOST"] == "http://ollama:11434"
    assert web["read_only"] is True
    assert web["cap_drop"] == ["ALL"]
    assert web["volumes"] == ["data:/data"]
    assert [port.rsplit(":", 2)[-2:] for port in web["ports"]] == [["8000", "8000"]]


def test_what_starts_by_itself_and_what_by_a_profile(services: dict[str, Any]) -> None:
    profiles = {name: service.get("profiles") for name, service in services.items()}
    assert profiles == {"web": None, "ollama": None, "postgres": ["postgres"], "valkey": ["valkey"], "caddy": ["caddy"]}


def test_nothing_but_the_web_is_reachable_from_outside(services: dict[str, Any]) -> None:
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"web", "caddy"}
    assert all("privileged" not in service for service in services.values())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Run the image's script in an empty folder, as a container would; gives the process and its address."""
    started: list[subprocess.Popen[str]] = []

    def run(**changes: str) -> tuple[subprocess.Popen[str], str]:
        url = f"http://127.0.0.1:{free_port()}"
        environment = os.environ | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "SECRET_KEY": KEY,
            "FLASK_ENV": "production",
            "LLM_PROVIDERS": "fake",
            "PUBLIC_URL": url,
            "BIND": url.removeprefix("http://"),
        }
        process = subprocess.Popen(
            [ROOT / "docker/start.sh"], cwd=tmp_path, env=environment | changes, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, url

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=40)


def _wait_until_up(process: subprocess.Popen[str], url: str) -> None:
    """Return when the server answers; fail when it ended, or does not within 90 s: two programs start one after the other."""
    deadline = time.monotonic() + 90
    while not _is_up(url):
        assert process.poll() is None, "the script ended"
        assert time.monotonic() < deadline, "the server never answered"
        time.sleep(0.1)


def _is_up(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/readyz", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_the_script_migrates_serves_and_goes_on_with_its_data(start: Callable[..., Any], tmp_path: Path) -> None:
    for _ in range(2):
        process, url = start()
        _wait_until_up(process, url)
        page = urllib3.request("GET", f"{url}/auth/login", retries=False)
        assert page.status == 200
        assert 'name="password"' in page.data.decode()
        process.terminate()
        assert process.wait(timeout=40) == 0  # the signal of `docker stop` reaches the server itself
    assert (tmp_path / "instance/app.db").stat().st_mode & 0o077 == 0


def test_the_script_refuses_a_weak_key_in_a_sentence(start: Callable[..., Any]) -> None:
    process, _url = start(SECRET_KEY="change-me")
    _, said = process.communicate(timeout=40)
    assert process.returncode == 1
    assert said.startswith("password-less-chat: SECRET_KEY is still the placeholder")
    assert said.count("\n") == 1

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from tests.auth.ceremonies import add_key
from tests.fake_ollama import FakeOllama
from tests.people import sign_up

GOOD = ["SECRET_KEY", "PUBLIC_URL", "database", "migrations", "models"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


def examine(app: Flask) -> tuple[int, dict[str, str]]:
    """The exit status, and what is said of each subject, with ok or TODO in front."""
    result = app.test_cli_runner().invoke(args=["doctor"])
    lines = [line.split(maxsplit=2) for line in result.output.splitlines()]
    return result.exit_code, {subject: f"{verdict} {remark}" for verdict, subject, remark in lines}


def complaint(app: Flask, subject: str) -> str:
    """What is to be done about this one; everything else has to be right."""
    status, said = examine(app)
    assert status == 1
    assert [name for name, line in said.items() if line.startswith("TODO")] == [subject]
    return said[subject]


def test_it_works(app: Flask) -> None:
    status, said = examine(app)

    assert status == 0
    assert [subject for subject in said if subject in GOOD] == GOOD
    assert all(line.startswith("ok ") for line in said.values()), said
    assert "(default: fake)" in said["models"]


def test_the_database_is_named(app: Flask, request: pytest.FixtureRequest) -> None:
    assert examine(app)[1]["database"] == f"ok {request.config.getoption('--database')}"


@pytest.mark.parametrize("key", ["change-me", "short"])
def test_a_weak_key(make_app: Callable[..., Flask], key: str) -> None:
    line = complaint(make_app(secret_key=key), "SECRET_KEY")

    assert line.endswith("make a new one.")
    assert f" {key} " not in line


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:5000", True),
        ("https://chat.example.org", True),
        ("http://192.168.1.5:5000", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_the_public_address_wants_https_unless_it_is_this_machine(
    make_app: Callable[..., Flask], url: str, is_safe: bool
) -> None:
    app = make_app(public_url=url)
    if is_safe:
        assert examine(app)[1]["PUBLIC_URL"] == f"ok {url}"
    else:
        status, said = examine(app)
        assert status == 1
        assert {name for name, line in said.items() if line.startswith("TODO")} == {"PUBLIC_URL", "passkeys"}
        assert "without encryption" in said["PUBLIC_URL"]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://localhost:5000", "ok work at http://localhost:5000, and there alone"),
        ("http://chat.localhost:80", "ok work at http://chat.localhost, and there alone"),
        ("https://Chat.Example.org:443", "ok work at https://chat.example.org, and there alone"),
        (
            "http://chat.lan",
            "TODO Passkeys need https, and http://chat.lan is plain http. What works: https://chat.lan.",
        ),
        (
            "http://127.0.0.1:8000",
            "TODO Passkeys need a name, and 127.0.0.1 is a bare IP address. What works: http://localhost:8000.",
        ),
        (
            "https://192.168.1.5",
            "TODO Passkeys need a name, and 192.168.1.5 is a bare IP address. What works: an https address with a name.",
        ),
    ],
)
def test_where_passkeys_work(make_app: Callable[..., Flask], url: str, line: str) -> None:
    assert examine(make_app(public_url=url))[1]["passkeys"] == line


def test_passkeys_of_another_host(make_app: Callable[..., Flask], app: Flask) -> None:
    add_key(sign_up(app, "ada@example.org"))
    add_key(sign_up(app, "bob@example.org"))

    line = complaint(make_app(public_url="https://chat.example.org"), "passkeys")

    assert line.startswith("TODO 2 were made for localhost and can't be used at PUBLIC_URL:")


def test_an_env_file_that_others_may_read(app: Flask) -> None:
    file = Path(".env")
    file.touch(0o600)
    assert examine(app)[1][".env"] == "ok private (600)"
    file.chmod(0o644)

    assert complaint(app, ".env") == "TODO others on this machine may read it (644): chmod 600 .env"


def test_a_database_file_that_others_may_read(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(database_url=f"sqlite:///{tmp_path}/own.db")
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert examine(app)[1]["own.db"] == "ok private (600)"
    Path("own.db").chmod(0o640)

    assert complaint(app, "own.db").endswith(f"(640): chmod 600 {tmp_path}/own.db")


def test_a_database_that_is_away(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_url="postgresql://somebody:secret@127.0.0.1:1/x")
    line = complaint(app, "database")

    assert line.startswith("TODO does not answer: ")
    assert "secret" not in line


def test_migrations_that_were_not_run(app: Flask) -> None:
    with app.app_context():
        db.session.execute(text("DELETE FROM alembic_version"))
        db.session.commit()

    assert complaint(app, "migrations") == "TODO run: flask db upgrade"


def test_ollama_with_its_model(make_app: Callable[..., Flask], ollama: FakeOllama) -> None:
    status, said = examine(make_app(llm_providers=("ollama",), ollama_host=ollama.url))

    assert status == 0
    assert said["models"] == "ok llama3:latest, qwen3:0.6b (default: llama3:latest)"


def test_ollama_without_its_model(make_app: Callable[..., Flask], ollama: FakeOllama) -> None:
    app = make_app(llm_providers=("ollama",), ollama_host=ollama.url, ollama_model="gemma3")

    assert "gemma3 is missing: ollama pull gemma3" in complaint(app, "models")


def test_ollama_that_is_away(make_app: Callable[..., Flask]) -> None:
    away = "http://127.0.0.1:1"

    assert "`ollama serve`" in complaint(make_app(llm_providers=("fake", "ollama"), ollama_host=away), "ollama")


def test_no_model_at_all(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(llm_providers=("embedded",), models_dir=tmp_path / "no-models")
    status, said = examine(app)

    assert status == 1
    assert said["models"] == "TODO none can be picked: flask models pull installs the built-in one."

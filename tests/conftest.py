"""What every test stands on: a real, migrated database of its own, the application, and three people.

alice owns things, bob is a stranger, admin administers. The suite runs on SQLite; with `--database=postgresql` on PostgreSQL.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from jinja2 import FileSystemBytecodeCache

from app import create_app
from app.auth import passwords
from app.cli.migrations import upgrade_database
from app.config import Settings
from app.extensions import db
from tests.moved_clock import Clock
from tests.people import Person, sign_up

pytest_plugins = ["tests.postgresql", "tests.valkey", "tests.mailbox"]


@pytest.fixture(autouse=True, scope="session")
def _cheap_hashing() -> Iterator[None]:
    """One iteration instead of a million: the tests prove the flow, Werkzeug's own tests prove the hash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "METHOD", "pbkdf2:sha256:1")
        patch.setattr(passwords, "DUMMY_HASH", f"pbkdf2:sha256:1$nobody${'0' * 64}")
        yield


@pytest.fixture(scope="session")
def base_settings() -> Settings:
    """Settings of a test installation: the scripted model, no limit in the way."""
    return Settings(
        secret_key="a test's key, long enough to be accepted everywhere",
        llm_providers=("fake",),
        rate_limit="1000/minute",
        auto_title=False,
    )


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, base_settings: Settings) -> Path:
    """A SQLite file made by the migrations, to be copied for each test."""
    path = tmp_path_factory.mktemp("template") / "app.db"
    app = create_app(replace(base_settings, database_url=f"sqlite:///{path}"))
    with app.app_context():
        upgrade_database()
        db.engine.dispose()
    return path


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database."""
    if request.config.getoption("--database") == "postgresql":
        return str(request.getfixturevalue("fresh_postgresql"))
    path = tmp_path / "app.db"
    shutil.copy(request.getfixturevalue("migrated_file"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def settings(base_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    """The settings of this test."""
    return replace(base_settings, database_url=database_url, models_dir=tmp_path / "models")


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """The templates, compiled once for the run and not for each application."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def make_app(settings: Settings, compiled_templates: FileSystemBytecodeCache) -> Iterator[Callable[..., Flask]]:
    """Make applications on this test's database, with other settings where wanted."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        app = create_app(replace(settings, **changes))
        app.testing = True
        app.jinja_env.bytecode_cache = compiled_templates
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["chat"].engine.close()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The application."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody is signed in to."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """The command line."""
    return app.test_cli_runner()


@pytest.fixture
def alice(app: Flask) -> Person:
    """Somebody with an account, signed in."""
    return sign_up(app, "alice@example.org")


@pytest.fixture
def bob(app: Flask) -> Person:
    """A stranger to alice, signed in."""
    return sign_up(app, "bob@example.org")


@pytest.fixture
def admin(app: Flask) -> Person:
    """An administrator, signed in."""
    return sign_up(app, "admin@example.org", role="admin")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The application's clock, to be moved."""
    moved = Clock()
    monkeypatch.setattr("app.clock.datetime", moved)
    return moved


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the suite run on either database."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out on PostgreSQL what is about SQLite alone."""
    if config.getoption("--database") != "postgresql":
        return
    foreign = [item for item in items if item.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=foreign)
    items[:] = [item for item in items if item not in foreign]

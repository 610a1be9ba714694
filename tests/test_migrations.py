"""Migrations lead to what the models say, up and down, on whatever database the suite runs, with rows in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import func, inspect, select, text

from app.cli.migrations import find_revision, list_revisions
from app.clock import utcnow
from app.database import new_id
from app.extensions import db
from app.models import AnswerChunk, AuditEvent, Conversation, EmailToken, LoginSession, Message, ThrottleBucket, User
from app.models.search_tables import is_table_of_ours
from tests.people import PASSWORD, make_user, sign_in

TABLES = (User, Conversation, Message, AnswerChunk, LoginSession, EmailToken, AuditEvent, ThrottleBucket)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups of a server's database go below the current directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def empty(request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """The application on a database without tables."""
    if request.config.getoption("--database") == "postgresql":
        return make_app(database_url=request.getfixturevalue("empty_postgresql"))
    return make_app(database_url=f"sqlite:///{tmp_path}/empty.db")


def flask(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["db", *arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def add_rows(app: Flask) -> None:
    """A row in every table."""
    with app.app_context():
        user = User.create("ada@example.org", role="admin")
        db.session.add(user)
        db.session.flush()
        conversation = Conversation(id=new_id(), user_id=user.id, title="Ada's")
        db.session.add_all([conversation, AuditEvent(kind="registered", actor_id=user.id, subject_id=user.id)])
        db.session.flush()
        question = Message(id=new_id(), conversation_id=conversation.id, role="user", content="Zoë 🙂?")
        db.session.add(question)
        db.session.flush()
        answer = Message(
            conversation_id=conversation.id,
            parent_id=question.id,
            role="assistant",
            status="streaming",
            runs=[["c", 2]],
        )
        db.session.add(answer)
        db.session.flush()
        later = utcnow()
        db.session.add_all(
            [
                AnswerChunk(message_id=answer.id, start=0, kind="content", text="Hi"),
                LoginSession(user_id=user.id, token_hash="s", method="link", expires_at=later),
                EmailToken(user_id=user.id, token_hash="t", expires_at=later),
                ThrottleBucket(key="k", tokens=0.5, updated_at=later),
            ]
        )
        db.session.commit()


def contents(app: Flask) -> dict[str, list[dict[str, object]]]:
    """Everything that the tables hold."""
    with app.app_context():
        return {
            table.__tablename__: [dict(row) for row in db.session.execute(select(table.__table__)).mappings()]
            for table in TABLES
        }


def differences(app: Flask) -> list[object]:
    with app.app_context(), db.engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_table_of_ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata))


def search_objects(app: Flask) -> set[tuple[object, ...]]:
    """What search has in the database, in the words that made it."""
    kinds = {
        "sqlite": "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name LIKE 'search%'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'search%'",
    }
    with app.app_context(), db.engine.connect() as connection:
        return {tuple(row) for row in connection.execute(text(kinds[connection.dialect.name]))}


def current(app: Flask) -> str | None:
    with app.app_context(), db.engine.connect() as connection:
        return find_revision(connection)


def backups() -> list[Path]:
    return sorted(Path().rglob("before-migration-*"))


def test_the_newest_revision_is_what_the_models_say(empty: Flask) -> None:
    assert differences(empty) != [], "an empty database is not"
    flask(empty, "upgrade")

    assert differences(empty) == []
    assert flask(empty, "check")


def test_every_revision_goes_up_and_down(empty: Flask) -> None:
    for revision in list_revisions():
        flask(empty, "upgrade", revision)
        flask(empty, "downgrade")  # one step
        flask(empty, "upgrade", revision)
        assert current(empty) == revision
    flask(empty, "downgrade", "base")

    with empty.app_context():
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}


def test_rows_survive_the_way_up(empty: Flask) -> None:
    flask(empty, "upgrade")
    add_rows(empty)
    before = contents(empty)
    assert all(before.values()), "a row in every table"
    flask(empty, "upgrade")

    assert contents(empty) == before


def test_the_way_down_to_the_first_revision_and_up_again_keeps_people(empty: Flask) -> None:
    flask(empty, "upgrade")
    add_rows(empty)
    users = contents(empty)["user"]
    flask(empty, "downgrade", list_revisions()[0])
    flask(empty, "upgrade")

    assert [row["email"] for row in contents(empty)["user"]] == [row["email"] for row in users]


def test_going_down_with_rows_works_and_backs_up_first(empty: Flask) -> None:
    flask(empty, "upgrade")
    add_rows(empty)
    before = contents(empty)
    output = flask(empty, "downgrade", "base")
    assert "Backup before the migration: " in output
    flask(empty, "upgrade")
    assert not any(contents(empty).values()), "everything was lost"
    [file] = backups()

    assert empty.test_cli_runner().invoke(args=["restore", str(file)]).exit_code == 0
    assert contents(empty) == before | {"login_session": [], "email_token": []}, "a restored backup signs nobody in"


def test_a_database_with_accounts_is_backed_up_before_it_changes(empty: Flask) -> None:
    flask(empty, "upgrade")
    make_user(empty, "ada@example.org")
    with empty.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        db.session.commit()
    result = empty.test_cli_runner().invoke(args=["db", "upgrade"])

    assert result.exit_code == 1, "there is no such revision to come from"
    assert len(backups()) == 1
    assert re.search(r"before-migration-0000-\d{8}-\d{6}-\d+\.(db|dump)$", str(backups()[0]))


def test_nothing_is_backed_up_when_there_is_nothing_to_do_or_to_lose(empty: Flask) -> None:
    flask(empty, "upgrade")
    flask(empty, "downgrade", "base")
    flask(empty, "upgrade")
    make_user(empty, "ada@example.org")
    for command in (["upgrade"], ["current"], ["check"], ["history"], ["heads"]):
        flask(empty, *command)

    assert backups() == []


def test_a_backup_that_can_not_be_made_stops_the_migration(empty: Flask) -> None:
    flask(empty, "upgrade")
    make_user(empty, "ada@example.org")
    before = contents(empty)
    if empty.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        Path("backups").write_text("not a folder")
    else:
        Path("instance").write_text("not a folder")
    result = empty.test_cli_runner().invoke(args=["db", "downgrade", "base"])

    assert result.exit_code == 1
    assert contents(empty) == before


def test_tables_made_without_migrations_are_taken_over(empty: Flask) -> None:
    with empty.app_context():
        db.create_all()
    add_rows(empty)
    before = contents(empty)
    assert "at revision" in flask(empty, "upgrade")

    assert current(empty) == list_revisions()[-1]
    assert contents(empty) == before
    assert differences(empty) == []


def test_tables_of_another_version_are_not_taken_over(empty: Flask) -> None:
    with empty.app_context():
        db.create_all()
        db.session.execute(text("ALTER TABLE conversation DROP COLUMN system_prompt"))
        db.session.commit()
    result = empty.test_cli_runner().invoke(args=["db", "upgrade"])

    assert result.exit_code == 1
    assert current(empty) is None


def test_create_all_after_migrations_changes_nothing(empty: Flask) -> None:
    flask(empty, "upgrade")
    add_rows(empty)
    before = contents(empty)
    with empty.app_context():
        db.create_all()

    assert contents(empty) == before
    assert differences(empty) == []


def test_search_has_the_same_from_migrations_and_from_models(empty: Flask) -> None:
    flask(empty, "upgrade")
    migrated = search_objects(empty)
    with empty.app_context():
        db.drop_all()
        assert search_objects(empty) == set()
        db.create_all()

    assert migrated == search_objects(empty)
    if empty.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):  # the PostgreSQL of the tests has no pg_trgm
        assert {name for kind, name, *_ in migrated if kind == "trigger"} == {
            f"search_message_{what}" for what in ("added", "changed", "deleted")
        }


def test_the_application_works_on_what_migrations_made(empty: Flask) -> None:
    flask(empty, "upgrade")
    make_user(empty, "ada@example.org")

    assert sign_in(empty, "ada@example.org", PASSWORD).get("/chat").status_code == 200


def test_constraints_have_names(app: Flask) -> None:
    with app.app_context():
        inspector = inspect(db.engine)
        for table in inspector.get_table_names():
            keys = [*inspector.get_foreign_keys(table), *inspector.get_unique_constraints(table)]
            keys += inspector.get_check_constraints(table)
            assert all(key["name"] for key in keys), f"{table}: what has no name can't be dropped everywhere"


def test_what_points_to_a_row_goes_with_it(empty: Flask) -> None:
    flask(empty, "upgrade")
    add_rows(empty)
    with empty.app_context():
        db.session.execute(db.delete(User))
        db.session.commit()
        left = {t.__tablename__: db.session.scalar(select(func.count()).select_from(t)) for t in TABLES}

    assert {name: count for name, count in left.items() if count} == {"audit_event": 1, "throttle_bucket": 1}

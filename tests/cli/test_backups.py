from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import text

from app.clock import utcnow
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from tests.people import HELLO, Person, make_user, sign_in


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands leave their safety copies in the current directory."""
    monkeypatch.chdir(tmp_path)


def backup(runner: FlaskCliRunner, file: Path | str = "monday.backup") -> Result:
    return runner.invoke(args=["backup", str(file)])


def restore(runner: FlaskCliRunner, file: Path | str = "monday.backup") -> Result:
    return runner.invoke(args=["restore", str(file)])


def emails(app: Flask) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(db.select(User.email)))


def test_it_works(app: Flask, runner: FlaskCliRunner, alice: Person) -> None:
    answer = alice.ask(HELLO)
    page = f"/api/conversations/{answer['conversation_id']}"
    before = alice.get(page).get_json()
    saved = backup(runner)
    assert saved.exit_code == 0, saved.output
    assert saved.output.startswith("Saved and verified: monday.backup (")

    alice.call("DELETE", page)
    make_user(app, "late@example.org")
    assert alice.get(page).status_code == 404
    restored = restore(runner)
    assert restored.exit_code == 0, restored.output

    assert emails(app) == {alice.email}
    assert alice.get(page).status_code == 401, (
        "what was signed out since must not come back to life, so nobody is signed in"
    )
    assert sign_in(app, alice.email).get(page).get_json() == before


def test_the_file_is_private(runner: FlaskCliRunner) -> None:
    backup(runner, "deep/down/monday.backup")

    assert stat.S_IMODE(Path("deep/down/monday.backup").stat().st_mode) == 0o600
    assert [file.name for file in Path("deep/down").iterdir()] == ["monday.backup"]


@pytest.mark.parametrize("name", ["with space.db", "50% #1?.db", "ünï.db", "-dash.db"])
def test_the_file_may_have_any_name(app: Flask, runner: FlaskCliRunner, name: str) -> None:
    make_user(app, "ada@example.org")
    assert runner.invoke(args=["backup", "--", name]).exit_code == 0
    make_user(app, "late@example.org")

    assert runner.invoke(args=["restore", "--", name]).exit_code == 0
    assert emails(app) == {"ada@example.org"}


def test_what_was_there_is_saved_first(app: Flask, runner: FlaskCliRunner) -> None:
    backup(runner)
    make_user(app, "late@example.org")
    output = restore(runner).output
    assert emails(app) == set()
    safety = output.partition("saved in ")[2].partition(".\n")[0]

    assert restore(runner, safety).exit_code == 0
    assert emails(app) == {"late@example.org"}


def test_nothing_is_overwritten(runner: FlaskCliRunner) -> None:
    Path("monday.backup").write_text("something dear")
    result = backup(runner)

    assert result.exit_code == 1
    assert result.output == "Error: monday.backup exists already.\n"
    assert Path("monday.backup").read_text() == "something dear"


def spoil(file: Path) -> dict[str, bytes]:
    """What may have become of a backup."""
    good = file.read_bytes()
    middle = len(good) // 2
    return {
        "empty": b"",
        "cut": good[:middle],
        "text": b"This is no database.",
        "overwritten": good[:200] + b"\xa5" * (len(good) - 200),
        "header": b"\0" * 100 + good[100:],
    }


def test_a_damaged_file_changes_nothing(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, "ada@example.org")
    backup(runner)
    make_user(app, "late@example.org")
    for name, content in spoil(Path("monday.backup")).items():
        Path(name).write_bytes(content)
        result = restore(runner, name)
        assert result.exit_code == 1, name
        assert result.output.startswith("Error: "), result.output
        assert result.output.count("\n") == 1, "one sentence"
        assert emails(app) == {"ada@example.org", "late@example.org"}, name

    assert restore(runner).exit_code == 0, "the good one is good"


@pytest.mark.parametrize("revision", ["9999", None])
def test_a_backup_of_another_version_changes_nothing(app: Flask, runner: FlaskCliRunner, revision: str | None) -> None:
    with app.app_context():
        here = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        statement = (
            "DELETE FROM alembic_version"
            if revision is None
            else f"UPDATE alembic_version SET version_num='{revision}'"
        )
        db.session.execute(text(statement))
        db.session.commit()
        backup(runner)
        db.session.execute(text("DELETE FROM alembic_version"))
        db.session.execute(text(f"INSERT INTO alembic_version VALUES ('{here}')"))
        db.session.commit()
    make_user(app, "late@example.org")
    result = restore(runner)

    assert result.exit_code == 1
    assert f"another version of this application ({revision or 'none'})" in result.output
    assert emails(app) == {"late@example.org"}
    assert not list(Path().rglob("before-restore*")), "nothing was about to happen"


def test_tables_that_came_after_the_backup_go(app: Flask, runner: FlaskCliRunner) -> None:
    make_user(app, "ada@example.org")
    backup(runner)
    with app.app_context():
        db.session.execute(text("CREATE TABLE later (user_id CHAR(36) REFERENCES throttle_bucket (key))"))
        db.session.commit()
        db.session.remove()
        result = restore(runner)
        assert result.exit_code == 0, result.output
        assert not db.inspect(db.engine).has_table("later")
    assert emails(app) == {"ada@example.org"}


def test_it_saves_while_somebody_writes(app: Flask, runner: FlaskCliRunner) -> None:
    stop, written = Event(), Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with app.app_context():
                db.session.add_all(
                    ThrottleBucket(key=f"{number}-{half}", tokens=0, updated_at=utcnow()) for half in (1, 2)
                )
                db.session.commit()
            number += 1
            written.set()

    writer = Thread(target=write)
    writer.start()
    assert written.wait(10)
    try:
        results = [backup(runner, f"{n}.backup") for n in range(3)]
    finally:
        stop.set()
        writer.join()
    assert [result.exit_code for result in results] == [0, 0, 0]

    assert restore(runner, "2.backup").exit_code == 0
    with app.app_context():
        count = db.session.query(ThrottleBucket).count()
    assert count > 0
    assert count % 2 == 0, "both rows of a transaction, or none"


def test_a_missing_file_is_one_sentence(runner: FlaskCliRunner) -> None:
    result = restore(runner, "nothing.db")

    assert (result.exit_code, result.output) == (1, "Error: nothing.db is not there.\n")


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_folder_is_no_file(runner: FlaskCliRunner, command: str) -> None:
    Path("folder").mkdir()
    result = runner.invoke(args=[command, "folder"])

    assert result.exit_code == 1
    assert result.output.startswith("Error: folder")


def test_a_place_that_can_not_be_written_is_one_sentence(runner: FlaskCliRunner) -> None:
    Path("file").touch()
    result = backup(runner, "file/monday.backup")

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


def test_a_new_machine_takes_a_backup(
    make_app: Callable[..., Flask], settings_of_new_machine: dict[str, str], app: Flask, runner: FlaskCliRunner
) -> None:
    make_user(app, "ada@example.org")
    backup(runner)
    new = make_app(**settings_of_new_machine)
    result = restore(new.test_cli_runner())

    assert result.exit_code == 0, result.output
    assert emails(new) == {"ada@example.org"}


@pytest.fixture
def settings_of_new_machine(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """A database that is not there yet, or empty."""
    if request.config.getoption("--database") == "postgresql":
        return {"database_url": request.getfixturevalue("empty_postgresql")}
    return {"database_url": f"sqlite:///{tmp_path}/new/app.db"}


def test_a_database_that_is_not_there_can_not_be_saved(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    result = backup(make_app(database_url=f"sqlite:///{tmp_path}/new/app.db").test_cli_runner())

    assert (result.exit_code, result.output) == (1, "Error: There is no database yet: flask db upgrade makes it.\n")
    assert not Path("new/app.db").exists()


def test_the_database_itself_is_no_backup(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(database_url=f"sqlite:///{tmp_path}/own.db")
    with app.app_context():
        db.create_all()
    Path("folder").symlink_to(tmp_path)
    Path("symbolic.db").symlink_to("own.db")
    Path("hard.db").hardlink_to("own.db")
    for name in (
        "own.db",
        f"{tmp_path}/own.db",
        "folder/own.db",
        f"../{tmp_path.name}/own.db",
        "symbolic.db",
        "hard.db",
    ):
        result = restore(app.test_cli_runner(), name)
        assert (result.exit_code, result.output) == (1, f"Error: {name} is the database itself.\n")


def test_tables_made_without_migrations_are_saved_too(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app(database_url=f"sqlite:///{tmp_path}/made.db")
    with app.app_context():
        db.create_all()

    assert backup(app.test_cli_runner()).exit_code == 0


def test_without_postgresqls_programs_it_says_what_to_install(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    result = backup(make_app(database_url="postgresql://127.0.0.1:1/x").test_cli_runner())

    assert result.exit_code == 1
    assert "install PostgreSQL's client programs" in result.output


@pytest.mark.usefixtures("on_terminal")
@pytest.mark.parametrize(("typed", "left"), [("y\n", set()), ("n\n", {"late@example.org"}), ("", {"late@example.org"})])
def test_on_a_terminal_it_asks(app: Flask, runner: FlaskCliRunner, typed: str, left: set[str]) -> None:
    backup(runner)
    make_user(app, "late@example.org")
    result = runner.invoke(args=["restore", "monday.backup"], input=typed)

    assert "Replace everything in the database by the backup? [y/N]:" in result.output
    assert emails(app) == left


@pytest.mark.usefixtures("on_terminal")
def test_on_a_terminal_with_yes_it_does_not_ask(app: Flask, runner: FlaskCliRunner) -> None:
    backup(runner)
    make_user(app, "late@example.org")

    assert runner.invoke(args=["restore", "--yes", "monday.backup"]).exit_code == 0
    assert emails(app) == set()

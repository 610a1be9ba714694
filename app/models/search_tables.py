"""What search needs beside the tables: made with them by `create_all` and, in the same words, by the migrations.

SQLite: an FTS5 index of trigrams. Filling it costs milliseconds, at times a hundred (it merges its parts), so triggers only note in
`search_todo` which message changed, and `app.models.search_index` fills it later, in a native thread. Each user has a range of the
index's numbers: a search reads nothing of anybody else. PostgreSQL: an index of trigrams over the text of messages; without the right
to install `pg_trgm` there is none, and the same questions read every message of the user.

Everything here has a name that begins with PREFIX; `is_table_of_ours` keeps it out of the comparison of models and database.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, MetaData, event, text
from sqlalchemy.exc import DBAPIError

from app.database import Base

PREFIX = "search_"
OWNER_BITS = 40  # so many messages can a user write, to the power of two

SQLITE = (
    """CREATE TABLE IF NOT EXISTS search_owner (
  number INTEGER PRIMARY KEY,
  user_id CHAR(32) NOT NULL,
  CONSTRAINT uq_search_owner_user_id UNIQUE (user_id),
  CONSTRAINT fk_search_owner_user_id_user FOREIGN KEY (user_id) REFERENCES user (id) ON DELETE CASCADE
)""",
    """CREATE TABLE IF NOT EXISTS search_entry (
  id INTEGER PRIMARY KEY,
  message_id CHAR(32) NOT NULL,
  CONSTRAINT uq_search_entry_message_id UNIQUE (message_id)
)""",
    "CREATE TABLE IF NOT EXISTS search_todo (message_id CHAR(32) NOT NULL PRIMARY KEY) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_text USING fts5(content, tokenize='trigram')",
    """CREATE TRIGGER IF NOT EXISTS search_message_added AFTER INSERT ON message
WHEN NEW.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (NEW.id); END""",
    """CREATE TRIGGER IF NOT EXISTS search_message_changed AFTER UPDATE OF content, status ON message
WHEN NEW.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (NEW.id); END""",
    """CREATE TRIGGER IF NOT EXISTS search_message_deleted AFTER DELETE ON message
WHEN OLD.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (OLD.id); END""",
)
SQLITE_DROP = tuple(
    f"DROP {kind} IF EXISTS search_{name}"
    for kind, name in (
        ("TRIGGER", "message_deleted"),
        ("TRIGGER", "message_changed"),
        ("TRIGGER", "message_added"),
        ("TABLE", "text"),
        ("TABLE", "todo"),
        ("TABLE", "entry"),
        ("TABLE", "owner"),
    )
)
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
POSTGRESQL = (
    "CREATE INDEX IF NOT EXISTS search_message_content ON message USING gin (content gin_trgm_ops) "
    "WHERE status NOT IN ('pending', 'streaming')"
)


def is_table_of_ours(name: str | None, _kind: str, _parents: Any) -> bool:
    """Tell whether the models know of what has this name; Alembic's `include_name`."""
    return name is None or not name.startswith(PREFIX)


@event.listens_for(Base.metadata, "after_create")
def _make(_metadata: MetaData, connection: Connection, **_options: Any) -> None:
    if connection.dialect.name == "sqlite":
        for statement in SQLITE:
            connection.execute(text(statement))
    elif _install_trigrams(connection):
        connection.execute(text(POSTGRESQL))


def _install_trigrams(connection: Connection) -> bool:
    """Tell whether there are trigrams now: the extension may be missing, or the right to install it."""
    try:
        with connection.begin_nested():
            connection.execute(text(EXTENSION))
    except DBAPIError:
        return False
    return True


@event.listens_for(Base.metadata, "before_drop")
def _drop(_metadata: MetaData, connection: Connection, **_options: Any) -> None:
    if connection.dialect.name == "sqlite":
        for statement in SQLITE_DROP:
            connection.execute(text(statement))

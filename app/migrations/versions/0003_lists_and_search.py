"""lists and search.

Revision ID: 0003
Revises: 0002
"""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQLITE = (
    """CREATE TABLE search_owner (
  number INTEGER PRIMARY KEY,
  user_id CHAR(32) NOT NULL,
  CONSTRAINT uq_search_owner_user_id UNIQUE (user_id),
  CONSTRAINT fk_search_owner_user_id_user FOREIGN KEY (user_id) REFERENCES user (id) ON DELETE CASCADE
)""",
    """CREATE TABLE search_entry (
  id INTEGER PRIMARY KEY,
  message_id CHAR(32) NOT NULL,
  CONSTRAINT uq_search_entry_message_id UNIQUE (message_id)
)""",
    "CREATE TABLE search_todo (message_id CHAR(32) NOT NULL PRIMARY KEY) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE search_text USING fts5(content, tokenize='trigram')",
    """CREATE TRIGGER search_message_added AFTER INSERT ON message
WHEN NEW.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (NEW.id); END""",
    """CREATE TRIGGER search_message_changed AFTER UPDATE OF content, status ON message
WHEN NEW.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (NEW.id); END""",
    """CREATE TRIGGER search_message_deleted AFTER DELETE ON message
WHEN OLD.status NOT IN ('pending', 'streaming')
BEGIN INSERT OR IGNORE INTO search_todo VALUES (OLD.id); END""",
    "INSERT INTO search_todo SELECT id FROM message WHERE status NOT IN ('pending', 'streaming')",
)
SQLITE_DOWN = (
    "DROP TRIGGER IF EXISTS search_message_deleted",
    "DROP TRIGGER IF EXISTS search_message_changed",
    "DROP TRIGGER IF EXISTS search_message_added",
    "DROP TABLE IF EXISTS search_text",
    "DROP TABLE IF EXISTS search_todo",
    "DROP TABLE IF EXISTS search_entry",
    "DROP TABLE IF EXISTS search_owner",
)


def upgrade() -> None:
    op.drop_index("ix_conversation_user_id_updated_at_id", table_name="conversation")
    op.create_index("ix_conversation_listed", "conversation", ["user_id", "archived", "pinned", "updated_at", "id"])
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in SQLITE:
            op.execute(statement)
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError:
        return  # not there, or no right to install it: search does without the index
    op.execute(
        "CREATE INDEX search_message_content ON message USING gin (content gin_trgm_ops) "
        "WHERE status NOT IN ('pending', 'streaming')"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE_DOWN:
            op.execute(statement)
    else:
        op.execute("DROP INDEX IF EXISTS search_message_content")  # the extension may have other users
    op.drop_index("ix_conversation_listed", table_name="conversation")
    op.create_index("ix_conversation_user_id_updated_at_id", "conversation", ["user_id", "updated_at", "id"])

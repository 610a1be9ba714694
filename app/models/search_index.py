"""Fills SQLite's search index with what its triggers noted; PostgreSQL keeps its own."""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

from app.models.search_tables import OWNER_BITS

NEXT = text("SELECT message_id FROM search_todo ORDER BY message_id LIMIT 1")
FORGET_TEXT = text("DELETE FROM search_text WHERE rowid = (SELECT id FROM search_entry WHERE message_id = :id)")
FORGET_ENTRY = text("DELETE FROM search_entry WHERE message_id = :id")
ADD_OWNER = text(
    "INSERT OR IGNORE INTO search_owner (user_id) SELECT conversation.user_id FROM message "
    "JOIN conversation ON conversation.id = message.conversation_id WHERE message.id = :id"
)
ADD_ENTRY = text(
    "INSERT INTO search_entry (id, message_id) SELECT coalesce("
    "  (SELECT max(id) + 1 FROM search_entry WHERE id >= number << :bits AND id < (number + 1) << :bits), number << :bits"
    "), message.id FROM message "
    "JOIN conversation ON conversation.id = message.conversation_id "
    "JOIN search_owner ON search_owner.user_id = conversation.user_id "
    "WHERE message.id = :id AND message.content != '' AND message.status NOT IN ('pending', 'streaming')"
)
ADD_TEXT = text(
    "INSERT INTO search_text (rowid, content) SELECT search_entry.id, message.content FROM search_entry "
    "JOIN message ON message.id = search_entry.message_id WHERE message.id = :id"
)
DONE = text("DELETE FROM search_todo WHERE message_id = :id")


def index_some(connection: Connection, seconds: float) -> bool:
    """Index what was noted, the oldest first, for about so long; tells whether something is left. The caller commits."""
    if connection.dialect.name != "sqlite":
        return False
    deadline = time.monotonic() + seconds
    while message_id := connection.scalar(NEXT):
        _index(connection, message_id)
        if time.monotonic() > deadline:
            return connection.scalar(NEXT) is not None
    return False


def _index(connection: Connection, message_id: str) -> None:
    """Bring the index up to one message: as it is now, or gone."""
    for statement in (FORGET_TEXT, FORGET_ENTRY, ADD_OWNER, ADD_ENTRY, ADD_TEXT, DONE):
        values = {"id": message_id, "bits": OWNER_BITS} if statement is ADD_ENTRY else {"id": message_id}
        connection.execute(statement, values)

"""Conversations made by SQL, to see what a long history and a large database cost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

FIRST_ID = 0x01900000_0000_7000_8000_000000000000  # a UUIDv7 of the past: what is asked now comes after it
TEXT = "Four hundred characters of a message in a conversation that somebody had with a model. " * 5
WHEN = "2026-01-01 00:00:00.000000"
CONVERSATION = "INSERT INTO conversation (id, user_id, title, system_prompt, created_at, updated_at) VALUES (?, ?, 'Long', '', ?, ?)"
MESSAGE = """INSERT INTO message (id, conversation_id, parent_id, depth, role, content, reasoning, status, dropped_messages, created_at,
    stop_requested) VALUES (?, ?, ?, ?, ?, ?, '', 'complete', 0, ?, 0)"""


def add_conversations(database: Path, email: str, count: int, length: int) -> list[str]:
    """Add so many conversations with so many messages each, all of one user; gives their ids."""
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        (user,) = connection.execute("SELECT id FROM user WHERE email = ?", (email,)).fetchone()
        (known,) = connection.execute("SELECT count(*) FROM message").fetchone()
        first = FIRST_ID + known * 2
        conversations = [f"{first + index * (length + 1):032x}" for index in range(count)]
        connection.executemany(CONVERSATION, ((one, user, WHEN, WHEN) for one in conversations))
        connection.executemany(MESSAGE, (row for one in conversations for row in _messages(one, length)))
        connection.execute("ANALYZE")
    connection.close()
    return [str(UUID(one)) for one in conversations]


def _messages(conversation: str, length: int) -> Iterator[tuple[str, str, str | None, int, str, str, str]]:
    parent = None
    for index in range(length):
        message = f"{int(conversation, 16) + 1 + index:032x}"
        yield message, conversation, parent, index, ("user", "assistant")[index % 2], TEXT[:400], WHEN
        parent = message

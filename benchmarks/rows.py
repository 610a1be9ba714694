"""Conversations made by SQL, to see what a long history and a large database cost."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine

from app.database import prepare_engine
from app.models.search_index import index_some

FIRST_ID = 0x01900000_0000_7000_8000_000000000000  # a UUIDv7 of the past: what is asked now comes after it
TEXT = "Four hundred characters of a message in a conversation that somebody had with a model. " * 5
SYLLABLES = ("ta", "ri", "no", "sel", "ka", "um", "bo", "dre", "li", "on", "fa", "ges", "wi", "pra", "mo")
VOCABULARY = [f"{a}{b}{c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
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


def add_talk(database: Path, email: str, count: int, length: int) -> None:
    """Add conversations in which the words differ, the frequent ones as in any language (Zipf's law), to be searched."""
    chance = random.Random(1)  # the same text in every run
    weights = [1 / (rank + 1) for rank in range(len(VOCABULARY))]
    conversations = add_conversations(database, email, count, length)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for one in conversations:
            first = UUID(one).int + 1
            rows = [(" ".join(chance.choices(VOCABULARY, weights, k=40)), f"{first + n:032x}") for n in range(length)]
            connection.executemany("UPDATE message SET content = ? WHERE id = ?", rows)
    connection.close()


def make_index(database: Path) -> None:
    """Let search know every message at once; the application itself takes its time, so that nobody waits for it."""
    engine = create_engine(f"sqlite:///{database}")
    prepare_engine(engine)
    while True:
        with engine.begin() as connection:
            if not index_some(connection, 2):
                break
    engine.dispose()


def _messages(conversation: str, length: int) -> Iterator[tuple[str, str, str | None, int, str, str, str]]:
    parent = None
    for index in range(length):
        message = f"{int(conversation, 16) + 1 + index:032x}"
        yield message, conversation, parent, index, ("user", "assistant")[index % 2], TEXT[:400], WHEN
        parent = message

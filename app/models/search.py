"""Search over titles and messages: one interface, two implementations, the same finds. Always one user's own, the newest first.

Every word has to occur somewhere in the text, also in the middle of another one, whatever its case. SQLite asks its index of trigrams
(words under three characters, and messages that the index has not seen yet, by LIKE); PostgreSQL asks by ILIKE, for which `pg_trgm`
has an index where it is installed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)

from app.models.conversation import Conversation
from app.models.message import IS_RUNNING, Message
from app.models.search_tables import OWNER_BITS

HIT: tuple[Any, ...] = (
    Conversation.id,
    Conversation.title,
    Conversation.folder,
    Conversation.archived,
    Message.created_at,
    Message.id,
    Message.role,
    Message.model,
    Message.content,
)
TRIGRAM = 3
MAX_TITLE_HITS = 10
MAX_MESSAGE_HITS = 40
HAS_ENDED = text(f"NOT ({IS_RUNNING.text})")
OWNER = literal_column(
    "+conversation.user_id", Conversation.user_id.type
)  # not by its index: by that SQLite would read everything
ENTRY = table("search_entry", column("id", Integer), column("message_id", Message.id.type))
TODO = table("search_todo", column("message_id", Message.id.type))
TEXT = table("search_text", column("rowid", Integer))
MATCHES = text("search_text MATCH :match")


class Query(NamedTuple):
    """What is searched: all of these words, said by whom, by which model (a part of its name), when, in which folder."""

    words: tuple[str, ...] = ()
    role: Literal["user", "assistant"] | None = None
    model: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    folder: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self == Query()

    @property
    def is_about_messages(self) -> bool:
        """Whether only messages can match."""
        return self.role is not None or self.model is not None


class TitleHit(NamedTuple):
    """A conversation whose title matches."""

    conversation_id: UUID
    title: str
    folder: str
    archived: bool
    at: datetime


class MessageHit(NamedTuple):
    """A message that matches."""

    conversation_id: UUID
    title: str
    folder: str
    archived: bool
    at: datetime
    message_id: UUID
    role: str
    model: str | None
    content: str


class MessageSearch(Protocol):
    """Finds messages; one for each database."""

    def __call__(self, connection: Connection, user_id: UUID, query: Query) -> list[MessageHit]:
        """Give the newest messages of the user that match."""
        ...


def find_titles(connection: Connection, user_id: UUID, query: Query) -> list[TitleHit]:
    """Give the newest conversations of the user whose titles match; none where only messages can."""
    if query.is_about_messages or not query.words:
        return []
    found = select(
        Conversation.id, Conversation.title, Conversation.folder, Conversation.archived, Conversation.updated_at
    )
    found = found.where(Conversation.user_id == user_id, *_in_folder(query), *_between(Conversation.updated_at, query))
    found = found.where(
        *(func.lower(Conversation.title).contains(word.lower(), autoescape=True) for word in query.words)
    )
    rows = connection.execute(found.order_by(Conversation.updated_at.desc()).limit(MAX_TITLE_HITS))
    return [TitleHit(*row) for row in rows]


def find_messages(connection: Connection, user_id: UUID, query: Query) -> list[MessageHit]:
    """Give the newest messages of the user that match."""
    search: MessageSearch = find_by_fts5 if connection.dialect.name == "sqlite" else find_by_ilike
    return search(connection, user_id, query)


def find_by_ilike(connection: Connection, user_id: UUID, query: Query) -> list[MessageHit]:
    """Search on PostgreSQL."""
    found = _messages(user_id, query).where(*(Message.content.icontains(word, autoescape=True) for word in query.words))
    return _hits(connection, found.order_by(Message.id.desc()))


def find_by_fts5(connection: Connection, user_id: UUID, query: Query) -> list[MessageHit]:
    """Search on SQLite: in the index, and in what it has not seen yet."""
    fresh = _messages(user_id, query, OWNER).where(Message.id.in_(select(TODO.c.message_id)), *_say(query.words))
    hits = _hits(connection, fresh.order_by(Message.id.desc()))
    owner = select(literal_column("number", Integer)).select_from(text("search_owner"))
    number = connection.scalar(owner.where(text("user_id = :user")), {"user": user_id.hex})
    if number is not None:
        hits += _find_indexed(connection, number, _messages(user_id, query, OWNER), query)
    known = {hit.message_id: hit for hit in hits}
    return sorted(known.values(), key=lambda hit: hit.message_id, reverse=True)[:MAX_MESSAGE_HITS]


def _find_indexed(connection: Connection, number: int, found: Select[Any], query: Query) -> list[MessageHit]:
    """Read the user's own range of the index, from its end: the numbers grow with time."""
    long = [word for word in query.words if len(word) >= TRIGRAM]
    found = found.join(ENTRY, ENTRY.c.message_id == Message.id)
    found = found.where(*_say([word for word in query.words if len(word) < TRIGRAM]))
    place = ENTRY.c.id
    values: dict[str, Any] = {}
    if long:
        place = TEXT.c.rowid
        found = found.join(TEXT, TEXT.c.rowid == ENTRY.c.id).where(MATCHES)
        values = {"match": " AND ".join('"' + word.replace('"', '""') + '"' for word in long)}
    found = found.where(place >= number << OWNER_BITS, place < (number + 1) << OWNER_BITS)
    return _hits(connection, found.order_by(place.desc()), values)


def _messages(user_id: UUID, query: Query, owner: Any = Conversation.user_id) -> Select[Any]:
    """Select the user's messages that are what the query wants them to be, whatever they say."""
    found = select(*HIT).select_from(Message)
    found = found.join(Conversation, Conversation.id == Message.conversation_id)
    found = found.where(owner == user_id, HAS_ENDED, Message.content != "")
    if query.role:
        found = found.where(Message.role == query.role)
    if query.model:
        found = found.where(Message.model.icontains(query.model, autoescape=True))
    return found.where(*_in_folder(query), *_between(Message.created_at, query))


def _in_folder(query: Query) -> list[ColumnElement[bool]]:
    return [func.lower(Conversation.folder) == query.folder.lower()] if query.folder is not None else []


def _between(moment: Any, query: Query) -> list[ColumnElement[bool]]:
    conditions = []
    if query.since:
        conditions.append(moment >= query.since)
    if query.before:
        conditions.append(moment < query.before)
    return conditions


def _say(words: Any) -> list[ColumnElement[bool]]:
    """Tell by LIKE which messages say all the words. SQLite's knows the case of ASCII alone, so other letters are tried in both."""
    return [or_(*(Message.content.like(f"%{_escaped(form)}%", escape="\\") for form in _forms(word))) for word in words]


def _forms(word: str) -> list[str]:
    return [word] if word.isascii() else list(dict.fromkeys([word, word.lower(), word.upper(), word.capitalize()]))


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _hits(connection: Connection, found: Select[Any], values: dict[str, Any] | None = None) -> list[MessageHit]:
    return [MessageHit(*row) for row in connection.execute(found.limit(MAX_MESSAGE_HITS), values or {})]

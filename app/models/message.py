"""Messages: a tree inside a conversation. Nothing is ever overwritten; editing and asking again make branches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    String,
    Text,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db
from app.models.conversation import Conversation

RUNNING = ("pending", "streaming")
MAX_BRANCH = 10_000  # messages that are given at once
AT_LEAST = 8  # messages of what was said last, however long: the last question is always among them
# Literally the condition of the partial index: with bound values SQLite would not know that it may use it, and read the whole table.
IS_RUNNING = text("message.status in ('pending', 'streaming')")
STATUSES = (*RUNNING, "complete", "stopped", "interrupted", "failed")


class Message(Base):
    """A question (role user) or an answer (role assistant).

    `depth` is the number of messages above it. While an answer runs its text is in `answer_chunk`; at its end it is folded into
    `content`, `reasoning` and `tool_lines` (the tools that it asks for, each a line of JSON). `runs` then keeps how these followed
    each other, as [[kind, characters], …], so that a reader can be served from any position. `end_reason` is `length` where a limit
    cut it. `lease_*` say which process makes the answer and until when that holds without being renewed.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("role in ('user', 'assistant')", name="role"),
        CheckConstraint(f"status in {STATUSES}", name="status"),
        Index("ix_message_conversation_id_id", "conversation_id", "id"),
        Index(
            "ix_message_running",
            "lease_expires_at",
            sqlite_where=text("status in ('pending', 'streaming')"),
            postgresql_where=text("status in ('pending', 'streaming')"),
        ),
    )

    id: Mapped[Id]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    # No cascade: SQLite would recurse once per message. The conversation's own takes them all at once.
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("message.id"), index=True)
    depth: Mapped[int] = mapped_column(default=0)
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text, default="")
    reasoning: Mapped[str] = mapped_column(Text, default="")
    tool_lines: Mapped[str] = mapped_column(Text, default="")
    runs: Mapped[list[list[Any]] | None] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16), default="complete")
    model: Mapped[str | None] = mapped_column(String(200))
    end_reason: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(String(40))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_ms: Mapped[int | None]
    duration_ms: Mapped[int | None]
    thinking_ms: Mapped[int | None]
    dropped_messages: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Timestamp]
    stop_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[UUID | None]
    lease_expires_at: Mapped[datetime | None]

    @property
    def is_running(self) -> bool:
        """Whether the answer is still being made, as far as the row knows."""
        return self.status in RUNNING

    @property
    def usage(self) -> dict[str, int | None]:
        """Token counts and times of an answer, as the API names them."""
        names = ("prompt_tokens", "completion_tokens", "first_token_ms", "duration_ms", "thinking_ms")
        return {name: getattr(self, name) for name in names}

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The tools that an answer asks for, each with `name` and `arguments`."""
        return read_tool_lines(self.tool_lines)


def read_tool_lines(lines: str) -> list[dict[str, Any]]:
    """Give the tools that an answer asks for, each with `name` and `arguments`, from its lines of JSON."""
    calls: list[dict[str, Any]] = msgspec.json.Decoder().decode_lines(lines)
    return calls


class AnswerChunk(Base):
    """A stretch of a running answer: append-only, `start` is the number of characters before it."""

    __tablename__ = "answer_chunk"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)


def get_message(user_id: UUID, message_id: UUID) -> Message:
    """Give a message of one of the user's conversations; raises NotFound for an absent and for a foreign one alike."""
    query = (
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id == message_id, Conversation.user_id == user_id)
    )
    message = db.session.scalar(query)
    if message is None:
        raise NotFound("There is no such message.")
    return message


def get_message_in(conversation: Conversation, message_id: UUID) -> Message:
    """Give a message of this very conversation; raises NotFound."""
    query = select(Message).where(Message.id == message_id, Message.conversation_id == conversation.id)
    message = db.session.scalar(query)
    if message is None:
        raise NotFound("There is no such message in this conversation.")
    return message


def find_newest_message(conversation_id: UUID) -> Message | None:
    """Give the newest message, which is always a leaf, or None."""
    query = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id.desc()).limit(1)
    return db.session.scalar(query)


def list_path(leaf_id: UUID, limit: int) -> list[Message]:
    """Give the messages from the root down to a leaf, oldest first, at most the last `limit` of them.

    Walks up by primary key, so the cost depends on `limit` and not on the length of the conversation.
    """
    return list(db.session.scalars(_path_query(Message), {"leaf_id": leaf_id, "limit": limit}))


def list_said(leaf_id: UUID, limit: int, characters: int) -> Sequence[Row[str, str, int]]:
    """Give who said what where on the way to a leaf, oldest first: the last `limit` messages, or fewer.

    The way up ends with the message that makes it more than so many `characters`, but not before there are `AT_LEAST` messages.
    """
    return db.session.execute(
        _said_query(), {"leaf_id": leaf_id, "limit": limit, "characters": characters, "at_least": AT_LEAST}
    ).all()


def climb(leaf_id: UUID, steps: int) -> UUID:
    """Give the message so many steps above a leaf."""
    top: UUID = db.session.scalars(_path_query(Message.id), {"leaf_id": leaf_id, "limit": steps + 1}).first() or leaf_id
    return top


@cache
def _path_query(*wanted: Any) -> Select[Any]:
    """Build the query of `list_path` once: that costs more than to run it."""
    start = select(Message.id, Message.parent_id, literal(1).label("steps")).where(Message.id == bindparam("leaf_id"))
    path = start.cte("path", recursive=True)
    parent = aliased(Message)
    up = select(parent.id, parent.parent_id, path.c.steps + 1).join(path, parent.id == path.c.parent_id)
    path = path.union_all(up.where(path.c.steps < bindparam("limit", type_=Integer)))
    return select(*wanted).join(path, Message.id == path.c.id).order_by(path.c.steps.desc())


@cache
def _said_query() -> Select[str, str, int]:
    length = func.length(Message.content).label("length")
    start = select(Message.id, Message.parent_id, literal(1).label("steps"), length).where(
        Message.id == bindparam("leaf_id")
    )
    path = start.cte("path", recursive=True)
    parent = aliased(Message)
    longer = path.c.length + func.length(parent.content)
    up = select(parent.id, parent.parent_id, path.c.steps + 1, longer).join(path, parent.id == path.c.parent_id)
    goes_on = or_(path.c.length <= bindparam("characters"), path.c.steps < bindparam("at_least"))
    path = path.union_all(up.where(path.c.steps < bindparam("limit", type_=Integer), goes_on))
    said = select(Message.role, Message.content, Message.depth)
    return said.join(path, Message.id == path.c.id).order_by(path.c.steps.desc())


def list_running(conversation_id: UUID) -> list[UUID]:
    """Give the answers of a conversation that are being made."""
    return list(db.session.scalars(select(Message.id).where(Message.conversation_id == conversation_id, IS_RUNNING)))

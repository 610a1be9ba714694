"""Conversations: fetched only through their owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, Text, select, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import utcnow
from app.database import Base, Id, Timestamp
from app.errors import NotFound
from app.extensions import db

PAGE_SIZE = 50
TITLE_LENGTH = 80
FOLDER_LENGTH = 80


class Conversation(Base):
    """A tree of messages with one owner. An empty title means that nothing was said yet."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_user_id_updated_at_id", "user_id", "updated_at", "id"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH), default="")
    system_prompt: Mapped[str] = mapped_column(Text, default="")
    model: Mapped[str | None] = mapped_column(String(200))
    options: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict
    )  # see ChatOptions; what is absent is the model's own
    pinned: Mapped[bool] = mapped_column(default=False)
    archived: Mapped[bool] = mapped_column(default=False)
    folder: Mapped[str] = mapped_column(String(FOLDER_LENGTH), default="")  # empty: in none
    created_at: Mapped[Timestamp]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    def title_from(self, text: str) -> None:
        """Take the first words of a text as the title, unless there is one."""
        if not self.title:
            self.title = shorten(text, TITLE_LENGTH)


def shorten(text: str, limit: int) -> str:
    """Give the first words of a text on one line, at most `limit` characters, with an ellipsis where it was cut."""
    words = " ".join(text.split())
    if len(words) <= limit:
        return words
    cut = words[: limit - 1]
    at_space = cut.rfind(" ")
    return (cut[:at_space] if at_space > limit // 2 else cut).rstrip() + "…"


def get_conversation(user_id: UUID, conversation_id: UUID) -> Conversation:
    """Give one of the user's conversations; raises NotFound for an absent and for a foreign one alike."""
    query = select(Conversation).where(Conversation.id == conversation_id, Conversation.user_id == user_id)
    conversation = db.session.scalar(query)
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation


def list_conversations(user_id: UUID, before: tuple[datetime, UUID] | None = None) -> list[Conversation]:
    """Give up to a page of the user's conversations, the newest first, older than `before` (the last one's time and id)."""
    newest_first = (Conversation.updated_at.desc(), Conversation.id.desc())
    query = select(Conversation).where(Conversation.user_id == user_id).order_by(*newest_first).limit(PAGE_SIZE)
    if before is not None:
        query = query.where(tuple_(Conversation.updated_at, Conversation.id) < before)
    return list(db.session.scalars(query))

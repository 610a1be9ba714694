"""Conversations: fetched only through their owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, func, or_, select, tuple_
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
    __table_args__ = (Index("ix_conversation_listed", "user_id", "archived", "pinned", "updated_at", "id"),)

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


class Place(NamedTuple):
    """A place in the list: that of the conversation with these values."""

    pinned: bool
    updated_at: datetime
    id: UUID


class Wanted(NamedTuple):
    """Which conversations are meant: those in use, or the archive; of a folder, of any (None), or of none and the pinned ones ("").

    Of these the pinned ones, the others, or both (None).
    """

    archived: bool = False
    folder: str | None = None
    pinned: bool | None = None


IN_USE = Wanted()


class ConversationPage(NamedTuple):
    """A page of the list, and where the next one begins, if there is one."""

    conversations: list[Conversation]
    next: Place | None


def list_conversations(user_id: UUID, wanted: Wanted = IN_USE, after: Place | None = None) -> ConversationPage:
    """Give a page of the user's conversations: what is pinned first, then the newest first, beginning after a place."""
    order = (Conversation.pinned, Conversation.updated_at, Conversation.id)
    query = select(Conversation).where(Conversation.user_id == user_id, *_are(wanted))
    if after is not None:
        query = query.where(tuple_(*order) < after)
    found = list(db.session.scalars(query.order_by(*(column.desc() for column in order)).limit(PAGE_SIZE + 1)))
    page = found[:PAGE_SIZE]
    last = page[-1] if len(found) > PAGE_SIZE else None
    return ConversationPage(page, Place(last.pinned, last.updated_at, last.id) if last else None)


def _are(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Conversation.archived.is_(wanted.archived)]
    if wanted.pinned is not None:
        conditions.append(Conversation.pinned.is_(wanted.pinned))
    if wanted.folder:
        conditions.append(Conversation.folder == wanted.folder)
    elif wanted.folder is not None:
        conditions.append(or_(Conversation.pinned, Conversation.folder == ""))
    return conditions


class Folder(NamedTuple):
    """A folder, and how many conversations in use are in it. It is there as long as one is."""

    name: str
    size: int


def list_folders(user_id: UUID) -> list[Folder]:
    """Give the user's folders, by name."""
    in_use = (Conversation.user_id == user_id, Conversation.archived.is_(False), Conversation.folder != "")
    query = select(Conversation.folder, func.count()).where(*in_use).group_by(Conversation.folder)
    return sorted((Folder(*row) for row in db.session.execute(query)), key=lambda folder: folder.name.casefold())

"""What the sidebar shows before any script runs: a page of conversations under the days they are of, and the folders."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from app.chat import schemas
from app.clock import utcnow
from app.extensions import get_settings
from app.models.conversation import (
    Conversation,
    ConversationPage,
    Folder,
    Place,
    Wanted,
    list_conversations,
    list_folders,
)

NOTHING = ConversationPage([], None)


class Group(NamedTuple):
    """Conversations under one heading."""

    heading: str
    conversations: list[Conversation]


class Sidebar(NamedTuple):
    """What is shown: in use or the archive; `unfolded` is the folder that is open, and `inside` a page of what is in it.

    `is_filled` says whether that is all of it; `next` and `next_inside` are where the next pages begin, if there are any.
    `is_titled` says whether models write titles, so that the page asks for them.
    """

    archived: bool
    groups: list[Group]
    folders: list[Folder]
    unfolded: str
    inside: list[Conversation]
    is_filled: bool
    next_inside: str | None
    next: str | None
    is_titled: bool


def show(user_id: UUID, wanted: Wanted, place: Place | None) -> Sidebar:
    """Give the sidebar of a user; the place is one of the folder that is open, else of the list."""
    unfolded = "" if wanted.archived else wanted.folder or ""
    listed = Wanted(wanted.archived, None if wanted.archived else "")
    page = list_conversations(user_id, listed, None if unfolded else place)
    inside = list_conversations(user_id, Wanted(folder=unfolded, pinned=False), place) if unfolded else NOTHING
    today = utcnow().date()
    groups = groupby(page.conversations, lambda one: "Pinned" if one.pinned else heading(one.updated_at, today))
    shown = [Group(name, list(those)) for name, those in groups]
    folders = [] if wanted.archived else list_folders(user_id)
    return Sidebar(
        archived=wanted.archived,
        groups=shown,
        folders=folders,
        unfolded=unfolded,
        inside=inside.conversations,
        is_filled=not (place or inside.next),
        next_inside=schemas.cursor_of(inside.next),
        next=schemas.cursor_of(page.next),
        is_titled=get_settings().auto_title,
    )


def heading(moment: datetime, today: date) -> str:
    """Give the heading of a time, as `frontend/src/lib/days.ts` does in the reader's own time zone."""
    days = (today - moment.date()).days
    if days <= 1:
        return "Today" if days <= 0 else "Yesterday"
    if days <= 30:
        return "Previous 7 days" if days <= 7 else "Previous 30 days"
    return f"{moment:%B}" if moment.year == today.year else f"{moment:%B %Y}"

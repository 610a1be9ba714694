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
    Folder,
    Place,
    Wanted,
    list_conversations,
    list_folders,
)


class Group(NamedTuple):
    """Conversations under one heading."""

    heading: str
    conversations: list[Conversation]


class Sidebar(NamedTuple):
    """What is shown: in use or the archive; `unfolded` is the folder that is open, and `inside` what is in it.

    `is_titled` says whether models write titles, so that the page asks for them.
    """

    archived: bool
    groups: list[Group]
    folders: list[Folder]
    unfolded: str
    inside: list[Conversation]
    next: str | None
    is_titled: bool


def show(user_id: UUID, wanted: Wanted, place: Place | None) -> Sidebar:
    """Give the sidebar of a user."""
    page = list_conversations(user_id, wanted._replace(folder=None if wanted.archived else ""), place)
    inside = (
        [one for one in list_conversations(user_id, wanted).conversations if not one.pinned] if wanted.folder else []
    )
    today = utcnow().date()
    groups = groupby(page.conversations, lambda one: "Pinned" if one.pinned else heading(one.updated_at, today))
    shown = [Group(name, list(those)) for name, those in groups]
    folders = [] if wanted.archived else list_folders(user_id)
    is_titled = get_settings().auto_title
    return Sidebar(
        wanted.archived, shown, folders, wanted.folder or "", inside, schemas.cursor_of(page.next), is_titled
    )


def heading(moment: datetime, today: date) -> str:
    """Give the heading of a time, as `frontend/src/lib/days.ts` does in the reader's own time zone."""
    days = (today - moment.date()).days
    if days <= 1:
        return "Today" if days <= 0 else "Yesterday"
    if days <= 30:
        return "Previous 7 days" if days <= 7 else "Previous 30 days"
    return f"{moment:%B}" if moment.year == today.year else f"{moment:%B %Y}"

"""What the administration's table shows of each account: numbers, never content."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, or_, select

from app.extensions import db
from app.models.conversation import Conversation
from app.models.login_session import LoginSession, is_alive
from app.models.message import Message
from app.models.user import User, normalize_email

PAGE_SIZE = 50


class UserPage(NamedTuple):
    """One page of accounts, and how many there are in all."""

    rows: list[Row[Any]]
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, math.ceil(self.total / PAGE_SIZE))


def list_user_rows(q: str, page: int) -> UserPage:
    """Give a page (from 1) of the accounts whose address or name contains `q`, the newest first."""
    total = db.session.scalar(_matching(select(func.count()).select_from(User), q)) or 0
    query = _matching(select(*_columns()), q).order_by(User.id.desc())
    rows = db.session.execute(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
    return UserPage(list(rows), total)


def list_all_user_rows() -> list[Row[Any]]:
    """Give every account, the oldest first."""
    return list(db.session.execute(select(*_columns()).order_by(User.id)).all())


def _matching(query: Select[Any], q: str) -> Select[Any]:
    if not q:
        return query
    by_email = User.email_normalized.contains(normalize_email(q), autoescape=True)
    return query.where(or_(by_email, func.lower(User.name).contains(q.lower(), autoescape=True)))


def _columns() -> tuple[Any, ...]:
    sessions = select(func.count()).where(LoginSession.user_id == User.id, *is_alive())
    messages = (
        select(func.count())
        .select_from(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.user_id == User.id)
    )
    return (
        User.id,
        User.email,
        User.name,
        User.role,
        User.active,
        User.created_at,
        User.last_seen_at,
        sessions.correlate(User).scalar_subquery().label("session_count"),
        messages.correlate(User).scalar_subquery().label("message_count"),
    )

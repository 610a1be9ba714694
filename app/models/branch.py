"""Branches: the way from a conversation's first message down to a leaf, and the siblings beside each message of it.

A leaf is remembered by nobody: whoever names any message means the newest leaf below it, whoever names none the newest of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Row, and_, delete, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models.conversation import Conversation
from app.models.message import IS_RUNNING, MAX_BRANCH, Message, climb, find_newest_message, get_message_in, list_path

PAGE_MESSAGES = 100


@dataclass(frozen=True)
class Branch:
    """A stretch of a branch, oldest first.

    `siblings` names for each message that has any all that stand in its place, itself too; `newest_id` the branch's end, where that is
    not in this stretch.
    """

    messages: list[Message] = field(default_factory=list)
    siblings: dict[UUID, list[UUID]] = field(default_factory=dict)
    newest_id: UUID | None = None

    @property
    def has_older(self) -> bool:
        """Whether there is more above."""
        return bool(self.messages) and self.messages[0].parent_id is not None


def get_branch(
    conversation: Conversation,
    *,
    through: UUID | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = MAX_BRANCH,
) -> Branch:
    """Give the last `limit` messages of the branch `through` a message, or those `before` or `after` one; raises NotFound.

    The number of queries does not depend on how long the conversation is.
    """
    if after is not None:
        return _get_stretch(conversation, get_message_in(conversation, through or after), after, limit)
    leaf_id = _find_end(conversation, through, before)
    messages = list_path(leaf_id, limit) if leaf_id else []
    return Branch(messages, _find_siblings(conversation.id, messages))


def get_branch_around(conversation: Conversation, message_id: UUID, limit: int) -> Branch:
    """Give `limit` messages of the branch through a message: the last ones, or where it is further up, those around it."""
    message = get_message_in(conversation, message_id)
    leaf = get_message_in(conversation, find_newest_leaf(message.id))
    if leaf.depth - message.depth < limit:
        return get_branch(conversation, through=leaf.id, limit=limit)
    return _stretch(leaf, message.depth + limit // 2, limit)


def _get_stretch(conversation: Conversation, through: Message, after: UUID, limit: int) -> Branch:
    """Give what comes after a message on the branch through another one."""
    leaf = get_message_in(conversation, find_newest_leaf(through.id))
    depth = get_message_in(conversation, after).depth
    limit = min(limit, leaf.depth - depth)
    return _stretch(leaf, depth + limit, limit) if limit > 0 else Branch()


def _stretch(leaf: Message, depth: int, limit: int) -> Branch:
    """Give the `limit` messages above a leaf that end at a depth."""
    messages = list_path(climb(leaf.id, leaf.depth - depth), limit)
    newest_id = leaf.id if depth < leaf.depth else None
    return Branch(messages, _find_siblings(leaf.conversation_id, messages), newest_id)


def _find_end(conversation: Conversation, through: UUID | None, before: UUID | None) -> UUID | None:
    if before is not None:
        return get_message_in(conversation, before).parent_id
    if through is not None:
        return find_newest_leaf(get_message_in(conversation, through).id)
    newest = find_newest_message(conversation.id)
    return newest.id if newest else None


def find_newest_leaf(message_id: UUID) -> UUID:
    """Give the newest message below a message, or itself. The newest is always a leaf: what answers it would be newer."""
    below = _subtree(message_id)
    newest: UUID = db.session.scalars(select(below.c.id).order_by(below.c.id.desc()).limit(1)).one()
    return newest


def list_running_below(message_id: UUID) -> list[UUID]:
    """Give the answers at or below a message that are being made."""
    return list(
        db.session.scalars(select(Message.id).where(Message.id.in_(select(_subtree(message_id).c.id)), IS_RUNNING))
    )


def delete_subtree(message_id: UUID) -> None:
    """Delete a message and everything below it, in one statement: parents and children go together."""
    doomed = delete(Message).where(Message.id.in_(select(_subtree(message_id).c.id)))
    db.session.execute(doomed, execution_options={"synchronize_session": False})


def _subtree(message_id: UUID) -> CTE:
    top = select(Message.id).where(Message.id == message_id).cte("below", recursive=True)
    child = aliased(Message)
    return top.union_all(select(child.id).join(top, child.parent_id == top.c.id))


def _find_siblings(conversation_id: UUID, messages: Sequence[Message]) -> dict[UUID, list[UUID]]:
    """Give those that have siblings, with all of them in the order they were made; one query by an index."""
    if not messages:
        return {}
    parents = {message.parent_id for message in messages}
    same: ColumnElement[bool] = Message.parent_id.in_(parents - {None})
    if None in parents:
        same = or_(same, and_(Message.conversation_id == conversation_id, Message.parent_id.is_(None)))
    rows = db.session.execute(select(Message.parent_id, Message.id).where(same).order_by(Message.id))
    return _group(messages, rows)


def _group(messages: Sequence[Message], rows: Iterable[Row[UUID | None, UUID]]) -> dict[UUID, list[UUID]]:
    children: dict[UUID | None, list[UUID]] = {}
    for parent_id, message_id in rows:
        children.setdefault(parent_id, []).append(message_id)
    found = {message.id: children[message.parent_id] for message in messages if message.parent_id in children}
    return {message_id: siblings for message_id, siblings in found.items() if len(siblings) > 1}

"""The bodies that the API takes and the shapes that it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from app.chat.providers.base import ChatOptions
from app.errors import InvalidField, MalformedRequest
from app.models.branch import Branch
from app.models.conversation import FOLDER_LENGTH, TITLE_LENGTH, Conversation, Place, Wanted
from app.models.message import MAX_BRANCH, Message

MAX_MESSAGE = 200_000
MAX_SYSTEM_PROMPT = 20_000
B = TypeVar("B", bound=Struct)


class AskBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /api/chat` and `/api/chat/stream`.

    A new `message`, below `parent_id`, or in the place of the question `edit_id`, which stays beside it; or the `question_id` of a
    kept one, to answer it (again); or the `continue_id` of an answer that ended too early: a new answer begins with its text.
    """

    message: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    question_id: UUID | None = None
    continue_id: UUID | None = None
    conversation_id: UUID | None = None
    parent_id: UUID | None = None
    edit_id: UUID | None = None
    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    options: ChatOptions = ChatOptions()


class ConversationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST` and `PATCH /api/conversations…`: what is absent stays as it is."""

    title: Annotated[str, Meta(max_length=TITLE_LENGTH)] | None = None
    system_prompt: Annotated[str, Meta(max_length=MAX_SYSTEM_PROMPT)] | None = None
    model: Annotated[str, Meta(max_length=200)] | None = (
        None  # an empty one leaves the choice to the person's own and ours
    )
    options: ChatOptions | None = None
    pinned: bool | None = None
    archived: bool | None = None
    folder: Annotated[str, Meta(max_length=FOLDER_LENGTH)] | None = None  # empty: in none


class ChatDefaults(Struct, frozen=True, omit_defaults=True):
    """What a person set for conversations without settings of their own; "" is for the installation to choose."""

    model: Annotated[str, Meta(max_length=200)] = ""
    system_prompt: Annotated[str, Meta(max_length=MAX_SYSTEM_PROMPT)] = ""
    options: ChatOptions = ChatOptions()


def read_defaults(stored: dict[str, Any]) -> ChatDefaults:
    """Give a person's defaults; what an older version kept and this one can't use counts for nothing."""
    try:
        return msgspec.convert(stored, ChatDefaults)
    except msgspec.ValidationError:
        return ChatDefaults()


def merge_options(defaults: ChatOptions, own: dict[str, Any], asked: ChatOptions) -> ChatOptions:
    """Give the options of an answer: those asked for win over the conversation's, and these over the person's defaults."""
    return msgspec.convert({**msgspec.to_builtins(defaults), **own, **msgspec.to_builtins(asked)}, ChatOptions)


def decode(body: bytes, kind: type[B]) -> B:
    """Give the body as a Struct; raises MalformedRequest when it is no JSON, InvalidField when a field is wrong."""
    try:
        decoded = msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest("The body is not valid JSON.") from error
    _refuse_nul(decoded)
    return decoded


def _invalid(reason: str) -> InvalidField:
    """Turn msgspec's "Expected `str`, got `int` - at `$.message`" into a field and a sentence."""
    what, _, path = reason.partition(" - at `$")
    named = re.match(r"Object contains unknown field `(.+?)`", reason)
    field = named[1] if named else path.strip(".`").split("[")[0] or "body"
    return InvalidField(field, f"The field “{field}” can't be used: {what[:1].lower()}{what[1:].replace('`', '')}.")


def _refuse_nul(body: Struct) -> None:
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if isinstance(value, str) and "\0" in value:  # PostgreSQL can't store it
            raise InvalidField(name, f"The field “{name}” must not contain the character NUL.")


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """Give a conversation as the API shows it."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "model": conversation.model,
        "system_prompt": conversation.system_prompt,
        "options": conversation.options,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "folder": conversation.folder,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def message_json(message: Message, siblings: Sequence[UUID] = ()) -> dict[str, Any]:
    """Give a message as the API shows it."""
    names = ("id", "parent_id", "depth", "role", "content", "reasoning", "tool_calls", "status", "model", "usage")
    more = ("end_reason", "error", "error_code", "dropped_messages", "created_at")
    fields = {name: getattr(message, name) for name in (*names, *more)}
    return {**fields, "siblings": siblings}


def branch_json(branch: Branch) -> dict[str, Any]:
    """Give a stretch of a branch as the API shows it."""
    messages = [message_json(message, branch.siblings.get(message.id, ())) for message in branch.messages]
    return {"messages": messages, "has_older": branch.has_older, "newest_id": branch.newest_id}


class BranchQuery(Struct, frozen=True):
    """Which part of a conversation is wanted: the branch through `leaf`, of it what comes `before` or `after` a message."""

    leaf: UUID | None = None
    before: UUID | None = None
    after: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_BRANCH)] = MAX_BRANCH


def parse_branch_query(arguments: Mapping[str, str]) -> BranchQuery:
    """Read the part of an address behind the question mark; what is unknown there does not matter, as elsewhere."""
    return _read_query(arguments, BranchQuery)


class ContextQuery(Struct, frozen=True):
    """Whose context is meant: of the branch down to `leaf`, with this `model` in place of the conversation's own."""

    leaf: UUID | None = None
    model: Annotated[str, Meta(max_length=200)] = ""


def parse_context_query(arguments: Mapping[str, str]) -> ContextQuery:
    """Read the part of an address behind the question mark, as `parse_branch_query` does."""
    return _read_query(arguments, ContextQuery)


def _read_query(arguments: Mapping[str, str], kind: type[B]) -> B:
    try:
        return msgspec.convert(dict(arguments), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from error


def cursor_of(place: Place | None) -> str | None:
    """Give a place in the list as text for the next request."""
    return f"{place.pinned:d}_{place.updated_at.isoformat()}_{place.id}" if place else None


def parse_cursor(cursor: str | None) -> Place | None:
    """Give what `cursor_of` made; raises InvalidField for anything else."""
    if not cursor:
        return None
    try:
        pinned, time, identifier = cursor.split("_")
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None or pinned not in ("0", "1"):
            raise ValueError
        return Place(pinned == "1", moment.astimezone(UTC), UUID(identifier))
    except (ValueError, OverflowError) as error:
        raise InvalidField("cursor", "The cursor is not one that this list gave.") from error


def parse_wanted(arguments: Mapping[str, str]) -> Wanted:
    """Give which conversations `?archived=1`, `?folder=` and `?pinned=` mean; raises InvalidField."""
    archived, pinned = arguments.get("archived", "0"), arguments.get("pinned")
    if archived not in ("0", "1"):
        raise InvalidField("archived", "Say archived=1 for the archive, or 0.")
    if pinned not in (None, "0", "1"):
        raise InvalidField("pinned", "Say pinned=1 for what is pinned, or 0 for the others.")
    return Wanted(archived == "1", arguments.get("folder"), None if pinned is None else pinned == "1")

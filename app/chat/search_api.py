"""GET /api/search: the caller's own titles and messages."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.chat.api import bp, find, give_json
from app.models.search import MessageHit, TitleHit


@bp.get("/search")
def search() -> ResponseReturnValue:
    """Find titles and messages; what was found in them comes as pieces, by turns plain and found."""
    found = find(request.args.get("q", ""))
    titles = [{**_of_conversation(hit), "title": found.title_of(hit)} for hit in found.titles]
    messages = [{**_of_message(hit), "snippet": found.snippet_of(hit)} for hit in found.messages]
    return give_json({"titles": titles, "messages": messages})


def _of_conversation(hit: TitleHit | MessageHit) -> dict[str, Any]:
    shared = {"conversation_id": hit.conversation_id, "folder": hit.folder, "archived": hit.archived, "at": hit.at}
    return {**shared, "title": hit.title}


def _of_message(hit: MessageHit) -> dict[str, Any]:
    return {**_of_conversation(hit), "message_id": hit.message_id, "role": hit.role, "model": hit.model}

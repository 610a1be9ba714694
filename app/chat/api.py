"""The JSON API of the chat: parse, authorise, act, answer."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

import msgspec
from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from msgspec import Struct

from app import sessions
from app.chat import actions, asking, schemas
from app.chat.answers import direct, sse
from app.chat.search_words import parse_query
from app.chat.searching import Found, Searcher
from app.errors import InvalidField, Unavailable, UnsupportedMediaType, UpstreamError, UpstreamTimeout
from app.extensions import get_settings
from app.models.conversation import get_conversation
from app.models.message import get_message, read_tool_lines

B = TypeVar("B", bound=Struct)
bp = Blueprint("api", __name__, url_prefix="/api")
MAX_POSITION = 2**31 - 1
ENDED_BADLY: dict[str, int] = {kind.code: kind.status for kind in (UpstreamError, UpstreamTimeout, Unavailable)}


def get_chat() -> asking.Chat:
    """Give the running application's engine and models."""
    chat: asking.Chat = current_app.extensions["chat"]
    return chat


def find(q: str) -> Found:
    """Search in what the person has who is signed in."""
    searcher: Searcher = current_app.extensions["search"]
    return searcher.find(current_user.id, parse_query(q))


@bp.before_request
def see_to_answers() -> None:
    """Start the ticking before anybody looks: it tells the true state of what a dead process left."""
    get_chat().engine.ensure_ticking()


@bp.post("/chat")
def chat() -> ResponseReturnValue:
    """Answer a message in one piece; the answer goes on when the caller hangs up."""
    asked = _ask()
    outcome = asked.generation.log.wait_for_end()
    sessions.check_still_signed_in()  # whoever waits is a stranger if it has ended meanwhile
    _raise_refusal(asked)  # it may come late, after a wait in the queue
    log = asked.generation.log
    said = {"reply": log.text("content"), "tool_calls": read_tool_lines(log.text("tools"))}
    how = {"usage": outcome.usage, "end_reason": outcome.reason}
    body = {**said, **how, "model": asked.model, "message_id": asked.message_id, **asked.kept}
    if outcome.code is None:
        return give_json(body)
    return give_json({"error": outcome.error, "code": outcome.code, **body}, ENDED_BADLY.get(outcome.code, 500))


@bp.post("/chat/stream")
def chat_stream() -> ResponseReturnValue:
    """Answer a message as server-sent events; the answer goes on when the caller hangs up."""
    asked = _ask()
    return _stream(asked.message_id, asked.generation.job.start, 0)


def _ask() -> asking.Asked:
    """Give the running answer; raises what the model's server refused with, as long as nothing was said."""
    defaults = schemas.read_defaults(current_user.chat_defaults)
    asked = asking.ask(get_chat(), current_user.id, read_body(schemas.AskBody), defaults)
    asked.generation.wait_accepted()
    _raise_refusal(asked)
    return asked


def _raise_refusal(asked: asking.Asked) -> None:
    if refusal := asked.generation.refusal:
        refusal.details |= asked.kept
        raise refusal


def read_body(kind: type[B]) -> B:
    """Give the request's JSON as a Struct; raises UnsupportedMediaType, MalformedRequest, InvalidField."""
    if not request.is_json:
        raise UnsupportedMediaType
    return schemas.decode(request.get_data(), kind)


def _stream(message_id: UUID, start: dict[str, Any], position: int) -> Response:
    session_id = sessions.get_current_session_id()
    direct.limit_patience(request.environ)
    sock = direct.find_socket(request.environ) if get_settings().stream_direct else None
    frames = get_chat().engine.follow(message_id, start, session_id, position, sock)
    return Response(frames, headers=sse.HEADERS, direct_passthrough=True)


@bp.get("/messages/<uuid:message_id>/events")
def message_events(message_id: UUID) -> ResponseReturnValue:
    """Follow an answer from any position, while it is made and afterwards."""
    message = get_message(current_user.id, message_id)
    if message.role != "assistant":
        raise InvalidField("message_id", "Only an answer can be followed.")
    conversation = get_conversation(current_user.id, message.conversation_id)
    return _stream(message.id, asking.start_event(conversation, message), _position())


def _position() -> int:
    given = request.headers.get("Last-Event-ID") or request.args.get("after") or "0"
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise InvalidField("after", "The position must be a whole number, as given in an event's id.")
    return min(int(given), MAX_POSITION)


@bp.post("/messages/<uuid:message_id>/stop")
def stop_message(message_id: UUID) -> ResponseReturnValue:
    """End an answer and free the model."""
    status = actions.stop(get_chat(), current_user.id, message_id)
    return give_json({"message_id": message_id, "status": status})


@bp.delete("/messages/<uuid:message_id>")
def delete_message(message_id: UUID) -> ResponseReturnValue:
    """Delete a message and everything below it."""
    actions.delete_message(get_chat(), current_user.id, message_id)
    return Response(status=204)


@bp.get("/models")
def models() -> ResponseReturnValue:
    """Say what can be picked now."""
    listing, default = actions.list_models(get_chat())
    return give_json({"models": listing.models, "default": default, "unreachable": listing.unreachable})


def give_json(body: Any, status: int = 200) -> Response:
    """Give the body as JSON."""
    return Response(msgspec.json.encode(body), status, content_type="application/json")

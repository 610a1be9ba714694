"""Server-sent events (WHATWG HTML, 9.2): frames and response headers."""

from __future__ import annotations

from typing import Any

import msgspec

from app.chat.answers.log import Delta, Outcome, Queued

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect the stream otherwise
}
RETRY = b"retry: 1000\n\n"
HEARTBEAT = b": still here\n\n"

_encode = msgspec.json.Encoder().encode


def frame(event: str, position: int, data: dict[str, Any]) -> bytes:
    """Give one event; its id is a position in the answer's text."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (event.encode(), position, _encode(data))


def delta_frame(delta: Delta) -> bytes:
    """Give a stretch of text."""
    return b'event: delta\nid: %d\ndata: {"%b":%b}\n\n' % (delta.end, delta.kind.encode(), _encode(delta.text))


def queued_frame(queued: Queued, position: int) -> bytes:
    """Give the place in the queue."""
    return frame("queued", position, {"place": queued.place, "wait_seconds": queued.wait_seconds})


def end_frame(message_id: str, outcome: Outcome) -> bytes:
    """Give the last event: `done`, or `error` where the answer did not end as it should."""
    data: dict[str, Any] = {"message_id": message_id, "length": outcome.length, "usage": outcome.usage}
    if outcome.code:
        return frame("error", outcome.length, {"error": outcome.error, "code": outcome.code, **data})
    return frame("done", outcome.length, {"status": outcome.status, "end_reason": outcome.reason, **data})

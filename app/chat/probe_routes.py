"""A harmless stream for everybody: `flask doctor --url` reads it from outside, to see what the proxies in between do to streams.

It tells nothing, does no I/O, and goes out as an answer does: same headers, same form. What it costs is bounded: a few at a time,
some seconds each, so many a minute for one address.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.access import public
from app.chat.answers import sse
from app.chat.answers.following import HEARTBEAT_SECONDS
from app.errors import Unavailable
from app.rate_limit import limiter

EVENTS = 7
PAUSE_SECONDS = 0.5
# The longest that a real answer is silent on the line.
SILENCE_SECONDS = HEARTBEAT_SECONDS + 1
AT_A_TIME = 4
SILENT_AT_A_TIME = 2

bp = Blueprint("probe", __name__)
_places = threading.BoundedSemaphore(AT_A_TIME)
_silent_places = threading.BoundedSemaphore(SILENT_AT_A_TIME)  # apart: they are held for long


@bp.get("/readyz/stream")
@public
@limiter.limit("20/minute")
def stream() -> ResponseReturnValue:
    """Send seven small events over three seconds; with ?silence=1 two, with the longest silence of a real answer between them."""
    is_silent = request.args.get("silence") == "1"
    places = _silent_places if is_silent else _places
    if not places.acquire(blocking=False):
        raise Unavailable("Others are looking at this stream. Please try again in a moment.", retry_after=5)
    pauses = [SILENCE_SECONDS] if is_silent else [PAUSE_SECONDS] * (EVENTS - 1)
    response = Response(_frames(pauses), headers=sse.HEADERS)
    response.call_on_close(places.release)  # also where nobody reads a single byte (HEAD, a browser that is gone)
    return response


def _frames(pauses: list[float]) -> Iterator[bytes]:
    """Each event says when it was sent, so that the reader can tell a slow server from a proxy that keeps it back."""
    began = time.monotonic()
    yield sse.RETRY + _tick(0, began)
    for number, pause in enumerate(pauses, 1):
        yield sse.HEARTBEAT
        time.sleep(pause)
        yield _tick(number, began)
    yield sse.frame("done", len(pauses), {})


def _tick(number: int, began: float) -> bytes:
    return sse.frame("tick", number, {"sent_ms": round((time.monotonic() - began) * 1000)})

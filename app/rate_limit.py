"""How often one client may ask a model: one bucket over all questions.

A limit of the application and not of the views: it counts before anybody is asked who they are, so whoever is refused counts too.
"""

from __future__ import annotations

from flask import request
from flask_limiter import Limiter

from app.addresses import network_of
from app.extensions import get_settings


def _client() -> str:
    return network_of(request.remote_addr)


def _rate_limit() -> str:
    return get_settings().rate_limit


def _is_no_question() -> bool:
    return request.method != "POST" or not request.path.startswith("/api/chat")


# "moving-window" does not count what it refused: somebody over the limit who keeps trying gets in as soon as it is their turn.
limiter = Limiter(
    _client,
    strategy="moving-window",
    application_limits=[_rate_limit],
    application_limits_exempt_when=_is_no_question,
)

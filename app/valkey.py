"""The Valkey or Redis server of REDIS_URL, where there is one.

It makes several processes quick together and fair to everybody, and keeps nothing that matters: it may be lost at any time.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis

PATIENCE_SECONDS = 1.0


def options() -> dict[str, Any]:
    """Give what every connection is opened with: nothing waits longer than a second, and nothing is tried again behind our back."""
    from redis.backoff import NoBackoff  # noqa: PLC0415  # an extra: only where REDIS_URL is set
    from redis.retry import Retry  # noqa: PLC0415

    patience = {"socket_connect_timeout": PATIENCE_SECONDS, "socket_timeout": PATIENCE_SECONDS}
    return {**patience, "retry": Retry(NoBackoff(), 0)}


def connect(url: str) -> Redis:
    """Give a client; it connects when it is used first."""
    from redis import Redis  # noqa: PLC0415

    return Redis.from_url(url, **options())


def prefix_of(secret_key: str) -> str:
    """Give what this installation's keys and channels begin with: whoever shares a server need not think of names."""
    return f"chat:{hashlib.sha256(b'valkey ' + secret_key.encode()).hexdigest()[:12]}:"


def is_reachable(url: str) -> bool:
    """Tell whether the server answers within a second."""
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        with connect(url) as client:
            return bool(client.ping())
    except RedisError:
        return False

"""Production settings of gunicorn; each one can be seen in docs/configuration.md."""

from __future__ import annotations

import gc
import math
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.parser import Parser

from app.config import ConfigError, Settings

try:
    settings = Settings.from_env()
    settings.check_production()
except ConfigError as error:  # here and not in the workers: gunicorn would start them again for ever
    sys.exit(f"password-less-chat: {error}")

_, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
with suppress(ValueError, OSError):  # macOS calls it unlimited, and refuses that
    # Each connection is an open file, and many systems begin with 1024 of them.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

POLL_SECONDS = 0.2
MAX_UNREAD_BYTES = 65_536

# What is left of a refused request's body is read before the next request, by gunicorn without a limit and without letting anybody else
# have the event loop: one connection could hold all streams. Beyond this the connection is closed.
_drain_body = Parser.finish_body
Parser.finish_body = lambda self, deadline=None, max_bytes=MAX_UNREAD_BYTES: _drain_body(self, deadline, max_bytes)

bind = settings.bind
worker_class = "gevent"
workers = settings.web_concurrency
worker_connections = 5000
keepalive = 5
timeout = 120
graceful_timeout = math.ceil(settings.drain_seconds) + 5  # more than the answers get
max_requests = 0  # a restart by count would cut streams
control_socket_disable = True
forwarded_allow_ips = ""  # whom to believe is decided by TRUSTED_PROXIES alone
accesslog = None


def on_starting(server: Any) -> None:
    """Refuse what would give all workers one identity."""
    if server.cfg.preload_app:
        sys.exit(
            "password-less-chat: gunicorn must not preload the application, each worker has to be somebody of its own."
        )


def post_worker_init(worker: Any) -> None:
    """Leave Ctrl-C to the master, and see to it that answers end before the worker does.

    Ctrl-C reaches every process of the terminal, and a worker that is told twice ends with a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # the code and its tables stay: to look through them again and again costs a chat 4 % more
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    worker.wsgi.extensions["chat"].engine.ensure_ticking()  # what a dead process left is marked, though nobody asks
    _warn_about_passkeys(worker)
    threading.Thread(target=_drain, args=(worker, told), name="drain", daemon=True).start()


def _warn_about_passkeys(worker: Any) -> None:
    """Say at the start, once, where passkeys can't work and which of them no longer do: whoever moved the site is looking now."""
    if worker.age > 1:
        return
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # not before gevent has patched what it uses

    from app.models.passkey import list_other_hosts, made_for_other_host  # noqa: PLC0415  # the same

    if settings.passkey_obstacle:
        worker.log.warning(settings.passkey_obstacle)
    with worker.wsgi.app_context(), suppress(SQLAlchemyError):  # a database that is away says so elsewhere
        for host, count in list_other_hosts(settings.public_host):
            worker.log.warning("Of the passkeys here, %s", made_for_other_host(host, count))


def _drain(worker: Any, told: list[int]) -> None:
    """Wait until the worker is told to end; then running answers get DRAIN_SECONDS, and what is left is kept as interrupted.

    Until then the worker listens: who asks is told to come back (503, Retry-After), and whoever follows or opens a page is served.
    gunicorn's own graceful end would refuse every connection, and would not wait for an answer that nobody follows at the moment.
    """
    while worker.alive and not told:
        time.sleep(POLL_SECONDS)
    try:
        worker.wsgi.extensions["chat"].engine.drain(settings.drain_seconds)
    finally:
        worker.alive = False


def worker_exit(_server: Any, worker: Any) -> None:
    """Let answers that nobody watches end as well: gunicorn waits for open connections alone."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["chat"].engine.drain(settings.drain_seconds)

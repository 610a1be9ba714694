"""A real server in a process of its own, and a browser for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import urllib3

from app.config import Settings
from tests.people import META, PASSWORD, Event, parse_events
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0  # several workers import the application at once, perhaps on a busy machine


def free_port() -> int:
    """Give a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """Give the processes that another one started, without those that are dead (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            state, parent, *_ = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(parent) == pid and state != "Z":
                found.append(int(path.parent.name))
    return found


class Server:
    """The application under gunicorn or `flask run`, on a database that is there already."""

    def __init__(
        self,
        settings: Settings,
        *,
        flask_run: bool = False,
        workers: int = 1,
        log: Path | None = None,
        application: str = "wsgi:app",
        host: str = "127.0.0.1",
    ) -> None:
        self._log = log or Path(os.devnull)
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"  # passkeys want a name
        self._command = self._flask(application) if flask_run else self._gunicorn(application)
        self._environment = os.environ | {
            "SECRET_KEY": settings.secret_key,
            "DATABASE_URL": settings.database_url,
            "MAX_ANSWERS": str(settings.max_answers or ""),
            "MAX_STREAMS_PER_USER": str(settings.max_streams_per_user),
            "AUTO_TITLE": str(int(settings.auto_title)),
            "LLM_PROVIDERS": ",".join(settings.llm_providers),
            "RATE_LIMIT": settings.rate_limit,
            "REDIS_URL": settings.redis_url,
            "MAIL_URL": settings.mail_url,
            "MAIL_FROM": settings.mail_from,
            "REGISTRATION": settings.registration,
            "REQUIRE_PASSKEY": settings.require_passkey,
            "SESSION_DAYS": str(settings.session_days),
            "SESSION_IDLE_DAYS": str(settings.session_idle_days),
            "STREAM_DIRECT": str(int(settings.stream_direct)),
            "DRAIN_SECONDS": str(settings.drain_seconds),
            "TRUSTED_PROXIES": str(settings.trusted_proxies),
            "TOKEN_TIMEOUT_SECONDS": str(settings.token_timeout_seconds),
            "OLLAMA_HOST": settings.ollama_host,
            "OLLAMA_MODEL": settings.ollama_model,
            "EMBEDDED_MODEL": settings.embedded_model,
            "CONTEXT_LENGTH": str(settings.context_length),
            "MODELS_DIR": str(settings.models_dir),
            "PUBLIC_URL": self.url,
            "BIND": f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": str(workers),
        }
        self.start()

    def _flask(self, application: str) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", application, "run", "--port", str(self.port)]

    def _gunicorn(self, application: str) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]

    def start(self) -> None:
        """Start the process and wait until it answers."""
        # A group of its own: a kill takes the workers along, as a power cut would.
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, start_new_session=True, stderr=log
            )
        try:
            wait_until(self._answers, START_SECONDS)
        except AssertionError:
            self.kill()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the server did not start"
        try:
            return urllib3.request("GET", f"{self.url}/healthz", retries=False, timeout=2).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def workers(self) -> list[int]:
        """Give the processes that gunicorn's master started."""
        return children_of(self.process.pid)

    def kill(self) -> None:
        """End it at once, as a power cut would (kill -9)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """End it gracefully."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)


class Browser:
    """Keeps cookies and the CSRF token. To be closed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.pool = urllib3.PoolManager(maxsize=20, retries=False, timeout=60)
        self._streams: list[urllib3.BaseHTTPResponse] = []

    def close(self) -> None:
        """Close every connection."""
        for stream in self._streams:
            stream.close()
        self.pool.clear()

    def request(self, method: str, path: str, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        """Send a request, redirects not followed."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Origin": self.url, **kwargs.pop("headers", {})}
        response = self.pool.request(method, self.url + path, headers=headers, redirect=False, **kwargs)
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response

    def csrf(self) -> str:
        """Give the CSRF token of this browser's session."""
        match = META.search(self.request("GET", "/auth/forgot").data.decode())
        assert match
        return match[1]

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in by the form."""
        fields = {"email": email, "password": password, "csrf_token": self.csrf()}
        response = self.request("POST", "/auth/login", fields=fields, encode_multipart=False)
        assert response.status == 303, response.data

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        """Call the API."""
        return self.request(method, path, json=body, headers={"X-CSRFToken": self.csrf()}, **kwargs)

    def stream(self, message: str, **fields: Any) -> Iterator[Event]:
        """Chat, and give the events as they come."""
        body = {"message": message, **fields}
        return self._events(self.call("POST", "/api/chat/stream", body, preload_content=False))

    def follow(self, message_id: str, after: int = 0) -> Iterator[Event]:
        """Follow an answer, and give the events as they come."""
        path = f"/api/messages/{message_id}/events?after={after}"
        return self._events(self.request("GET", path, preload_content=False))

    def _events(self, response: urllib3.BaseHTTPResponse) -> Iterator[Event]:
        assert response.status == 200, response.data
        self._streams.append(response)
        buffer = b""
        for piece in response.stream():
            buffer += piece
            *blocks, buffer = buffer.split(b"\n\n")
            for block in blocks:
                yield from parse_events(block.decode())

"""The servers that are compared: the application, and nginx as a bare proxy; behind both the same stub of Ollama."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import LOAD_CORE, ROOT, SERVER_CORE, Program, start
from tests.serving import Browser, free_port

EMAIL, PASSWORD = "bench@example.org", "a long password for the benchmark"
NGINX = """
daemon off; pid {directory}/nginx.pid; error_log stderr crit; worker_processes 1; worker_rlimit_nofile 20000; {user}
events {{ worker_connections 10000; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_buffering off; }}
  }}
}}
"""


def start_stub(directory: Path) -> Program:
    """Start the stub of Ollama."""
    port = free_port()
    stub = start("stub", [str(directory / "stub_ollama"), str(port)], LOAD_CORE, port)
    stub.wait_until_up("/api/version")
    return stub


def start_nginx(directory: Path, stub: Program) -> Program:
    """Start nginx with one worker and without buffering."""
    port = free_port()
    config = directory / "nginx.conf"
    user = f"user {getpass.getuser()};" if os.getuid() == 0 else ""
    config.write_text(NGINX.format(directory=directory, port=port, upstream=stub.port, user=user))
    nginx = start("nginx", ["nginx", "-c", str(config)], SERVER_CORE, port)
    nginx.wait_until_up("/api/version")
    return nginx


def environment(database: Path, port: int, stub: Program, **more: str) -> dict[str, str]:
    """Give the environment of the application: production, all durability on, limits out of the way."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "FLASK_ENV": "production",
        "SECRET_KEY": "the key of a benchmark, long enough to be accepted",
        "DATABASE_URL": f"sqlite:///{database}",
        "LLM_PROVIDERS": "ollama",
        "OLLAMA_HOST": f"http://127.0.0.1:{stub.port}",
        "OLLAMA_MODEL": "llama3",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BIND": f"127.0.0.1:{port}",
        "RATE_LIMIT": "1000000/minute",
        "MAX_STREAMS_PER_USER": "10000",
        **more,
    }


def start_app(database: Path, stub: Program, *, flask_run: bool = False, **more: str) -> Program:
    """Start the application under gunicorn as in production, or under `flask run`."""
    port = free_port()
    gunicorn = ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    command = ["flask", "run", "--port", str(port)] if flask_run else gunicorn
    app = start("app", [sys.executable, "-m", *command], SERVER_CORE, port, environment(database, port, stub, **more))
    app.first_page_seconds = app.wait_until_up("/auth/login")
    return app


def make_database(database: Path, stub: Program) -> None:
    """Make the tables as an administrator would."""
    settings = environment(database, 5000, stub)
    subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, env=settings, check=True, capture_output=True
    )


def sign_in(app: Program) -> Browser:
    """Give a signed-in browser; the first one makes the account."""
    browser = Browser(f"http://127.0.0.1:{app.port}")
    fields = {"email": EMAIL, "password": PASSWORD, "csrf_token": browser.csrf()}
    made = browser.request("POST", "/auth/register", fields=fields, encode_multipart=False)
    if made.status != 303:
        browser.sign_in(EMAIL, PASSWORD)
    return browser


def ask_app(browser: Browser, wish: str, **fields: str) -> bytes:
    """Give the whole request that asks the application for an answer."""
    token = browser.csrf()  # may set a cookie
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Cookie": cookies, "Origin": browser.url, "X-CSRFToken": token}
    return _post("/api/chat/stream", browser.url.removeprefix("http://"), {"message": wish, **fields}, headers)


def ask_nginx(nginx: Program, wish: str) -> bytes:
    """Give the whole request that asks Ollama for an answer, as the application would."""
    body = {
        "model": "llama3",
        "messages": [{"role": "user", "content": wish}],
        "stream": True,
        "options": {"num_ctx": 4096},
    }
    return _post("/api/chat", f"127.0.0.1:{nginx.port}", body, {})


def _post(path: str, host: str, body: dict[str, Any], headers: dict[str, str]) -> bytes:
    content = json.dumps(body).encode()
    all_headers = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items()), "", ""]
    return "\r\n".join(lines).encode() + content

"""A stand-in for the library, for the real child program. What it does is said by the "model file" and the question."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class CommonParams(SimpleNamespace):
    def __init__(self) -> None:
        super().__init__(model=SimpleNamespace(path=""), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())


class Server:
    """Loads as the file says: `sleep SECONDS`, `fail`, `die`; other files load at once."""

    def __init__(self, params: Any) -> None:
        _load(Path(params.model.path))
        server = ThreadingHTTPServer((params.hostnames[0], params.port), _handler(params))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://{params.hostnames[0]}:{server.server_port}"


def _load(path: Path) -> None:
    with path.open("rb") as file:
        command, _, argument = file.read(30).decode().rstrip("\0").partition(" ")
    if command == "sleep":
        time.sleep(float(argument))
    elif command == "fail":
        raise RuntimeError("Failed to init server")
    elif command == "die":
        os.write(sys.stderr.fileno(), b"last words\n")
        os.kill(os.getpid(), 9)


def _handler(params: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {params.api_keys[0]}":
                self.send_error(401)
                return
            self.send_response(200)
            self.end_headers()
            self._answer(body["messages"][-1]["content"])

        def _answer(self, question: str) -> None:
            self._say(f"I am {next(iter(params.model_alias))} {os.getpid()}")
            if question == "die":
                os._exit(3)
            while question == "talk":
                self._say(" on")
                time.sleep(0.02)
            self.wfile.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')

        def _say(self, text: str) -> None:
            self.wfile.write(b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler

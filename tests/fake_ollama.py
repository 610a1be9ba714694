"""A fake Ollama that speaks the real one's wire contract, for tests, demonstrations and benchmarks.

In a test: `with FakeOllama() as ollama: ollama.script(Reply(...)); ... ollama.url`. By hand, from the checkout's root:
`python -m tests.fake_ollama --port 11434 --rate 20 --tokens 200`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fake_http import FakeServer, Reply, Request, Wire, serve_forever

CREATED_AT = "2026-11-23T08:00:00.123456789Z"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Model:
    name: str
    size: int = 2_019_393_189
    parameter_size: str = "3.2B"
    context_length: int = 8192
    capabilities: tuple[str, ...] = ("completion", "tools")


class FakeOllama(FakeServer):
    """`models` are installed, those named in `loaded` are in memory."""

    def __init__(self, *models: Model, port: int = 0) -> None:
        super().__init__(port)
        self.models = list(
            models or (Model("llama3:latest"), Model("qwen3:0.6b", capabilities=("completion", "thinking")))
        )
        self.loaded: set[str] = set()

    async def respond(self, request: Request, wire: Wire) -> None:
        match request.method, request.path:
            case "GET", "/":
                wire.send(200, "text/plain; charset=utf-8", b"Ollama is running")
            case "GET", "/api/version":
                wire.send_json({"version": "0.12.0"})
            case "GET", "/api/tags":
                wire.send_json({"models": [_listed(model) for model in self.models]})
            case "GET", "/api/ps":
                wire.send_json({"models": [_listed(model) for model in self.models if model.name in self.loaded]})
            case "POST", "/api/show":
                self._show(request, wire)
            case "POST", "/api/chat":
                await self._chat(request, wire)
            case _:
                wire.send(404, "text/plain", b"404 page not found")

    def _find(self, name: str) -> Model | None:
        full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        return next((model for model in self.models if model.name == full), None)

    def _show(self, request: Request, wire: Wire) -> None:
        name = request.json.get("model", "")
        model = self._find(name)
        if model is None:
            wire.send_json({"error": f"model '{name}' not found"}, 404)
        else:
            wire.send_json(_shown(model))

    async def _chat(self, request: Request, wire: Wire) -> None:
        refusal = self._refusal(request)
        reply = Reply() if refusal else self.next_reply()
        await asyncio.sleep(reply.before)
        if refusal:
            wire.send_json({"error": refusal[1]}, refusal[0])
        elif reply.status != 200:
            wire.send(reply.status, "application/json", json.dumps({"error": reply.error}).encode(), reply.headers)
        else:
            await _stream(reply, request.json["model"], wire)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        try:
            body = json.loads(request.body)
        except ValueError as error:
            return 400, str(error)
        if not body.get("model"):
            return 400, "model is required"
        if self._find(body["model"]) is None:
            return 404, f"model '{body['model']}' not found"
        return None


async def _stream(reply: Reply, model: str, wire: Wire) -> None:
    """Stream the pieces; as with the real one, the head leaves together with the first line."""
    begun = False
    for number, message in enumerate([*_messages(reply), None]):
        faulty = reply.fault is not None and number == reply.after
        if number:
            await asyncio.sleep(reply.delay)
        if faulty and reply.fault == "silence":
            await asyncio.Event().wait()
        if faulty and reply.fault == "hang_up":
            return wire.hang_up()
        if not begun:
            wire.begin(NDJSON)
            begun = True
        if faulty:
            return _misbehave(reply, wire)
        wire.write(_line(model, message) if message else _last_line(model, reply))
    return wire.end()


def _misbehave(reply: Reply, wire: Wire) -> None:
    match reply.fault:
        case "reset":
            wire.reset()
        case "garbage":
            wire.write(b"<html>Bad gateway</html>\n")
        case "error":
            wire.write(json.dumps({"error": reply.error}).encode() + b"\n")
        case "long_line":
            for _ in range(20):
                wire.write(b"x" * 65536)
    if reply.fault != "reset":
        wire.end()


def _messages(reply: Reply) -> Iterator[dict[str, Any]]:
    for thought in reply.thinking:
        yield {"role": "assistant", "content": "", "thinking": thought}
    for chunk in reply.chunks:
        yield {"role": "assistant", "content": chunk}
    for number, (name, arguments) in enumerate(reply.tool_calls):
        function = {"index": number, "name": name, "arguments": arguments}
        yield {"role": "assistant", "content": "", "tool_calls": [{"id": f"call_{number}", "function": function}]}


def _line(model: str, message: dict[str, Any], **more: Any) -> bytes:
    line = {"model": model, "created_at": CREATED_AT, "message": message, "done": False, **more}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _last_line(model: str, reply: Reply) -> bytes:
    count = len(reply.thinking) + len(reply.chunks)
    counts = {"prompt_eval_count": reply.prompt_tokens, "eval_count": count}
    times = {"total_duration": 10**9, "load_duration": 10**6, "prompt_eval_duration": 10**8, "eval_duration": 9 * 10**8}
    given = {name: value for name, value in (counts | times).items() if value}  # zeros are left out
    return _line(model, {"role": "assistant", "content": ""}, done=True, done_reason=reply.reason, **given)


def _details(model: Model) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": None,
        "parameter_size": model.parameter_size,
        "quantization_level": "Q4_K_M",
    }


def _listed(model: Model) -> dict[str, Any]:
    digest = "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72"
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": CREATED_AT,
        "size": model.size,
        "digest": digest,
        "details": _details(model),
        "capabilities": list(model.capabilities),
    }


def _shown(model: Model) -> dict[str, Any]:
    return {
        "modelfile": f"FROM {model.name}\n",
        "details": _details(model),
        "model_info": {
            "general.architecture": "llama",
            "llama.context_length": model.context_length,
            "llama.tokens": None,
        },
        "capabilities": list(model.capabilities),
        "modified_at": CREATED_AT,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--rate", type=float, default=20, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=200, help="tokens in an answer")
    parser.add_argument("--first-token", type=float, default=0.2, help="seconds before the first token")
    arguments = parser.parse_args()
    server = FakeOllama(port=arguments.port)
    words = tuple(f"word{number} " for number in range(arguments.tokens))
    server.default_reply = Reply(words, before=arguments.first_token, delay=1 / arguments.rate)
    serve_forever(server)


if __name__ == "__main__":
    main()

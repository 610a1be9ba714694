"""A fake OpenAI-compatible server: llama.cpp's, or with `llama_cpp=False` one like vLLM. Used like fake_ollama."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from tests.fake_http import FakeServer, Reply, Request, Wire

EVENT_STREAM = "text/event-stream"
MODEL = "tiny"


class FakeOpenAI(FakeServer):
    """Has one model, `tiny`; wants `key` where one is given. A comment and the role come before any silence."""

    def __init__(self, *, key: str = "", llama_cpp: bool = True, context_length: int = 2048) -> None:
        super().__init__()
        self.key = key
        self.llama_cpp = llama_cpp
        self.context_length = context_length

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def respond(self, request: Request, wire: Wire) -> None:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return wire.send_json({"error": {"message": "Invalid API Key", "type": "authentication_error"}}, 401)
        match request.method, request.path:
            case "GET", "/v1/models":
                wire.send_json({"object": "list", "data": [self._model()]})
            case "GET", "/props" if self.llama_cpp:
                wire.send_json({"default_generation_settings": {"n_ctx": self.context_length}, "total_slots": 2})
            case "POST", "/v1/chat/completions":
                await self._chat(request, wire)
            case _:
                wire.send_json({"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, 404)
        return None

    def _model(self) -> dict[str, Any]:
        if self.llama_cpp:
            meta = {"n_vocab": 49152, "n_ctx_train": 32768, "n_params": 134515008, "size": 98_362_432}
            return {"id": MODEL, "object": "model", "owned_by": "llamacpp", "meta": meta}
        return {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": self.context_length}

    async def _chat(self, request: Request, wire: Wire) -> None:
        reply = self.next_reply()
        if request.json["model"] != MODEL:
            error = {"message": f"The model `{request.json['model']}` does not exist.", "type": "NotFoundError"}
            return wire.send_json({"error": error}, 404)
        if reply.status != 200:
            return wire.send_json({"error": reply.error}, reply.status, reply.headers)
        return await self._stream(reply, wire)

    async def _stream(self, reply: Reply, wire: Wire) -> None:
        wire.begin(EVENT_STREAM)
        wire.write(b": ready\n\n")
        wire.write(_data({"role": "assistant", "content": None}))
        await asyncio.sleep(reply.before)
        for number, delta in enumerate([*_deltas(reply), None]):
            await asyncio.sleep(reply.delay if number else 0)
            if reply.fault and number == reply.after:
                return await _misbehave(reply, wire)
            wire.write(_data(delta) if delta else self._ending(reply))
        return wire.end()

    def _ending(self, reply: Reply) -> bytes:
        count = len(reply.thinking) + len(reply.chunks)
        usage: dict[str, Any] = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": count}
        last: dict[str, Any] = {"choices": [], "usage": usage}
        if self.llama_cpp:
            last["timings"] = {
                "cache_n": 6,
                "prompt_n": reply.prompt_tokens - 6,
                "predicted_n": count,
                "prompt_ms": 1.5,
            }
        return _data({}, reply.reason) + _event(last) + b"data: [DONE]\n\n"


async def _misbehave(reply: Reply, wire: Wire) -> None:
    match reply.fault:
        case "silence":
            await asyncio.Event().wait()
        case "reset" | "hang_up":
            return wire.reset()
        case "garbage":
            wire.write(b"<html>Bad gateway</html>\n\n")
        case "error":
            wire.write(_event({"error": reply.error}))
        case "long_line":
            wire.write(b"data: " + b"x" * 2 * 1024 * 1024)
    return wire.end()


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    for thought in reply.thinking:
        yield {"reasoning_content": thought}
    for chunk in reply.chunks:
        yield {"content": chunk}
    for number, (name, arguments) in enumerate(reply.tool_calls):
        text = json.dumps(arguments)
        yield {"tool_calls": [{"index": number, "id": f"call_{number}", "function": {"name": name, "arguments": ""}}]}
        for piece in (text[:4], text[4:]):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _data(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return _event(
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    )


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()

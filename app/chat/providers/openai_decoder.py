"""Decodes the event stream of an OpenAI-compatible /chat/completions; no I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from app.chat.providers.answer import said
from app.chat.providers.base import End, Event, ToolCall, Usage, count
from app.chat.providers.failures import Failure, as_sentence, decode, read_error
from app.errors import UpstreamError

TOO_LONG_KINDS = ("exceed_context_size_error", "context_length_exceeded")
TOO_LONG = "The conversation is longer than this model can read. Start a new one, or ask something shorter."


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Piece(msgspec.Struct):
    index: int = 0
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Piece] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: Any = None
    completion_tokens: Any = None


class _Timings(msgspec.Struct):
    """Counted by llama.cpp; what it found in its cache is part of the prompt too."""

    cache_n: int = 0
    prompt_n: int = 0
    predicted_n: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: Any = None


class OpenAIDecoder:
    """Turns the lines of an event stream into events; see Decoder. The pieces of a tool call are joined first."""

    def __init__(self, label: str) -> None:
        self.ended = False
        self._label = label
        self._reason = ""
        self._usage: Usage | None = None
        self._timed: Usage | None = None
        self._calls: dict[int, _Function] = {}

    def feed(self, line: bytes) -> list[Event]:
        """Give the events of one line; raises UpstreamError on garbage and on an error."""
        field, _, value = line.partition(b":")
        if field == b"data":
            return self._read_data(value.strip())
        if field == b"error":  # llama.cpp, some versions
            raise explain(self._label, read_error(decode(self._label, value, object)))
        if field not in (b"", b"event", b"id", b"retry"):
            raise UpstreamError(f"{self._label} sent something that can't be understood.")
        return []

    def finish(self) -> list[Event]:
        """Give the end where a reason for it came; raises UpstreamError where none did."""
        if not self._reason:
            raise UpstreamError(f"{self._label} broke off the answer.")
        self.ended = True
        usage = self._usage or self._timed
        calls = [ToolCall(call.name or "", _arguments(call.arguments or "")) for _, call in sorted(self._calls.items())]
        return [*calls, *([usage] if usage else []), End("length" if self._reason == "length" else "stop")]

    def _read_data(self, data: bytes) -> list[Event]:
        if data == b"[DONE]":
            self._reason = self._reason or "stop"
            return self.finish()
        chunk = decode(self._label, data, _Chunk)
        if chunk.error is not None:
            raise explain(self._label, read_error(chunk.error))
        self._count(chunk)
        return [event for choice in chunk.choices or () for event in self._read_choice(choice)]

    def _read_choice(self, choice: _Choice) -> list[Event]:
        self._reason = choice.finish_reason or self._reason
        if choice.delta is None:
            return []
        for piece in choice.delta.tool_calls or ():
            self._join(piece)
        return said(choice.delta.reasoning_content or choice.delta.reasoning, choice.delta.content)

    def _join(self, piece: _Piece) -> None:
        if piece.function:
            call = self._calls.setdefault(piece.index, _Function())
            call.name = call.name or piece.function.name
            call.arguments = (call.arguments or "") + (piece.function.arguments or "")

    def _count(self, chunk: _Chunk) -> None:
        if chunk.usage:
            self._usage = Usage(count(chunk.usage.prompt_tokens), count(chunk.usage.completion_tokens))
        elif chunk.timings:
            self._timed = Usage(count(chunk.timings.cache_n + chunk.timings.prompt_n), count(chunk.timings.predicted_n))


def explain(label: str, failure: Failure) -> UpstreamError:
    """Give the error for what a server said of a failure."""
    if any(kind in failure.kind for kind in TOO_LONG_KINDS) or "maximum context length" in failure.text:
        return UpstreamError(TOO_LONG)
    return UpstreamError(as_sentence(label, failure.text))


def _arguments(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (ValueError, RecursionError):  # the model's own mistake: show what it wrote
        return {"arguments": text}

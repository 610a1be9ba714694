"""Decodes the lines of Ollama's /api/chat; no I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from app.chat.providers.answer import said
from app.chat.providers.base import End, Event, ToolCall, Usage, count
from app.chat.providers.failures import as_sentence, not_understood, read_error
from app.errors import UpstreamError

LABEL = "Ollama"


class _Function(msgspec.Struct):
    name: str = ""
    arguments: dict[str, Any] = {}


class _Call(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    done_reason: str = ""
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None


_decode_line = msgspec.json.Decoder(_Line).decode


class OllamaDecoder:
    """Turns NDJSON lines into events; see Decoder."""

    def __init__(self) -> None:
        self.ended = False

    def feed(self, line: bytes) -> list[Event]:
        """Give the events of one line; raises UpstreamError on garbage and on an error line."""
        try:
            answer = _decode_line(line)
        except (ValueError, RecursionError) as error:
            raise not_understood(LABEL) from error
        if answer.error is not None:
            raise UpstreamError(as_sentence(LABEL, read_error(answer.error).text))
        if answer.message is None and not answer.done:
            raise not_understood(LABEL)
        events = _spoken(answer.message) if answer.message else []
        if answer.done:
            self.ended = True
            events += _ending(answer)
        return events

    def finish(self) -> list[Event]:
        """Raise UpstreamError: the lines are over, and there was no end among them."""
        raise UpstreamError(f"{LABEL} broke off the answer.")


def _spoken(message: _Message) -> list[Event]:
    events = said(message.thinking, message.content)
    for call in message.tool_calls or ():
        events.append(ToolCall(call.function.name, call.function.arguments))
    return events


def _ending(line: _Line) -> list[Event]:
    usage = Usage(count(line.prompt_eval_count), count(line.eval_count))
    return [usage, End("length" if line.done_reason == "length" else "stop")]

from __future__ import annotations

import json
from typing import Any

import pytest

from app.chat.providers.base import End, Reasoning, Text, ToolCall, Usage
from app.chat.providers.openai_decoder import TOO_LONG, OpenAIDecoder
from app.errors import UpstreamError


def data(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode()


def delta(reason: str | None = None, **parts: Any) -> bytes:
    return data({"choices": [{"index": 0, "delta": parts, "finish_reason": reason}]})


def test_it_works() -> None:
    decoder = OpenAIDecoder("It")
    assert decoder.feed(delta(role="assistant", content=None)) == []
    assert decoder.feed(delta(reasoning_content="Hm")) == [Reasoning("Hm")]
    assert decoder.feed(delta(content="Hi")) == [Text("Hi")]
    assert decoder.feed(delta("stop")) == []
    assert decoder.feed(data({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})) == []
    assert not decoder.ended
    assert decoder.feed(b"data: [DONE]") == [Usage(3, 2), End("stop")]
    assert decoder.ended


def test_the_other_name_of_reasoning() -> None:
    assert OpenAIDecoder("It").feed(delta(reasoning="Hm")) == [Reasoning("Hm")]


@pytest.mark.parametrize("line", [b": ping", b"event: message", b"id: 5", b"retry: 100"])
def test_what_is_no_data_says_nothing(line: bytes) -> None:
    assert OpenAIDecoder("It").feed(line) == []


def test_a_limit() -> None:
    decoder = OpenAIDecoder("It")
    decoder.feed(delta("length"))
    assert decoder.feed(b"data:[DONE]") == [End("length")]


def test_llama_cpp_counts_what_was_in_its_cache() -> None:
    decoder = OpenAIDecoder("It")
    decoder.feed(data({"choices": [], "timings": {"cache_n": 6, "prompt_n": 20, "predicted_n": 1}}))
    decoder.feed(data({"choices": [], "timings": {"cache_n": 6, "prompt_n": 20, "predicted_n": 9, "prompt_ms": 1.5}}))
    assert decoder.feed(b"data: [DONE]") == [Usage(26, 9), End("stop")]


def test_the_pieces_of_tool_calls_are_joined() -> None:
    decoder = OpenAIDecoder("It")
    for index, name, arguments in [(0, "f", '{"a"'), (1, "g", ""), (0, None, ": 1}")]:
        piece = {"index": index, "function": {"name": name, "arguments": arguments}}
        assert decoder.feed(delta(tool_calls=[piece])) == []
    decoder.feed(delta("tool_calls"))
    assert decoder.feed(b"data: [DONE]") == [ToolCall("f", {"a": 1}), ToolCall("g", {}), End("stop")]


def test_arguments_that_are_no_json_are_shown_as_they_are() -> None:
    decoder = OpenAIDecoder("It")
    decoder.feed(delta("tool_calls", tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{oops"}}]))
    assert decoder.finish() == [ToolCall("f", {"arguments": "{oops"}), End("stop")]


def test_a_reason_is_an_end_without_the_mark() -> None:
    decoder = OpenAIDecoder("It")
    decoder.feed(delta("stop", content="Hi"))
    assert decoder.finish() == [End("stop")]


def test_neither_a_reason_nor_the_mark() -> None:
    decoder = OpenAIDecoder("It")
    decoder.feed(delta(content="Hi"))
    with pytest.raises(UpstreamError, match="broke off"):
        decoder.finish()


@pytest.mark.parametrize(
    "line", [b"<html>", b'{"choices":[]}', b"data: {", b"data: []", b'data: {"choices":[{"delta":1}]}']
)
def test_garbage(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="It sent something that can't be understood"):
        OpenAIDecoder("It").feed(line)


@pytest.mark.parametrize("line", [data({"error": {"message": "boom"}}), b'error: {"message": "boom", "code": 500}'])
def test_an_error_in_the_middle(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="It says: boom"):
        OpenAIDecoder("It").feed(line)


TOO_LONG_ERRORS = [
    {"message": "too many", "type": "exceed_context_size_error", "code": 400, "n_prompt_tokens": 9, "n_ctx": 8},
    {"message": "too many", "type": "invalid_request_error", "code": "context_length_exceeded"},
    {"message": "This model's maximum context length is 8 tokens.", "type": "BadRequestError", "code": 400},
]


@pytest.mark.parametrize("error", TOO_LONG_ERRORS)
def test_a_conversation_that_is_too_long(error: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError) as caught:
        OpenAIDecoder("It").feed(data({"error": error}))
    assert caught.value.sentence == TOO_LONG

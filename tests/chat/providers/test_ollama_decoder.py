from __future__ import annotations

import pytest

from app.chat.providers.base import End, Reasoning, Text, ToolCall, Usage
from app.chat.providers.ollama_decoder import OllamaDecoder
from app.errors import UpstreamError


def test_it_works() -> None:
    decoder = OllamaDecoder()
    assert decoder.feed(b'{"message":{"content":"","thinking":"Hm"},"done":false}') == [Reasoning("Hm")]
    assert decoder.feed(b'{"message":{"content":"Hi"},"done":false}') == [Text("Hi")]
    assert not decoder.ended
    last = b'{"message":{"content":"!"},"done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":2}'
    assert decoder.feed(last) == [Text("!"), Usage(3, 2), End("length")]
    assert decoder.ended


def test_an_empty_message_says_nothing() -> None:
    assert OllamaDecoder().feed(b'{"message":{"content":""},"done":false}') == []


def test_counts_that_are_left_out_are_unknown() -> None:
    assert OllamaDecoder().feed(b'{"done":true}') == [Usage(None, None), End("stop")]


@pytest.mark.parametrize("count", ["-1", "1000000000000000000000000000000", "2147483648", '"3"', "[]"])
def test_counts_that_can_not_be_are_unknown(count: str) -> None:
    line = f'{{"message":{{"content":"!"}},"done":true,"prompt_eval_count":{count},"eval_count":2}}'
    assert Usage(None, 2) in OllamaDecoder().feed(line.encode())


def test_a_tool_call() -> None:
    line = b'{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":[1]}}}]},"done":false}'
    assert OllamaDecoder().feed(line) == [ToolCall("f", {"a": [1]})]


def test_a_nul_can_be_stored() -> None:
    assert OllamaDecoder().feed(b'{"message":{"content":"a\\u0000b"}}') == [Text("a\0b")]


GARBAGE = [
    b"<html>",
    b"{",
    b"[]",
    b"{}",
    b'"text"',
    b'{"message":"text"}',
    b'{"message":{"content":1}}',
    b'{"message":{"content":"\xff"}}',
    b'{"message":{"content":"\\ud800"}}',
    b'{"message":{"tool_calls":[{"function":{"arguments":{"a":' + b"[" * 100_000,
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="can't be understood"):
        OllamaDecoder().feed(line)


@pytest.mark.parametrize("line", [b'{"error":"out of memory"}', b'{"error":{"message":"out of memory","code":5}}'])
def test_an_error_line(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="Ollama says: out of memory"):
        OllamaDecoder().feed(line)


def test_an_error_in_no_known_shape() -> None:
    with pytest.raises(UpstreamError, match="Ollama"):
        OllamaDecoder().feed(b'{"error":[1,2]}')


def test_lines_without_an_end() -> None:
    decoder = OllamaDecoder()
    decoder.feed(b'{"message":{"content":"Hi"},"done":false}')
    with pytest.raises(UpstreamError, match="broke off"):
        decoder.finish()

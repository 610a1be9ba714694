from __future__ import annotations

import pytest

from app.chat.providers.lines import LineSplitter
from app.errors import UpstreamError


def test_it_works() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntwo\nth") == [b"one", b"two"]
    assert splitter.feed(b"r") == []
    assert splitter.feed(b"ee\r\n\r\n\nfour") == [b"three"]
    assert splitter.flush() == [b"four"]
    assert splitter.flush() == []


def test_it_cuts_alike_wherever_the_bytes_are_cut() -> None:
    data = "ä\r\n\nbb\nc".encode()
    for size in range(1, len(data) + 1):
        splitter = LineSplitter()
        lines = [line for start in range(0, len(data), size) for line in splitter.feed(data[start : start + size])]
        assert [*lines, *splitter.flush()] == ["ä".encode(), b"bb", b"c"]


@pytest.mark.parametrize("data", [b"123456", b"123456\n", b"1\n234567"])
def test_a_line_is_bounded(data: bytes) -> None:
    splitter = LineSplitter(limit=5)
    with pytest.raises(UpstreamError, match="too long"):
        splitter.feed(data)


def test_a_line_that_grows_is_bounded() -> None:
    splitter = LineSplitter(limit=5)
    splitter.feed(b"123")
    with pytest.raises(UpstreamError):
        splitter.feed(b"456")

"""The framing of chunked bodies."""

from __future__ import annotations

import pytest

from app.chat.providers.chunked import ChunkedBody
from app.errors import UpstreamError

BODY = b'5\r\nhello\r\n6;name="x"\r\n world\r\n1\r\n!\r\n0\r\n\r\n'


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(BODY)])
def test_it_gives_the_payload_however_it_arrives(size: int) -> None:
    body = ChunkedBody()

    payload = b"".join(body.feed(BODY[at : at + size]) for at in range(0, len(BODY), size))

    assert payload == b"hello world!"
    assert body.ended


def test_it_ends_only_with_the_last_chunk() -> None:
    body = ChunkedBody()
    body.feed(BODY[:-5])

    assert not body.ended


@pytest.mark.parametrize("size", [1, 2, 3, len(BODY)])
def test_it_is_spent_with_its_very_last_byte(size: int) -> None:
    body = ChunkedBody()
    for at in range(0, len(BODY), size):
        assert not body.is_spent
        body.feed(BODY[at : at + size])

    assert body.is_spent
    body.feed(b"H")
    assert not body.is_spent


def test_it_goes_on_where_somebody_else_stopped() -> None:
    body = ChunkedBody(after_chunk=True)

    assert body.feed(b"\r\n5\r\nhello\r\n0\r\n\r\n") == b"hello"
    assert body.is_spent


@pytest.mark.parametrize(
    "broken", [b"zz\r\nhello", b"5\r\nhelloworld\r\n", b"-5\r\nhello\r\n", b"x" * 5000, b"\r\nhello"]
)
def test_broken_framing_is_an_error(broken: bytes) -> None:
    with pytest.raises(UpstreamError):
        ChunkedBody().feed(broken)

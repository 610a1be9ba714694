from __future__ import annotations

import pytest

from app.chat.providers.failures import Failure, as_sentence, read_failure

BODIES = [
    (b'{"error":"no memory"}', Failure("no memory", "", structured=True)),
    (b'{"error":{"message":"no","type":"t","code":"c"}}', Failure("no", "t c", structured=True)),
    (b'{"error":{"message":"no","type":null,"code":400}}', Failure("no", "400", structured=True)),
    (b'{"object":"error","message":"no","type":"t","code":404}', Failure("no", "t", structured=True)),
    (b"404 page not found", Failure("404 page not found")),
    (b"", Failure("")),
    (b"\xff", Failure("\ufffd")),
]


@pytest.mark.parametrize(("body", "failure"), BODIES)
def test_it_reads_every_shape(body: bytes, failure: Failure) -> None:
    assert read_failure(body) == failure


def test_one_sentence() -> None:
    assert as_sentence("It", "no\n  memory\x1b[31m.") == "It says: no memory [31m."


def test_a_long_text_is_cut() -> None:
    sentence = as_sentence("It", "word " * 1000)
    assert sentence.endswith("word…")
    assert len(sentence) < 320


def test_nothing_to_say() -> None:
    assert as_sentence("It", " \n") == "It answered with an error."

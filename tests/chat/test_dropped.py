"""The reader is told when the oldest turns no longer fit."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from tests.people import HELLO, Person, sign_up


def test_the_reader_is_told(make_app: Callable[..., Flask]) -> None:
    carol: Person = sign_up(make_app(context_length=512), "carol@example.org")
    long = '/fake {"chunks": ["' + "word " * 300 + '"]}'
    first = carol.ask(long)

    start = carol.stream(HELLO, conversation_id=first["conversation_id"])[0]

    assert start.data["dropped_messages"] == 2
    last = carol.get(f"/api/conversations/{first['conversation_id']}").get_json()["messages"][-1]
    assert last["dropped_messages"] == 2

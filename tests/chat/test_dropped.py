"""The reader is told when the oldest turns no longer fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.chat.history import CHARACTERS_PER_TOKEN, MAX_TOLD, fit
from app.extensions import db
from app.models.message import Message, list_said
from tests.chat.test_branches import make_long
from tests.chat.test_chat import fake_of
from tests.people import HELLO, Person, sign_up


def test_what_is_above_the_most_that_is_told_counts(alice: Person) -> None:
    conversation_id, _ = make_long(alice.app, alice, 1000)
    start = alice.stream(HELLO, conversation_id=str(conversation_id))[0]

    told = fake_of(alice.app).requests[-1].turns
    assert start.data["dropped_messages"] == 1001 - len(told) > MAX_TOLD
    context = alice.get(f"/api/conversations/{conversation_id}/context").get_json()
    assert context["dropped_messages"] > 0
    assert context["room"] < 0


def test_the_reader_is_told(make_app: Callable[..., Flask]) -> None:
    carol: Person = sign_up(make_app(context_length=512), "carol@example.org")
    long = '/fake {"chunks": ["' + "word " * 300 + '"]}'
    first = carol.ask(long)

    start = carol.stream(HELLO, conversation_id=first["conversation_id"])[0]

    assert start.data["dropped_messages"] == 2
    last = carol.get(f"/api/conversations/{first['conversation_id']}").get_json()["messages"][-1]
    assert last["dropped_messages"] == 2


@pytest.mark.parametrize("context_length", [64, 512, 4096, 100_000])
def test_what_is_not_even_read_would_not_have_fitted(alice: Person, context_length: int) -> None:
    _, made = make_long(alice.app, alice, 60)
    with alice.app.app_context():
        for number, message_id in enumerate(made):
            words = "wörter " * (number * 37 % 101) if number % 9 else ""
            db.session.execute(db.update(Message).where(Message.id == message_id).values(content=words))
        db.session.commit()
        for leaf in (made[-1], made[-2], made[40]):
            everything = list_said(leaf, MAX_TOLD, 10**9)
            read = list_said(leaf, MAX_TOLD, CHARACTERS_PER_TOKEN * context_length)
            told, wanted = fit("Be kind.", read, context_length), fit("Be kind.", everything, context_length)
            assert (told.turns, told.dropped_messages) == (wanted.turns, wanted.dropped_messages)
            assert (told.room < 0) == (wanted.room < 0)
    assert len(read) < len(everything) or context_length > 512

"""The scripted provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.chat.providers.base import Connected, End, Reasoning, Text, Usage
from app.chat.providers.fake import FakeProvider, Script
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError, UpstreamTimeout
from tests.chat.providers.reading import Reader, ask, read_until, reasoning_of, text_of


def fake(question: str = "Hi", model: str = "fake") -> Any:
    return FakeProvider().chat(ask(question, model))


def directive(**script: Any) -> str:
    return f"/fake {json.dumps(script)}"


def test_it_works() -> None:
    provider = FakeProvider()
    provider.enqueue(["Hel", "lo"])
    assert list(provider.chat(ask(model="fake"))) == [Connected(), Text("Hel"), Text("lo"), Usage(1, 2), End("stop")]
    assert list(provider.requests) == [ask(model="fake")]


def test_a_script_serves_once() -> None:
    provider = FakeProvider()
    provider.enqueue(Script(("one",)))
    assert text_of(list(provider.chat(ask(model="fake")))) == "one"
    assert text_of(list(provider.chat(ask(directive(chunks=["two"]), "fake")))) == "two"


def test_the_canned_answer_quotes_the_question_and_is_always_the_same() -> None:
    events = list(fake("What is\n\n`{this}`?"))
    assert "> What is `{this}`?" in text_of(events)
    assert 50 <= sum(isinstance(event, Text) for event in events) <= 90
    assert events == list(fake("What is\n\n`{this}`?"))


def test_the_thinking_model_reasons_first() -> None:
    events = list(fake(model="fake-thinking"))
    assert reasoning_of(events)
    kinds = [type(event) for event in events if isinstance(event, (Text, Reasoning))]
    assert kinds == sorted(kinds, key=lambda kind: kind is Text)


def test_the_question_can_script_the_answer() -> None:
    events = list(fake(directive(chunks=["a", "b"], thinking="Hm hm", delay_ms=1, reason="length")))
    assert (reasoning_of(events), text_of(events), events[-1]) == ("Hm hm", "ab", End("length"))


FAULTS = [("error", UpstreamError), ("cut", UpstreamError), ("timeout", UpstreamTimeout)]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_it_fails_in_the_middle(fault: str, kind: type[AppError]) -> None:
    events, _ = read_until(kind, fake(directive(chunks=["a", "b"], fail=fault, after=1)))
    assert events == [Connected(), Text("a")]


@pytest.mark.parametrize(("fault", "kind"), [("unavailable", LLMUnavailable), ("not_found", ModelNotFound)])
def test_it_refuses(fault: str, kind: type[AppError]) -> None:
    events, _ = read_until(kind, fake(directive(fail=fault, after=1)))
    assert events == []


@pytest.mark.parametrize("text", ["/fake {", "/fake []", '/fake {"chunk": []}', '/fake {"delay_ms": -1}'])
def test_a_directive_that_can_not_be_read(text: str) -> None:
    _, error = read_until(UpstreamError, fake(text))
    assert error.sentence.startswith("What follows /fake can't be read")


def test_close_ends_a_wait_at_once() -> None:
    reader = Reader(fake(directive(delay_ms=60_000)))
    reader.wait_for(1)
    reader.assert_closes()
    assert reader.events == [Connected()]


def test_close_before_anything() -> None:
    stream = fake()
    stream.close()
    assert list(stream) == []


def test_close_wins_over_a_failure() -> None:
    stream = fake(directive(chunks=["a"], fail="error", after=1))
    iterator = iter(stream)
    assert [next(iterator), next(iterator)] == [Connected(), Text("a")]
    stream.close()
    assert list(iterator) == []


def test_its_models() -> None:
    provider = FakeProvider()
    assert [(model.name, model.context_length) for model in provider.list_models()] == [
        ("fake", 4096),
        ("fake-thinking", 4096),
    ]
    assert provider.describe_model("fake-thinking").capabilities == ("completion", "thinking")


def test_a_model_it_does_not_have() -> None:
    with pytest.raises(ModelNotFound):
        FakeProvider().describe_model("llama3")
    read_until(ModelNotFound, fake(model="llama3"))

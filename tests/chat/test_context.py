"""GET /api/conversations/<id>/context: how full the model's context is."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.chat.providers.fake import CONTEXT_LENGTH
from tests.people import HELLO, Person, sign_up


def test_it_works(alice: Person) -> None:
    answer = alice.ask(HELLO)

    context = alice.get(f"/api/conversations/{answer['conversation_id']}/context").get_json()

    usage = answer["usage"]
    assert context["used_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert (context["context_length"], context["is_estimate"]) == (CONTEXT_LENGTH, False)
    assert (context["model"], context["dropped_messages"]) == ("fake", 0)
    assert 0 < context["room"] < CONTEXT_LENGTH


def test_before_the_first_answer_it_is_an_estimate(alice: Person) -> None:
    made = alice.call("POST", "/api/conversations", {"system_prompt": "Rhyme. " * 100}).get_json()

    context = alice.get(f"/api/conversations/{made['id']}/context").get_json()

    assert context["is_estimate"] is True
    assert 100 < context["used_tokens"] < 500


def test_a_smaller_context_is_sooner_full(alice: Person) -> None:
    answer = alice.ask('/fake {"chunks": ["' + "word " * 300 + '"]}')
    path = f"/api/conversations/{answer['conversation_id']}"
    roomy = alice.get(f"{path}/context").get_json()
    alice.call("PATCH", path, {"options": {"num_ctx": 256}})
    full = alice.get(f"{path}/context").get_json()

    assert (roomy["dropped_messages"], full["dropped_messages"]) == (0, 0), "the last question always stays"
    assert (roomy["room"] > 0, full["room"] > 0) == (True, False)
    assert full["context_length"] == 256


def test_another_model_can_be_named(alice: Person) -> None:
    path = f"/api/conversations/{alice.ask(HELLO)['conversation_id']}/context"

    assert alice.get(f"{path}?model=fake-thinking").get_json()["model"] == "fake-thinking"
    assert alice.get(f"{path}?model=").get_json()["model"] == "fake"
    too_long = alice.get(path, query_string={"model": "x" * 201})
    assert (too_long.status_code, too_long.get_json()["field"]) == (422, "model")


def test_nobody_can_tell_without_a_model(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        llm_providers=("ollama", "openai"), ollama_host="http://127.0.0.1:9", openai_base_url="http://127.0.0.1:9/v1"
    )
    carol = sign_up(app, "carol@example.org")
    made = carol.call("POST", "/api/conversations", {}).get_json()

    assert carol.get(f"/api/conversations/{made['id']}/context").get_json() == {}

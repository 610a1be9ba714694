"""POST /api/chat: one JSON answer."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.chat.providers.base import Turn
from app.chat.providers.fake import FakeProvider
from tests.people import HELLO, Person, sign_up


def fake_of(app: Flask) -> FakeProvider:
    provider = app.extensions["chat"].directory.providers[0]
    assert isinstance(provider, FakeProvider)
    return provider


def test_it_works(alice: Person) -> None:
    answer = alice.ask('/fake {"chunks": ["Hel", "lo"]}')

    assert answer["reply"] == "Hello"
    assert answer["model"] == "fake"
    assert UUID(answer["conversation_id"])
    assert UUID(answer["message_id"])
    counted = {"prompt_tokens", "completion_tokens", "first_token_ms", "duration_ms", "thinking_ms"}
    assert set(answer["usage"]) == counted
    assert answer["usage"]["duration_ms"] is not None


def test_it_keeps_question_and_answer(alice: Person) -> None:
    answer = alice.ask('/fake {"chunks": ["Hello"], "thinking": "Hm."}')

    kept = alice.get(f"/api/conversations/{answer['conversation_id']}").get_json()

    question, reply = kept["messages"]
    assert (question["role"], question["status"]) == ("user", "complete")
    assert (reply["role"], reply["content"], reply["reasoning"]) == ("assistant", "Hello", "Hm.")
    assert reply["parent_id"] == question["id"]
    assert reply["id"] == answer["message_id"]
    assert kept["title"].startswith("/fake")


def test_it_continues_a_conversation(app: Flask, alice: Person) -> None:
    first = alice.ask('/fake {"chunks": ["One"]}')

    second = alice.ask("And then?", conversation_id=first["conversation_id"])

    assert second["conversation_id"] == first["conversation_id"]
    told = fake_of(app).requests[-1].turns
    assert [turn.role for turn in told] == ["user", "assistant", "user"]
    assert told[1:] == (Turn("assistant", "One"), Turn("user", "And then?"))


def test_it_branches_from_a_parent(app: Flask, alice: Person) -> None:
    first = alice.ask('/fake {"chunks": ["One"]}')
    alice.ask("Away", conversation_id=first["conversation_id"])

    alice.ask("Other way", conversation_id=first["conversation_id"], parent_id=first["message_id"])

    assert [turn.content for turn in fake_of(app).requests[-1].turns][1:] == ["One", "Other way"]


def test_it_answers_a_kept_question_again(app: Flask, alice: Person) -> None:
    refused = alice.call("POST", "/api/chat", {"message": '/fake {"fail": "unavailable"}'}).get_json()
    fake_of(app).enqueue(["Now"])

    answer = alice.call("POST", "/api/chat", {"question_id": refused["question_id"]}).get_json()

    assert answer["reply"] == "Now"
    messages = alice.get(f"/api/conversations/{answer['conversation_id']}").get_json()["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]


def test_it_sends_the_system_prompt(app: Flask, alice: Person) -> None:
    made = alice.call("POST", "/api/conversations", {"title": "T", "system_prompt": "Be short."}).get_json()

    alice.ask(HELLO, conversation_id=made["id"])

    assert fake_of(app).requests[-1].turns[0] == Turn("system", "Be short.")


def test_it_passes_options(app: Flask, alice: Person) -> None:
    alice.ask(HELLO, options={"temperature": 0.2, "seed": 7})

    options = fake_of(app).requests[-1].options
    assert (options.temperature, options.seed) == (0.2, 7)
    assert options.num_ctx == 4096  # always explicit, so that no server cuts the history in silence


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        ('{"fail": "error", "after": 1, "chunks": ["So", "me"]}', 502, "upstream_error"),
        ('{"fail": "cut", "after": 1, "chunks": ["So", "me"]}', 502, "upstream_error"),
        ('{"fail": "timeout", "after": 1, "chunks": ["So", "me"]}', 504, "upstream_timeout"),
    ],
)
def test_it_keeps_the_text_when_the_model_fails(alice: Person, script: str, status: int, code: str) -> None:
    response = alice.call("POST", "/api/chat", {"message": f"/fake {script}"})

    body = response.get_json()
    assert (response.status_code, body["code"], body["reply"]) == (status, code, "So")
    assert body["error"].endswith(".")
    kept = alice.get(f"/api/conversations/{body['conversation_id']}").get_json()["messages"][-1]
    assert (kept["status"], kept["content"], kept["error_code"]) == ("failed", "So", code)


def test_it_keeps_only_the_question_when_the_model_cannot_be_reached(alice: Person) -> None:
    response = alice.call("POST", "/api/chat", {"message": '/fake {"fail": "unavailable"}'})

    body = response.get_json()
    assert (response.status_code, body["code"]) == (503, "llm_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    kept = alice.get(f"/api/conversations/{body['conversation_id']}").get_json()["messages"]
    assert [message["id"] for message in kept] == [body["question_id"]]


def test_it_says_so_when_the_model_is_not_there(alice: Person) -> None:
    response = alice.call("POST", "/api/chat", {"message": HELLO, "model": "nope"})

    assert (response.status_code, response.get_json()["code"]) == (404, "model_not_found")
    assert "nope" in response.get_json()["error"]


def test_a_question_after_a_refused_one_is_sent_with_it(app: Flask, alice: Person) -> None:
    refused = alice.call("POST", "/api/chat", {"message": '/fake {"fail": "unavailable"}'}).get_json()

    fake_of(app).enqueue(["Yes"])
    alice.ask("Still there?", conversation_id=refused["conversation_id"])

    (turn,) = fake_of(app).requests[-1].turns
    assert turn.role == "user"
    assert turn.content.endswith("\n\nStill there?")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "message"),
        ({"message": "  \n"}, 422, "message"),
        ({"message": 7}, 422, "message"),
        ({"message": None}, 422, "message"),
        ({"message": {"a": 1}}, 422, "message"),
        ({"message": "a\0b"}, 422, "message"),
        ({"message": "x" * 200_001}, 422, "message"),
        ({"message": "x", "conversation_id": "no-uuid"}, 422, "conversation_id"),
        ({"message": "x", "parent_id": 5}, 422, "parent_id"),
        ({"message": "x", "model": ""}, 422, "model"),
        ({"message": "x", "model": ["a"]}, 422, "model"),
        ({"message": "x", "options": {"temperature": 9}}, 422, "options.temperature"),
        ({"message": "x", "options": {"temperature": "hot"}}, 422, "options.temperature"),
        ({"message": "x", "options": {"shell": "rm"}}, 422, "shell"),
        ({"message": "x", "options": []}, 422, "options"),
        ({"message": "x", "conversationId": "typo"}, 422, "conversationId"),
        ([], 422, "body"),
        ("text", 422, "body"),
    ],
)
def test_it_names_the_field_that_is_wrong(alice: Person, body: object, status: int, field: str) -> None:
    response = alice.call("POST", "/api/chat", body)

    answer = response.get_json()
    assert (response.status_code, answer["code"], answer["field"]) == (status, "invalid_field", field)
    assert answer["error"].endswith(".")


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"message": "\\ud800"}', b"[" * 100_000])
def test_it_refuses_what_is_no_json(alice: Person, raw: bytes) -> None:
    headers = {"X-CSRFToken": alice.csrf()}
    response = alice.client.post("/api/chat", data=raw, content_type="application/json", headers=headers)

    assert response.status_code in (400, 422)
    assert response.get_json()["code"] in ("malformed", "invalid_field")


def test_it_takes_json_only(alice: Person) -> None:
    response = alice.client.post("/api/chat", data={"message": HELLO}, headers={"X-CSRFToken": alice.csrf()})

    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


def test_the_context_is_at_most_what_the_administrator_allows(app: Flask, alice: Person) -> None:
    alice.ask(HELLO, options={"num_ctx": 1_000_000})

    assert fake_of(app).requests[-1].options.num_ctx == 4096


def test_it_refuses_a_body_that_is_too_large(alice: Person) -> None:
    response = alice.call("POST", "/api/chat", {"message": "x" * 3_000_000})

    assert (response.status_code, response.get_json()["code"]) == (413, "too_large")


def test_it_needs_signing_in(app: Flask) -> None:
    response = app.test_client().post("/api/chat", json={"message": HELLO})

    assert (response.status_code, response.get_json()["code"]) == (401, "not_signed_in")


def test_it_hides_what_is_foreign(alice: Person, bob: Person) -> None:
    hers = alice.ask()
    own = bob.ask()

    for body in (
        {"message": "x", "conversation_id": hers["conversation_id"]},
        {"message": "x", "conversation_id": str(uuid4())},
        {"message": "x", "conversation_id": own["conversation_id"], "parent_id": hers["message_id"]},
        {"question_id": hers["message_id"]},
        {"question_id": hers["message_id"], "conversation_id": own["conversation_id"]},
    ):
        response = bob.call("POST", "/api/chat", body)
        assert (response.status_code, response.get_json()["code"]) == (404, "not_found"), body


def test_it_is_limited_per_address(make_app: Callable[..., Flask]) -> None:
    carol = sign_up(make_app(rate_limit="3/minute"), "carol@example.org")
    for _ in range(2):
        carol.ask()
    assert carol.call("POST", "/api/chat/stream", {}).status_code == 422  # every POST counts, also a wrong one

    response = carol.call("POST", "/api/chat", {"message": HELLO})

    assert (response.status_code, response.get_json()["code"]) == (429, "too_many_requests")
    assert 0 < int(response.headers["Retry-After"]) <= 61
    assert carol.get("/api/models").status_code == 200  # reading is not limited


def test_an_address_behind_a_proxy_counts_only_where_the_proxy_is_trusted(make_app: Callable[..., Flask]) -> None:
    forwarded = [{"X-Forwarded-For": f"203.0.113.{n}"} for n in range(4)]
    dave = sign_up(make_app(rate_limit="2/minute"), "dave@example.org")
    erin = sign_up(make_app(rate_limit="2/minute", trusted_proxies=1), "erin@example.org")

    spoofed = [dave.call("POST", "/api/chat", {"message": HELLO}, headers=header).status_code for header in forwarded]
    trusted = [erin.call("POST", "/api/chat", {"message": HELLO}, headers=header).status_code for header in forwarded]

    assert spoofed == [200, 200, 429, 429]
    assert trusted == [200, 200, 200, 200]

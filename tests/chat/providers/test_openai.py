"""The OpenAI-compatible provider against a fake server on a socket."""

from __future__ import annotations

from typing import Any

import pytest

from app.chat.providers.base import ChatOptions, Connected, End, ModelInfo, ModelRequest, Text, ToolCall, Turn, Usage
from app.chat.providers.openai import OpenAIProvider
from app.chat.providers.openai_decoder import TOO_LONG
from app.chat.providers.transport import Timeouts
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError, UpstreamTimeout
from tests.chat.providers.conftest import PATIENT
from tests.chat.providers.ports import refusing_port
from tests.chat.providers.reading import ask, read_until, reasoning_of, text_of
from tests.fake_http import Fault, Reply
from tests.fake_openai import FakeOpenAI


def test_it_works(server: FakeOpenAI, openai: OpenAIProvider) -> None:
    events = list(openai.chat(ask(model="tiny")))
    assert events == [Connected(), Text("Hel"), Text("lo"), Usage(26, 2), End("stop")]
    assert server.requests[0].json == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_it_passes_the_options_on_by_their_names_here(server: FakeOpenAI, openai: OpenAIProvider) -> None:
    options = ChatOptions(temperature=0.5, top_p=0.9, top_k=5, seed=1, num_ctx=1024, num_predict=7, stop=["END"])
    list(openai.chat(ModelRequest("tiny", (Turn("user", "Hi"),), options)))
    sent = server.requests[0].json
    assert {name: sent[name] for name in sent.keys() - {"model", "messages", "stream", "stream_options"}} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "seed": 1,
        "max_tokens": 7,
        "stop": ["END"],
    }


def test_it_gives_reasoning_and_tool_calls(server: FakeOpenAI, openai: OpenAIProvider) -> None:
    server.script(Reply(("Sunny",), thinking=("Let me", " see"), tool_calls=(("weather", {"city": "Bern"}), ("f", {}))))
    events = list(openai.chat(ask(model="tiny")))
    assert reasoning_of(events) == "Let me see"
    assert events[-4:-2] == [ToolCall("weather", {"city": "Bern"}), ToolCall("f", {})]


def test_it_tells_when_a_limit_cut_the_answer(server: FakeOpenAI, openai: OpenAIProvider) -> None:
    server.script(Reply(reason="length"))
    assert list(openai.chat(ask(model="tiny")))[-1] == End("length")


@pytest.mark.parametrize("fault", ["reset", "cut", "garbage", "error", "long_line"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_broken_answer_keeps_what_was_said(
    server: FakeOpenAI, openai: OpenAIProvider, fault: Fault, after: int
) -> None:
    server.script(Reply(("Hel", "lo"), fault=fault, after=after, before=0.05, delay=0.05, error={"message": "boom"}))
    events, error = read_until(UpstreamError, openai.chat(ask(model="tiny")))
    assert text_of(events) == "Hel" * after
    assert error.sentence.endswith(".")


@pytest.mark.parametrize("after", [0, 1])
def test_silence_is_a_timeout(server: FakeOpenAI, after: int) -> None:
    timeouts = Timeouts(connect=5, first_token=0.3, token=0.3)
    provider = OpenAIProvider("openai", server.base_url, "sesame", timeouts)
    server.script(Reply(("Hel", "lo"), fault="silence", after=after))
    events, _ = read_until(UpstreamTimeout, provider.chat(ask(model="tiny")))
    assert text_of(events) == "Hel" * after
    assert server.requests[0].closed.wait(5)


def test_a_comment_and_a_role_are_no_token_yet(server: FakeOpenAI) -> None:
    provider = OpenAIProvider("openai", server.base_url, "sesame", Timeouts(connect=5, first_token=30, token=0.5))
    server.script(Reply(before=1))
    assert text_of(list(provider.chat(ask(model="tiny")))) == "Hello"


def test_a_refused_connection_is_unavailable() -> None:
    with refusing_port() as port:
        provider = OpenAIProvider("local", f"http://127.0.0.1:{port}/v1", "", PATIENT, advice="Start it again.")
        _, error = read_until(LLMUnavailable, provider.chat(ask()))
    assert error.sentence == f"The server of “local” can't be reached at http://127.0.0.1:{port}/v1. Start it again."


def test_a_model_that_is_not_there(openai: OpenAIProvider) -> None:
    _, error = read_until(ModelNotFound, openai.chat(ask(model="huge")))
    assert error.sentence == "The server of “openai” has no model 'huge'."


REFUSALS = [
    (400, {"message": "n", "type": "exceed_context_size_error"}, UpstreamError, TOO_LONG),
    (400, {"message": "bad seed", "type": "invalid"}, UpstreamError, "The server of “openai” says: bad seed."),
    (401, {"message": "who?"}, UpstreamError, "The server of “openai” does not accept the API key."),
    (404, {"message": "File Not Found"}, UpstreamError, "There is no OpenAI-compatible server at"),
    (429, {"message": "slow down"}, LLMUnavailable, "The server of “openai” is busy. Please try again."),
    (500, {"message": ""}, UpstreamError, "The server of “openai” answered with an error."),
    (503, {"message": "Loading model"}, LLMUnavailable, "The server of “openai” is busy. Please try again."),
]


@pytest.mark.parametrize(("status", "body", "kind", "sentence"), REFUSALS)
def test_a_refusal_becomes_one_sentence(
    server: FakeOpenAI, openai: OpenAIProvider, status: int, body: Any, kind: type[AppError], sentence: str
) -> None:
    server.script(Reply(status=status, error=body))
    _, error = read_until(kind, openai.chat(ask(model="tiny")))
    assert error.sentence.startswith(sentence)


@pytest.mark.parametrize(("given", "taken"), [("17", 17), ("soon", 5), ("99999999", 3600)])
def test_it_hands_on_when_to_come_back(server: FakeOpenAI, openai: OpenAIProvider, given: str, taken: int) -> None:
    server.script(Reply(status=429, headers={"Retry-After": given}))
    _, error = read_until(LLMUnavailable, openai.chat(ask(model="tiny")))
    assert error.retry_after == taken


def test_it_lists_the_models(openai: OpenAIProvider) -> None:
    assert openai.list_models() == [ModelInfo("tiny", "openai", size_bytes=98_362_432, context_length=32768)]


def test_a_wrong_key(server: FakeOpenAI) -> None:
    provider = OpenAIProvider("openai", server.base_url, "wrong", PATIENT)
    with pytest.raises(UpstreamError, match="does not accept the API key"):
        provider.list_models()


def test_llama_cpp_tells_what_one_conversation_may_use(openai: OpenAIProvider) -> None:
    assert openai.describe_model("tiny").context_length == 2048


def test_vllm_tells_it_in_its_list() -> None:
    with FakeOpenAI(llama_cpp=False, context_length=8192) as server:
        info = OpenAIProvider("openai", server.base_url, "", PATIENT).describe_model("tiny")
    assert info.context_length == 8192
    assert "authorization" not in server.requests[0].headers


def test_describing_a_model_that_is_not_there(openai: OpenAIProvider) -> None:
    with pytest.raises(ModelNotFound):
        openai.describe_model("huge")


def test_something_else_at_the_address(server: FakeOpenAI) -> None:
    provider = OpenAIProvider("openai", f"{server.url}/v2", "sesame", PATIENT)
    with pytest.raises(UpstreamError, match="There is no OpenAI-compatible server"):
        provider.list_models()

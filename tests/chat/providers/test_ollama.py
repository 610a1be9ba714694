"""The Ollama provider against a fake Ollama on a socket."""

from __future__ import annotations

import pytest

from app.chat.providers.base import ChatOptions, Connected, End, ModelInfo, ModelRequest, Text, ToolCall, Turn, Usage
from app.chat.providers.ollama import OllamaProvider, with_tag
from app.chat.providers.transport import Timeouts
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError, UpstreamTimeout
from tests.chat.providers.conftest import PATIENT
from tests.chat.providers.ports import refusing_port, unanswered_port
from tests.chat.providers.reading import ask, read_until, reasoning_of, text_of
from tests.fake_http import Fault, Reply
from tests.fake_ollama import FakeOllama, Model


def test_it_works(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(("Hel", "lo")))
    events = list(provider.chat(ask()))
    assert events == [Connected(), Text("Hel"), Text("lo"), Usage(26, 2), End("stop")]
    assert ollama.requests[0].json == {
        "model": "llama3",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "options": {"num_ctx": 4096},
    }


def test_nothing_is_sent_before_the_iteration(ollama: FakeOllama, provider: OllamaProvider) -> None:
    provider.chat(ask())
    assert ollama.requests == []


def test_it_passes_the_options_on(ollama: FakeOllama, provider: OllamaProvider) -> None:
    options = ChatOptions(temperature=0, top_k=5, num_ctx=1024, num_predict=7, stop=["END"], keep_alive=0)
    list(provider.chat(ModelRequest("llama3", (Turn("system", "Be brief."), Turn("user", "Hi")), options)))
    sent = ollama.requests[0].json
    assert sent["options"] == {"temperature": 0, "top_k": 5, "num_ctx": 1024, "num_predict": 7, "stop": ["END"]}
    assert sent["keep_alive"] == 0, "beside the options: Ollama does not look for it among them"
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


def test_it_gives_reasoning_and_tool_calls(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(("Sunny",), thinking=("Let me", " see"), tool_calls=(("weather", {"city": "Bern"}),)))
    events = list(provider.chat(ask(model="qwen3:0.6b")))
    assert reasoning_of(events) == "Let me see"
    assert ToolCall("weather", {"city": "Bern"}) in events


def test_it_tells_when_a_limit_cut_the_answer(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(reason="length"))
    assert list(provider.chat(ask()))[-1] == End("length")


def test_it_keeps_every_character(ollama: FakeOllama, provider: OllamaProvider) -> None:
    chunks = ("Grüezi ", "👩‍👩‍👧", "\n\n", "  spaces  ", "\u2028", "<b>&")
    ollama.script(Reply(chunks))
    assert text_of(list(provider.chat(ask()))) == "".join(chunks)


def test_connected_comes_before_the_first_token(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="silence"))
    stream = provider.chat(ask())
    assert next(iter(stream)) == Connected()
    stream.close()


def test_an_answer_is_read_once(ollama: FakeOllama, provider: OllamaProvider) -> None:
    stream = provider.chat(ask())
    list(stream)
    assert list(stream) == []
    assert len(ollama.requests) == 1


def test_an_abandoned_iteration_closes_the_connection(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(("a", "b"), fault="silence", after=1))
    iterator = iter(provider.chat(ask()))
    assert [next(iterator), next(iterator)] == [Connected(), Text("a")]
    del iterator
    assert ollama.requests[0].closed.wait(5)


@pytest.mark.parametrize("fault", ["reset", "cut", "garbage", "error", "long_line"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_broken_answer_keeps_what_was_said(
    ollama: FakeOllama, provider: OllamaProvider, fault: Fault, after: int
) -> None:
    ollama.script(*[Reply(("Hel", "lo"), fault=fault, after=after, delay=0.05)] * 2)
    events, error = read_until(UpstreamError, provider.chat(ask()))
    assert text_of(events) == "Hel" * after
    assert error.sentence.endswith(".")


def test_an_error_line_is_told_in_its_own_words(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="error", after=1, error="model runner has unexpectedly stopped"))
    _, error = read_until(UpstreamError, provider.chat(ask()))
    assert error.sentence == "Ollama says: model runner has unexpectedly stopped."


@pytest.mark.parametrize("after", [0, 1])
def test_silence_is_a_timeout(ollama: FakeOllama, after: int) -> None:
    provider = OllamaProvider(ollama.url, Timeouts(connect=5, first_token=0.3, token=0.3), 4096)
    ollama.script(Reply(("Hel", "lo"), fault="silence", after=after))
    events, error = read_until(UpstreamTimeout, provider.chat(ask()))
    assert text_of(events) == "Hel" * after
    assert error.sentence == "Ollama stopped answering."
    assert ollama.requests[0].closed.wait(5)


def test_the_first_token_may_take_longer_than_the_others(ollama: FakeOllama) -> None:
    provider = OllamaProvider(ollama.url, Timeouts(connect=5, first_token=30, token=0.5), 4096)
    ollama.script(Reply(before=1))
    assert text_of(list(provider.chat(ask()))) == "Hello"


def test_a_refused_connection_is_unavailable() -> None:
    with refusing_port() as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096)
        _, error = read_until(LLMUnavailable, provider.chat(ask()))
    advice = "Start it with `ollama serve`, or set OLLAMA_HOST."
    assert error.sentence == f"Ollama can't be reached at http://127.0.0.1:{port}. {advice}"
    assert error.retry_after == 5


def test_a_connection_that_hangs_is_unavailable() -> None:
    with unanswered_port() as port:
        provider = OllamaProvider(f"http://127.0.0.1:{port}", Timeouts(connect=0.3), 4096)
        events, _ = read_until(LLMUnavailable, provider.chat(ask()))
    assert events == []


def test_a_host_that_does_not_exist_is_unavailable() -> None:
    provider = OllamaProvider("http://nowhere.invalid:11434", PATIENT, 4096)
    _, error = read_until(LLMUnavailable, provider.chat(ask()))
    assert "http://nowhere.invalid:11434" in error.sentence


def test_a_connection_that_breaks_before_the_first_byte_is_tried_again(
    ollama: FakeOllama, provider: OllamaProvider
) -> None:
    ollama.script(Reply(fault="hang_up"), Reply(("Hello",)))
    assert text_of(list(provider.chat(ask()))) == "Hello"
    assert len(ollama.requests) == 2


def test_it_is_tried_again_only_once(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="hang_up"), Reply(fault="hang_up"))
    read_until(UpstreamError, provider.chat(ask()))
    assert len(ollama.requests) == 2


def test_an_answer_that_broke_off_is_not_asked_for_again(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(fault="reset", after=1, delay=0.05))
    read_until(UpstreamError, provider.chat(ask()))
    assert len(ollama.requests) == 1


def test_a_model_that_is_not_installed(provider: OllamaProvider) -> None:
    _, error = read_until(ModelNotFound, provider.chat(ask(model="mistral")))
    assert error.sentence == "The model 'mistral' is not installed. Run: ollama pull mistral"


REFUSALS = [
    (400, "invalid think value", UpstreamError, "Ollama says: invalid think value."),
    (401, "unauthorized", UpstreamError, "Ollama has to be signed in for this model. Run: ollama signin"),
    (403, "ollama cloud is disabled", UpstreamError, "Ollama says: ollama cloud is disabled."),
    (500, "model requires more\nmemory", UpstreamError, "Ollama says: model requires more memory."),
    (502, "", UpstreamError, "Ollama answered with an error."),
    (503, "server busy, please try again.", LLMUnavailable, "Ollama is busy. Please try again."),
]


@pytest.mark.parametrize(("status", "text", "kind", "sentence"), REFUSALS)
def test_a_refusal_becomes_one_sentence(
    ollama: FakeOllama, provider: OllamaProvider, status: int, text: str, kind: type[AppError], sentence: str
) -> None:
    ollama.script(Reply(status=status, error=text))
    _, error = read_until(kind, provider.chat(ask()))
    assert error.sentence == sentence


def test_a_refusal_is_bounded(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(status=500, error="x" * 5000), Reply(status=500, error="x" * 100_000))
    _, error = read_until(UpstreamError, provider.chat(ask()))
    assert len(error.sentence) < 350
    read_until(UpstreamError, provider.chat(ask()))


def test_a_redirect_is_not_followed(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.script(Reply(status=307, headers={"Location": f"{ollama.url}/api/chat"}))
    _, error = read_until(UpstreamError, provider.chat(ask()))
    assert "points to another address" in error.sentence
    assert len(ollama.requests) == 1


def test_something_else_at_the_address(ollama: FakeOllama) -> None:
    provider = OllamaProvider(f"{ollama.url}/nothing/here", PATIENT, 4096)
    _, error = read_until(UpstreamError, provider.chat(ask()))
    assert error.sentence == f"There is no Ollama at {ollama.url}/nothing/here. Check OLLAMA_HOST."


def test_it_lists_the_models(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.loaded.add("llama3:latest")
    expected = ModelInfo(
        name="llama3:latest",
        provider="ollama",
        size_bytes=2_019_393_189,
        parameter_size="3.2B",
        capabilities=("completion", "tools"),
        loaded=True,
    )
    listed = provider.list_models()
    assert listed[0] == expected
    assert [(model.name, model.loaded) for model in listed] == [("llama3:latest", True), ("qwen3:0.6b", False)]


def test_it_leaves_out_models_that_can_not_chat() -> None:
    with FakeOllama(
        Model("nomic-embed-text:latest", capabilities=("embedding",)), Model("old:latest", capabilities=())
    ) as ollama:
        listed = OllamaProvider(ollama.url, PATIENT, 4096).list_models()
    assert [model.name for model in listed] == ["old:latest"]


def test_an_empty_list(ollama: FakeOllama, provider: OllamaProvider) -> None:
    ollama.models.clear()
    assert provider.list_models() == []


def test_listing_fails_with_a_sentence() -> None:
    with refusing_port() as port, pytest.raises(LLMUnavailable, match="can't be reached"):
        OllamaProvider(f"http://127.0.0.1:{port}", PATIENT, 4096).list_models()


def test_it_describes_a_model(provider: OllamaProvider) -> None:
    info = provider.describe_model("llama3")
    assert (info.name, info.context_length, info.parameter_size) == ("llama3", 8192, "3.2B")
    assert info.capabilities == ("completion", "tools")


def test_describing_a_model_that_is_not_installed(provider: OllamaProvider) -> None:
    with pytest.raises(ModelNotFound, match="ollama pull mistral"):
        provider.describe_model("mistral")


@pytest.mark.parametrize(
    ("name", "full"),
    [("llama3", "llama3:latest"), ("qwen3:0.6b", "qwen3:0.6b"), ("box:5000/me/model", "box:5000/me/model:latest")],
)
def test_a_name_without_a_tag_means_latest(name: str, full: str) -> None:
    assert with_tag(name) == full

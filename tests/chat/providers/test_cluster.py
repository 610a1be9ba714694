"""Several hosts as one provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.chat.providers import cluster
from app.chat.providers.base import Connected, End, Event, ModelRequest, PushStream, Text, Usage
from app.chat.providers.cluster import Cluster
from app.chat.providers.configured import make_providers
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.openai import OpenAIProvider
from app.chat.providers.transport import Timeouts
from app.config import Settings
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError, UpstreamTimeout
from tests.chat.providers.conftest import PATIENT
from tests.chat.providers.ports import answering, refusing_port, unanswered_port
from tests.chat.providers.reading import Reader, ask, read_until, text_of
from tests.fake_http import Fault, Reply
from tests.fake_ollama import FakeOllama, Model
from tests.serving import free_port
from tests.waiting import wait_until

HELLO = [Connected(), Text("Hel"), Text("lo"), Usage(26, 2), End("stop")]
SETTINGS = Settings(secret_key="x", llm_providers=("ollama", "openai"))

Read = Callable[[PushStream], list[Event]]


def iterate(stream: PushStream) -> list[Event]:
    return list(stream)


def pump(stream: PushStream) -> list[Event]:
    events: list[Event] = []
    stream.pump(events.extend)
    return events


@pytest.fixture(autouse=True)
def _aside_for_the_whole_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ASIDE_SECONDS", 1000)


@pytest.fixture
def first() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def second() -> Iterator[FakeOllama]:
    with FakeOllama(Model("llama3:latest"), Model("mixtral:latest")) as server:
        yield server


@pytest.fixture
def both(first: FakeOllama, second: FakeOllama) -> Cluster:
    return of(first.url, second.url)


def of(*urls: str, timeouts: Timeouts = PATIENT) -> Cluster:
    return Cluster([OllamaProvider(url, timeouts, 4096) for url in urls])


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def asked(*servers: FakeOllama) -> list[int]:
    """How many answers each of them was asked for."""
    return [len(server.asked("/api/chat")) for server in servers]


def test_the_least_busy_one_answers(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    readers = []
    first.default_reply = second.default_reply = Reply(fault="silence", after=1)
    for number in range(4):
        readers.append(Reader(both.chat(ask())))
        readers[-1].wait_for(2)
        assert sum(asked(first, second)) == number + 1
    assert asked(first, second) == [2, 2]
    readers[2].assert_closes()
    first.default_reply = second.default_reply = Reply()
    list(both.chat(ask()))
    assert sorted(asked(first, second)) == [2, 3]
    for reader in readers:
        reader.assert_closes()


def test_a_place_is_free_again_at_the_end(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    for _ in range(3):
        list(both.chat(ask()))
    assert asked(first, second) == [3, 0]


def test_the_one_that_has_the_model_answers(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    both.list_models()
    assert text_of(list(both.chat(ask(model="mixtral")))) == "Hello"
    assert asked(first, second) == [0, 1]


def test_who_lacks_a_model_is_asked_for_it_once(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    for _ in range(3):
        assert text_of(list(both.chat(ask(model="mixtral")))) == "Hello"
    assert asked(first, second)[0] <= 1
    assert asked(first, second)[1] == 3


def test_a_model_that_nobody_has(both: Cluster) -> None:
    read_until(ModelNotFound, both.chat(ask(model="mistral")))
    with pytest.raises(ModelNotFound):
        both.describe_model("mistral")


def test_a_model_that_only_a_lost_host_may_have(second: FakeOllama) -> None:
    with refusing_port() as port:
        read_until(LLMUnavailable, of(local(port), second.url).chat(ask(model="mistral")))


@pytest.mark.parametrize("read", [iterate, pump])
@pytest.mark.parametrize("fault", ["hang_up", "cut", "garbage", "error"])
def test_another_one_steps_in_before_the_first_token(
    first: FakeOllama, second: FakeOllama, both: Cluster, fault: Fault, read: Read
) -> None:
    first.script(*[Reply(fault=fault)] * 3)  # a hang-up is tried again, on a connection that had waited even twice
    assert read(both.chat(ask())) == HELLO
    assert asked(second) == [1]


@pytest.mark.parametrize("read", [iterate, pump])
@pytest.mark.parametrize("status", [400, 500, 502, 503])
def test_another_one_steps_in_where_one_refuses(
    first: FakeOllama, second: FakeOllama, both: Cluster, status: int, read: Read
) -> None:
    first.script(Reply(status=status))
    assert read(both.chat(ask())) == HELLO
    assert read(both.chat(ask())) == HELLO
    assert asked(first, second) == [1, 2]  # it was in trouble a moment ago


@pytest.mark.parametrize("read", [iterate, pump])
def test_another_one_steps_in_where_one_can_not_be_reached(second: FakeOllama, read: Read) -> None:
    with refusing_port() as port:
        assert read(of(local(port), second.url).chat(ask())) == HELLO


def test_another_one_steps_in_where_connecting_hangs(second: FakeOllama) -> None:
    with unanswered_port() as port:
        hosts = of(local(port), second.url, timeouts=replace(PATIENT, connect=0.3))
        assert list(hosts.chat(ask())) == HELLO


@pytest.mark.parametrize("read", [iterate, pump])
def test_nobody_steps_in_after_a_token(first: FakeOllama, second: FakeOllama, both: Cluster, read: Read) -> None:
    first.script(Reply(fault="cut", after=1))
    with pytest.raises(UpstreamError):
        read(both.chat(ask()))
    assert asked(first, second) == [1, 0]


def test_silence_is_no_reason_to_ask_again(first: FakeOllama, second: FakeOllama) -> None:
    first.script(Reply(fault="silence"))
    read_until(UpstreamTimeout, of(first.url, second.url, timeouts=Timeouts(5, 0.3, 0.3)).chat(ask()))
    assert asked(first, second) == [1, 0]


def test_all_refuse(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    first.script(Reply(status=503))
    second.script(Reply(status=500))
    _, error = read_until(LLMUnavailable, both.chat(ask()))
    assert error.sentence == "Ollama is busy. Please try again."
    assert asked(first, second) == [1, 1]


def test_who_can_not_be_reached_is_left_alone_for_a_while(second: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    hosts = of(local(port), second.url)
    list(hosts.chat(ask()))
    with FakeOllama(port=port) as first:
        list(hosts.chat(ask()))
        assert (len(first.requests), asked(second)) == (0, [2])
        monkeypatch.setattr(cluster, "ASIDE_SECONDS", 0.0)
        list(hosts.chat(ask()))
        wait_until(lambda: len(hosts.candidates("llama3")) == 2)
        list(hosts.chat(ask()))
        assert asked(first, second) == [1, 3]


def test_all_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with refusing_port() as other:
        hosts = of(local(port), local(other))
        for _ in range(2):  # the second time it is known
            _, error = read_until(LLMUnavailable, hosts.chat(ask()))
            assert error.sentence.startswith(f"Ollama can't be reached at {local(port)}.")
            assert error.sentence.endswith("The other hosts can't be reached either.")
            assert error.retry_after == 5
        with FakeOllama(port=port):
            read_until(LLMUnavailable, hosts.chat(ask()))
            monkeypatch.setattr(cluster, "ASIDE_SECONDS", 0)
            assert text_of(list(hosts.chat(ask()))) == "Hello"
            monkeypatch.setattr(cluster, "ASIDE_SECONDS", 1000)
            assert text_of(list(hosts.chat(ask()))) == "Hello"


def test_it_lists_what_any_of_them_has(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    second.loaded.add("llama3:latest")
    listed = {model.name: model.loaded for model in both.list_models()}
    assert listed == {"llama3:latest": True, "qwen3:0.6b": False, "mixtral:latest": False}


def test_a_lost_host_keeps_no_model_from_being_listed(second: FakeOllama) -> None:
    with refusing_port() as port:
        hosts = of(local(port), second.url)
        for _ in range(2):
            assert [model.name for model in hosts.list_models()] == ["llama3:latest", "mixtral:latest"]


def test_a_slow_host_is_not_waited_for(second: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LIST_LIMIT_SECONDS", 100)  # then this would fail by its own limit
    with answering(b"", hold=True) as port:
        names = [model.name for model in of(local(port), second.url).list_models()]
    assert names == ["llama3:latest", "mixtral:latest"]


def test_nobody_can_list() -> None:
    with refusing_port() as port, refusing_port() as other:
        hosts = of(local(port), local(other))
        for _ in range(2):
            with pytest.raises(LLMUnavailable, match="can't be reached either"):
                hosts.list_models()


def test_none_of_them_is_an_ollama(first: FakeOllama, second: FakeOllama) -> None:
    with pytest.raises(UpstreamError, match="There is no Ollama"):
        of(f"{first.url}/nothing", f"{second.url}/here").list_models()


def test_an_empty_list(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    first.models.clear()
    second.models.clear()
    assert both.list_models() == []


def test_it_describes_a_model_of_any(both: Cluster) -> None:
    assert both.describe_model("mixtral").context_length == 8192


def test_closing_before_anything(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    stream = both.chat(ask())
    stream.close()
    assert list(stream) == []
    assert asked(first, second) == [0, 0]


def test_closing_while_connecting_asks_nobody_else(second: FakeOllama) -> None:
    with unanswered_port() as port:
        reader = Reader(of(local(port), second.url).chat(ask()))
        reader.assert_closes()
    assert (reader.events, asked(second)) == ([], [0])


@pytest.mark.parametrize("after", [0, 1])
def test_closing_frees_the_host(first: FakeOllama, second: FakeOllama, both: Cluster, after: int) -> None:
    first.script(Reply(fault="silence", after=after))
    reader = Reader(both.chat(ask()))
    request = first.wait_for("/api/chat")
    reader.wait_for(1 + after)
    reader.assert_closes()
    assert request.closed.wait(5)
    assert asked(second) == [0]


def test_an_abandoned_iteration_frees_the_host(first: FakeOllama, both: Cluster) -> None:
    first.script(Reply(("a", "b"), fault="silence", after=1))
    iterator = iter(both.chat(ask()))
    assert [next(iterator), next(iterator)] == [Connected(), Text("a")]
    del iterator
    assert first.asked("/api/chat")[0].closed.wait(5)


def test_an_answer_is_read_once(first: FakeOllama, second: FakeOllama, both: Cluster) -> None:
    stream = both.chat(ask())
    assert list(stream) == HELLO
    assert list(stream) == []
    assert asked(first, second) == [1, 0]


def test_a_failure_is_a_new_one_each_time() -> None:
    """Who raises it adds to it."""

    def failure(hosts: Cluster, request: ModelRequest) -> AppError:
        return read_until(LLMUnavailable, hosts.chat(request))[1]

    with refusing_port() as port, refusing_port() as other:
        hosts = of(local(port), local(other))
        assert failure(hosts, ask()) is not failure(hosts, ask())


def test_one_host_is_no_cluster() -> None:
    assert [type(provider) for provider in make_providers(SETTINGS)] == [OllamaProvider, OpenAIProvider]


def test_several_addresses_are_one_provider_each() -> None:
    settings = replace(SETTINGS, ollama_host="http://a,http://b", openai_base_url="http://c/v1,http://d/v1")
    providers = make_providers(settings)
    assert [(type(provider), provider.name) for provider in providers] == [(Cluster, "ollama"), (Cluster, "openai")]

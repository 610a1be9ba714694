"""GET /api/models."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.chat.directory import ModelDirectory
from app.chat.providers.fake import FakeProvider
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.transport import Timeouts
from tests.fake_ollama import FakeOllama
from tests.people import Person, sign_up

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


def test_it_works(alice: Person) -> None:
    listed = alice.get("/api/models").get_json()

    assert [model["name"] for model in listed["models"]] == ["fake", "fake-thinking"]
    assert listed["models"][0]["context_length"] == 4096
    assert (listed["default"], listed["unreachable"]) == ("fake", [])


def test_a_provider_that_is_down_is_said_so_and_hides_nothing(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(llm_providers=("ollama", "fake"), ollama_host=NOBODY), "carol@example.org")

    listed = person.get("/api/models").get_json()

    assert [model["name"] for model in listed["models"]] == ["fake", "fake-thinking"]
    (down,) = listed["unreachable"]
    assert down["provider"] == "ollama"
    assert "ollama serve" in down["error"]
    assert listed["default"] == "fake"


def test_with_ollama_alone_the_default_is_always_the_configured_model(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(llm_providers=("ollama",), ollama_host=NOBODY), "carol@example.org")

    assert person.get("/api/models").get_json()["default"] == "llama3"


def test_the_default_has_the_name_that_the_list_has(make_app: Callable[..., Flask]) -> None:
    with FakeOllama() as ollama:
        listed = OllamaProvider(ollama.url, Timeouts(), 4096).list_models()
        name = next(model.name for model in listed if model.name.endswith(":latest"))
        app = make_app(llm_providers=("ollama",), ollama_host=ollama.url, ollama_model=name.removesuffix(":latest"))
        person = sign_up(app, "carol@example.org")

        assert person.get("/api/models").get_json()["default"] == name


def test_an_unreachable_ollama_is_a_503_that_says_what_to_do(make_app: Callable[..., Flask]) -> None:
    person = sign_up(make_app(llm_providers=("ollama",), ollama_host=NOBODY), "carol@example.org")

    response = person.call("POST", "/api/chat/stream", {"message": "Hello"})

    assert (response.status_code, response.get_json()["code"]) == (503, "llm_unavailable")
    assert "ollama serve" in response.get_json()["error"]
    assert int(response.headers["Retry-After"]) > 0
    assert person.get("/chat").status_code == 200


def test_an_unknown_model_names_the_command(make_app: Callable[..., Flask]) -> None:
    with FakeOllama() as ollama:
        person = sign_up(make_app(llm_providers=("ollama",), ollama_host=ollama.url), "carol@example.org")

        response = person.call("POST", "/api/chat", {"message": "Hello", "model": "mixtral:8x7b"})

    assert (response.status_code, response.get_json()["code"]) == (404, "model_not_found")
    assert "ollama pull mixtral:8x7b" in response.get_json()["error"]


def test_the_preferred_model_wins_where_somebody_has_it() -> None:
    with FakeOllama() as ollama:
        names = [model.name for model in OllamaProvider(ollama.url, Timeouts(), 4096).list_models()]
        directory = ModelDirectory([FakeProvider(), OllamaProvider(ollama.url, Timeouts(), 4096)], names[-1])

        assert directory.default() == names[-1]
        assert directory.choose(None).provider.name == "ollama"
        assert directory.choose("fake").provider.name == "fake"

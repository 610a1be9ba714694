from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.openai import OpenAIProvider
from app.chat.providers.transport import Timeouts
from tests.fake_ollama import FakeOllama
from tests.fake_openai import FakeOpenAI

PATIENT = Timeouts(connect=5, first_token=30, token=30)


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def provider(ollama: FakeOllama) -> OllamaProvider:
    return OllamaProvider(ollama.url, PATIENT, context_length=4096)


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(key="sesame") as server:
        yield server


@pytest.fixture
def openai(server: FakeOpenAI) -> OpenAIProvider:
    return OpenAIProvider("openai", server.base_url, "sesame", PATIENT)

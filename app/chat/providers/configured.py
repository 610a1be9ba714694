"""The providers of an installation, by its settings."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.providers.base import Provider
from app.chat.providers.embedded import EmbeddedProvider
from app.chat.providers.fake import FakeProvider
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.openai import OpenAIProvider
from app.chat.providers.transport import Timeouts
from app.config import Settings


def make_providers(settings: Settings) -> list[Provider]:
    """Give one provider for each name in LLM_PROVIDERS, in that order; no I/O."""
    timeouts = Timeouts.from_settings(settings)
    makers: dict[str, Callable[[], Provider]] = {
        "ollama": lambda: OllamaProvider(settings.ollama_host, timeouts, settings.context_length),
        "openai": lambda: OpenAIProvider("openai", settings.openai_base_url, settings.openai_api_key, timeouts),
        "embedded": lambda: EmbeddedProvider(settings),
        "fake": FakeProvider,
    }
    return [makers[name]() for name in settings.llm_providers]

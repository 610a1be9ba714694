"""The providers of an installation, by its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.chat.providers.base import Provider
from app.chat.providers.cluster import Cluster, Member
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
        "ollama": lambda: _one_or_many(
            [OllamaProvider(url, timeouts, settings.context_length) for url in settings.ollama_hosts]
        ),
        "openai": lambda: _one_or_many(
            [OpenAIProvider("openai", url, settings.openai_api_key, timeouts) for url in settings.openai_base_urls]
        ),
        "embedded": lambda: EmbeddedProvider(settings),
        "fake": FakeProvider,
    }
    return [makers[name]() for name in settings.llm_providers]


def _one_or_many(members: Sequence[Member]) -> Provider:
    return members[0] if len(members) == 1 else Cluster(members)

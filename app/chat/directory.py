"""Which models there are, over all providers, and which one answers. A provider that is down delays nobody for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from app.chat.providers.base import ModelInfo, Provider
from app.errors import AppError, LLMUnavailable

FRESH_SECONDS = 10.0
STALE_PATIENCE_SECONDS = 0.3
DESCRIPTION_SECONDS = 600.0
MAX_REMEMBERED = 256
K = TypeVar("K")
V = TypeVar("V")


class Unreachable(Struct, frozen=True):
    """A provider that can't be asked now, and why."""

    provider: str
    error: str


class Listing(Struct, frozen=True):
    """What can be picked now."""

    models: list[ModelInfo]
    unreachable: list[Unreachable]


class Choice(Struct, frozen=True):
    """The model that is to answer, and who has it."""

    provider: Provider
    model: str


class ModelDirectory:
    """The union over the configured providers, remembered for ten seconds."""

    def __init__(self, providers: Sequence[Provider], preferred: str) -> None:
        self.providers = list(providers)
        self.preferred = preferred
        self._lock = threading.Lock()
        self._listing: Listing | None = None
        self._listed_at = 0.0
        self._asking: Future[Listing] | None = None
        self._described: dict[tuple[str, str], tuple[float, ModelInfo]] = {}
        self._undescribed: dict[tuple[str, str], float] = {}  # when nobody could tell

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(len(self.providers) + 1, thread_name_prefix="models")

    def listing(self) -> Listing:
        """Give what can be picked; asks all providers at once when the last answer is older than ten seconds.

        Only the first time does anybody wait for a slow one; later the last answer has to do, until the new one is there.
        """
        with self._lock:
            known = self._listing
            if known and time.monotonic() - self._listed_at <= FRESH_SECONDS:
                return known
            if self._asking is None or self._asking.done():
                self._asking = self._pool.submit(self._ask_all)
            asking = self._asking
        try:
            return asking.result(STALE_PATIENCE_SECONDS if known else None)
        except FutureTimeout:
            return known or asking.result()

    def _ask_all(self) -> Listing:
        listing = self._collect()
        with self._lock:
            self._listing, self._listed_at = listing, time.monotonic()
        return listing

    def _collect(self) -> Listing:
        models: list[ModelInfo] = []
        unreachable: list[Unreachable] = []
        for answer in self._pool.map(_ask, self.providers):
            if isinstance(answer, Unreachable):
                unreachable.append(answer)
            else:
                models.extend(answer)
        return Listing(models, unreachable)

    def default(self) -> str | None:
        """Give the preferred model where somebody has it, else the first that can answer now, else None.

        With Ollama alone it is always the preferred one: its name then belongs into the error, `ollama pull NAME`.
        """
        models = self.listing().models
        named = next((m.name for m in models if same_model(m.name, self.preferred)), None)
        if [provider.name for provider in self.providers] == ["ollama"]:
            return named or self.preferred
        return named or (models[0].name if models else None)

    def choose(self, wanted: str | None) -> Choice:
        """Give who answers with the wanted model, or with the default one; raises LLMUnavailable when nobody can."""
        name = wanted or self.default()
        if name is None:
            reasons = " ".join(u.error for u in self.listing().unreachable)
            raise LLMUnavailable(reasons or "No model is installed yet.", retry_after=5)
        if len(self.providers) == 1:
            return Choice(self.providers[0], name)
        owner = next((m.provider for m in self.listing().models if same_model(m.name, name)), None)
        # A model that nobody lists goes to the first provider, whose refusal says how to get it.
        provider = next((p for p in self.providers if p.name == owner), self.providers[0])
        return Choice(provider, name)

    def context_length(self, choice: Choice) -> int | None:
        """Give the model's own context length in tokens, or None when nobody can tell now."""
        key = (choice.provider.name, choice.model)
        described_at, info = self._described.get(key, (0.0, None))
        if info is None or time.monotonic() - described_at > DESCRIPTION_SECONDS:
            if time.monotonic() - self._undescribed.get(key, -FRESH_SECONDS) < FRESH_SECONDS:
                return None
            try:
                info = choice.provider.describe_model(choice.model)
            except AppError:
                _remember(self._undescribed, key, time.monotonic())
                return None  # the answer itself will tell what is wrong
            _remember(self._described, key, (time.monotonic(), info))
        return info.context_length


def same_model(one: str, other: str) -> bool:
    """Tell whether two names mean one model: a name without a tag means `:latest`."""
    return one.removesuffix(":latest") == other.removesuffix(":latest")


def _remember(known: dict[K, V], key: K, value: V) -> None:
    """Keep a few: whoever asks for invented models must not fill the memory."""
    if len(known) >= MAX_REMEMBERED:
        known.clear()
    known[key] = value


def _ask(provider: Provider) -> list[ModelInfo] | Unreachable:
    try:
        return provider.list_models()
    except AppError as error:
        return Unreachable(provider.name, error.sentence)

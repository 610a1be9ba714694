"""The built-in models: a child process with an OpenAI-compatible server, started when the first question comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from app.chat.embedded.catalogue import CatalogueEntry, get_entry
from app.chat.embedded.installed import list_installed, require_installed
from app.chat.embedded.process import ChildProcess, Order
from app.chat.embedded.runtime import embedded_problem, runtime_problem
from app.chat.embedded.supervisor import POLL_SECONDS, Supervisor
from app.chat.providers.base import AnswerStream, Event, ModelInfo, ModelRequest
from app.chat.providers.openai import OpenAIProvider
from app.chat.providers.transport import Timeouts
from app.config import Settings
from app.errors import LLMUnavailable, UpstreamError

NAME = "embedded"
DEATH_NOTICED_SECONDS = 0.2

Opener = Callable[[ChildProcess], AnswerStream]


class EmbeddedProvider:
    """A Provider. One application has one of it, so that there is one child process."""

    name = NAME

    def __init__(self, settings: Settings, supervisor: Supervisor | None = None) -> None:
        self._settings = settings
        self._supervisor = supervisor or Supervisor()
        self._timeouts = Timeouts.from_settings(settings)

    def list_models(self) -> list[ModelInfo]:
        """Give the installed models, starting nothing; raises LLMUnavailable where none could answer."""
        if problem := runtime_problem():
            raise LLMUnavailable(problem)
        installed = list_installed(self._settings.models_dir)
        if not installed:
            raise LLMUnavailable(embedded_problem(self._settings))
        return [self._info(entry) for entry in installed]

    def describe_model(self, name: str) -> ModelInfo:
        """Give what is known of an installed model; raises ModelNotFound."""
        entry = get_entry(name)
        require_installed(self._settings.models_dir, entry)
        return self._info(entry)

    def chat(self, request: ModelRequest) -> EmbeddedAnswer:
        """Prepare an answer; see AnswerStream."""
        return EmbeddedAnswer(
            self._supervisor, lambda: self._order(request.model), lambda child: self._ask(child, request)
        )

    def end(self) -> None:
        """End the child process; it starts again at the next question. Done by itself at the end of this process."""
        self._supervisor.end()

    def _order(self, name: str) -> Order:
        if problem := runtime_problem():
            raise LLMUnavailable(problem)
        entry = get_entry(name)
        path = require_installed(self._settings.models_dir, entry)
        return Order(entry.name, str(path.absolute()), self._context_length(entry))

    def _ask(self, child: ChildProcess, request: ModelRequest) -> AnswerStream:
        server = OpenAIProvider(self.name, f"{child.address}/v1", child.api_key, self._timeouts, advice="")
        return server.chat(request)

    def _info(self, entry: CatalogueEntry) -> ModelInfo:
        return ModelInfo(
            name=entry.name,
            provider=self.name,
            size_bytes=entry.size_bytes,
            parameter_size=entry.parameter_size,
            context_length=self._context_length(entry),
            capabilities=("completion",),
            loaded=self._supervisor.loaded == entry.name,
        )

    def _context_length(self, entry: CatalogueEntry) -> int:
        """Give what the child grants one answer, which may be less than the model could: memory grows with it."""
        return min(self._settings.context_length, entry.context_length)


class _DiedSilently(Exception):
    """The child was gone before it took the question."""


class EmbeddedAnswer:
    """An AnswerStream that first waits for the child process to be ready; the reader may give up meanwhile."""

    def __init__(self, supervisor: Supervisor, give_order: Callable[[], Order], ask: Opener) -> None:
        self._supervisor = supervisor
        self._give_order = give_order
        self._ask = ask
        self._closed = threading.Event()
        self._stream: AnswerStream | None = None

    def close(self) -> None:
        """Break off, from any thread, at any time."""
        self._closed.set()
        if self._stream:
            self._stream.close()

    def __iter__(self) -> Iterator[Event]:
        """Start the child where needed, and yield what it says; see AnswerStream."""
        order = self._give_order()
        while True:  # the supervisor puts an end to it at the second death
            try:
                with self._supervisor.borrow(order, self._closed.is_set) as child:
                    if child:
                        yield from self._relay(child)
                return
            except _DiedSilently:
                continue

    def _relay(self, child: ChildProcess) -> Iterator[Event]:
        self._stream = self._ask(child)
        if self._closed.is_set():  # before `close` could see the stream
            return
        try:
            yield from self._stream
        except LLMUnavailable as error:
            if _has_died(child):
                raise _DiedSilently from error
            raise
        except UpstreamError as error:
            if _has_died(child):
                raise UpstreamError("The built-in model stopped unexpectedly. Please try again.") from error
            raise


def _has_died(child: ChildProcess) -> bool:
    """Tell whether the child is gone; its connections end a moment before that shows."""
    deadline = time.monotonic() + DEATH_NOTICED_SECONDS
    while child.is_alive and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return not child.is_alive

"""Models of an Ollama server, by its own API."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import msgspec
from urllib3.response import HTTPResponse

from app.chat.providers.answer import HttpAnswer
from app.chat.providers.base import ChatOptions, ModelInfo, ModelRequest, Turn
from app.chat.providers.endpoint import Endpoint
from app.chat.providers.failures import as_sentence, decode, read_failure
from app.chat.providers.ollama_decoder import LABEL, OllamaDecoder
from app.chat.providers.transport import CALL_SECONDS, UNAVAILABLE_RETRY_AFTER, Deadline, Exchange, Timeouts, fetch
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError

ADVICE = "Start it with `ollama serve`, or set OLLAMA_HOST."

T = TypeVar("T")


class _Details(msgspec.Struct):
    parameter_size: str | None = None
    context_length: int | None = None


class _Model(msgspec.Struct):
    name: str
    size: int | None = None
    details: _Details | None = None
    capabilities: tuple[str, ...] | None = None


class _Models(msgspec.Struct):
    models: list[_Model] | None = None


class _Shown(msgspec.Struct):
    details: _Details | None = None
    model_info: dict[str, Any] | None = None
    capabilities: tuple[str, ...] | None = None


class _ChatBody(msgspec.Struct, omit_defaults=True):
    model: str
    messages: tuple[Turn, ...]
    stream: bool
    options: ChatOptions
    keep_alive: int | None = None


class OllamaProvider:
    """A Provider. `context_length` is the `num_ctx` of requests that do not set one themselves."""

    name = "ollama"

    def __init__(self, base_url: str, timeouts: Timeouts, context_length: int) -> None:
        self._endpoint = Endpoint(LABEL, base_url, ADVICE)
        self._timeouts = timeouts
        self._context_length = context_length

    def list_models(self) -> list[ModelInfo]:
        """Give the installed models that can chat, newest first; raises as Provider says."""
        deadline = Deadline(CALL_SECONDS)
        installed = self._call("GET", "/api/tags", _Models).models or []
        loaded = self._loaded_names(deadline)
        return [self._info(model, loaded) for model in installed if _can_chat(model)]

    def describe_model(self, name: str) -> ModelInfo:
        """Give what Ollama knows of a model; raises ModelNotFound as well."""
        body = msgspec.json.encode({"model": name})
        shown = self._call("POST", "/api/show", _Shown, body, model=name)
        return ModelInfo(
            name=name,
            provider=self.name,
            parameter_size=shown.details.parameter_size if shown.details else None,
            context_length=_context_length(shown.model_info or {}),
            capabilities=shown.capabilities or (),
        )

    def chat(self, request: ModelRequest) -> HttpAnswer:
        """Prepare an answer; see AnswerStream."""
        own = request.options
        # Beside the options, not among them: Ollama would warn of an unknown one.
        options = msgspec.structs.replace(own, num_ctx=own.num_ctx or self._context_length, keep_alive=None)
        body = _ChatBody(request.model, request.turns, stream=True, options=options, keep_alive=own.keep_alive)
        exchange = Exchange(self._endpoint, "POST", "/api/chat", msgspec.json.encode(body))
        return HttpAnswer(exchange, self._timeouts, OllamaDecoder(), partial(self._refused_answer, request.model))

    def _call(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: bytes | None = None,
        *,
        model: str = "",
        seconds: float = CALL_SECONDS,
    ) -> T:
        status, answer = fetch(self._endpoint, method, path, body, seconds=seconds)
        if status != 200:
            raise self._refusal(model, status, answer)
        return decode(LABEL, answer, kind)

    def _loaded_names(self, deadline: Deadline) -> set[str] | None:
        try:
            running = self._call("GET", "/api/ps", _Models, seconds=deadline.remaining())
        except AppError:  # worth knowing, not worth failing for
            return None
        return {with_tag(model.name) for model in running.models or ()}

    def _info(self, model: _Model, loaded: set[str] | None) -> ModelInfo:
        details = model.details or _Details()
        return ModelInfo(
            name=model.name,
            provider=self.name,
            size_bytes=model.size,
            parameter_size=details.parameter_size,
            context_length=details.context_length,
            capabilities=model.capabilities or (),
            loaded=None if loaded is None else with_tag(model.name) in loaded,
        )

    def _refused_answer(self, model: str, response: HTTPResponse, body: bytes) -> AppError:
        return self._refusal(model, response.status, body)

    def _refusal(self, model: str, status: int, body: bytes) -> AppError:
        failure = read_failure(body)
        if status == 404:
            return self._not_found(model, structured=failure.structured)
        if status == 503:
            return LLMUnavailable(f"{LABEL} is busy. Please try again.", retry_after=UNAVAILABLE_RETRY_AFTER)
        if status == 401:
            return UpstreamError(f"{LABEL} has to be signed in for this model. Run: ollama signin")
        if status == 403 and not failure.text:
            return UpstreamError(f"{LABEL} does not accept this host name. Set OLLAMA_HOST to its IP address.")
        if 300 <= status < 400:
            return UpstreamError(f"{self._endpoint.shown_url} points to another address. Set OLLAMA_HOST to that one.")
        return UpstreamError(as_sentence(LABEL, failure.text))

    def _not_found(self, model: str, *, structured: bool) -> AppError:
        if model and structured:
            return ModelNotFound(f"The model '{model}' is not installed. Run: ollama pull {model}")
        return UpstreamError(f"There is no {LABEL} at {self._endpoint.shown_url}. Check OLLAMA_HOST.")


def with_tag(name: str) -> str:
    """Give a model's full name: without a tag Ollama means the one called `latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _can_chat(model: _Model) -> bool:
    return not model.capabilities or "completion" in model.capabilities


def _context_length(model_info: dict[str, Any]) -> int | None:
    length = model_info.get(f"{model_info.get('general.architecture')}.context_length")
    return length if isinstance(length, int) else None

"""Models of any OpenAI-compatible server: llama.cpp's, vLLM, LM Studio, a cluster behind one address."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import msgspec
from urllib3.response import HTTPResponse

from app.chat.providers.answer import HttpAnswer
from app.chat.providers.base import ChatOptions, ModelInfo, ModelRequest, Turn
from app.chat.providers.endpoint import Endpoint
from app.chat.providers.failures import decode, read_failure
from app.chat.providers.openai_decoder import OpenAIDecoder, explain
from app.chat.providers.transport import CALL_SECONDS, UNAVAILABLE_RETRY_AFTER, Deadline, Exchange, Timeouts, fetch
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError

ADVICE = "Start it, or set OPENAI_BASE_URL."
MAX_RETRY_AFTER = 3600

T = TypeVar("T")


class _Meta(msgspec.Struct):
    """Said by llama.cpp alone."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None
    size: int | None = None


class _Model(msgspec.Struct):
    id: str
    max_model_len: int | None = None  # vLLM
    context_length: int | None = None  # gateways
    meta: _Meta | None = None


class _Models(msgspec.Struct):
    data: list[_Model]


class _Generation(msgspec.Struct):
    n_ctx: int | None = None


class _Props(msgspec.Struct):
    default_generation_settings: _Generation | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool


class _ChatBody(msgspec.Struct, omit_defaults=True):
    model: str
    messages: tuple[Turn, ...]
    stream: bool
    stream_options: _StreamOptions
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None


class OpenAIProvider:
    """A Provider. `base_url` mostly ends in /v1; `advice` says what to do when nothing is there."""

    def __init__(self, name: str, base_url: str, api_key: str, timeouts: Timeouts, *, advice: str = ADVICE) -> None:
        self.name = name
        self._label = f"The server of “{name}”"
        self._endpoint = Endpoint(self._label, base_url, advice, api_key)
        self._root = Endpoint(self._label, base_url.rstrip("/").removesuffix("/v1"), advice, api_key)
        self._timeouts = timeouts

    def list_models(self) -> list[ModelInfo]:
        """Give the models the server names; raises LLMUnavailable, UpstreamError or UpstreamTimeout."""
        return [self._info(model) for model in self._models(CALL_SECONDS)]

    def describe_model(self, name: str) -> ModelInfo:
        """Give what the server says of a model; raises ModelNotFound as well."""
        deadline = Deadline(CALL_SECONDS)
        for model in self._models(CALL_SECONDS):
            if model.id == name:
                info = self._info(model)
                if model.max_model_len or model.context_length:
                    return info
                return msgspec.structs.replace(info, context_length=self._slot_length(deadline) or info.context_length)
        raise self._unknown(name)

    def chat(self, request: ModelRequest) -> HttpAnswer:
        """Prepare an answer; see AnswerStream."""
        body = msgspec.json.encode(_chat_body(request))
        exchange = Exchange(self._endpoint, "POST", "/chat/completions", body)
        return HttpAnswer(exchange, self._timeouts, OpenAIDecoder(self._label), partial(self._refusal, request.model))

    def _models(self, seconds: float) -> list[_Model]:
        return self._get(self._endpoint, "/models", _Models, seconds).data

    def _slot_length(self, deadline: Deadline) -> int | None:
        """llama.cpp divides the context among its slots and says so here; other servers have no such page."""
        try:
            settings = self._get(self._root, "/props", _Props, deadline.remaining()).default_generation_settings
        except AppError:
            return None
        return settings.n_ctx if settings else None

    def _get(self, endpoint: Endpoint, path: str, kind: type[T], seconds: float) -> T:
        status, body = fetch(endpoint, "GET", path, seconds=seconds)
        if status != 200:
            raise self._failure("", status, body)
        return decode(self._label, body, kind)

    def _info(self, model: _Model) -> ModelInfo:
        meta = model.meta or _Meta()
        return ModelInfo(
            name=model.id,
            provider=self.name,
            size_bytes=meta.size,
            context_length=model.max_model_len or model.context_length or meta.n_ctx or meta.n_ctx_train,
        )

    def _refusal(self, model: str, response: HTTPResponse, body: bytes) -> AppError:
        return self._failure(model, response.status, body, response.headers.get("Retry-After"))

    def _failure(self, model: str, status: int, body: bytes, retry_after: str | None = None) -> AppError:
        failure = read_failure(body)
        if status == 404:
            return self._unknown(model) if model and "model" in failure.text.lower() else self._nothing_there()
        if status in (401, 403):
            return UpstreamError(f"{self._label} does not accept the API key.")
        if status in (429, 503):
            return LLMUnavailable(f"{self._label} is busy. Please try again.", retry_after=_seconds(retry_after))
        if 300 <= status < 400:
            return self._nothing_there()
        return explain(self._label, failure)

    def _unknown(self, model: str) -> ModelNotFound:
        return ModelNotFound(f"{self._label} has no model '{model}'.")

    def _nothing_there(self) -> UpstreamError:
        return UpstreamError(f"There is no OpenAI-compatible server at {self._endpoint.shown_url}.")


def _chat_body(request: ModelRequest) -> _ChatBody:
    options: ChatOptions = request.options
    return _ChatBody(
        model=request.model,
        messages=request.turns,
        stream=True,
        stream_options=_StreamOptions(include_usage=True),
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        seed=options.seed,
        max_tokens=options.num_predict,
        stop=options.stop,
    )


def _seconds(retry_after: str | None) -> int:
    text = retry_after or ""
    return min(int(text), MAX_RETRY_AFTER) if text.isascii() and text.isdecimal() else UNAVAILABLE_RETRY_AFTER

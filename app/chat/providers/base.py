"""What every model provider offers: the one Protocol, and the plain data that passes through it.

Implementations sit beside this file. They know HTTP and JSON of their server and nothing of Flask, users or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from msgspec import Meta, Struct

Role = Literal["system", "user", "assistant"]
MAX_STOP_WORDS = 8
STOP_WORD_LENGTH = 100
RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (0, 1000),
    "seed": (0, 2**31 - 1),
    "num_ctx": (256, 1_048_576),
    "num_predict": (1, 131_072),
    "keep_alive": (-1, 604_800),
}
StopWord = Annotated[str, Meta(min_length=1, max_length=STOP_WORD_LENGTH)]


def _within(option: str) -> Meta:
    least, most = RANGES[option]
    return Meta(ge=least, le=most)


class Turn(Struct, frozen=True):
    """One message as the model sees it."""

    role: Role
    content: str


class ChatOptions(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a caller may set for one answer, by Ollama's names; None leaves the model's own default."""

    temperature: Annotated[float, _within("temperature")] | None = None
    top_p: Annotated[float, _within("top_p")] | None = None
    top_k: Annotated[int, _within("top_k")] | None = None
    seed: Annotated[int, _within("seed")] | None = None
    num_ctx: Annotated[int, _within("num_ctx")] | None = None
    num_predict: Annotated[int, _within("num_predict")] | None = None
    stop: Annotated[list[StopWord], Meta(max_length=MAX_STOP_WORDS)] | None = None
    # Seconds that the model stays loaded after the answer; -1 is for ever. Ollama alone can do it.
    keep_alive: Annotated[int, _within("keep_alive")] | None = None


class ModelRequest(Struct, frozen=True):
    """One question to a model: the turns oldest first, the system prompt (if any) as the first of them."""

    model: str
    turns: tuple[Turn, ...]
    options: ChatOptions = ChatOptions()
    purpose: Literal["answer", "title"] = "answer"


class ModelInfo(Struct, frozen=True):
    """A model that can be picked. Unknown numbers are None; `context_length` is in tokens."""

    name: str
    provider: str
    size_bytes: int | None = None
    parameter_size: str | None = None
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    loaded: bool | None = None


class Connected(Struct, frozen=True):
    """The server took the request; nothing was said yet."""


class Text(Struct, frozen=True):
    """A piece of the answer, never empty."""

    content: str


class Reasoning(Struct, frozen=True):
    """A piece of what the model thinks before it answers, never empty."""

    content: str


class ToolCall(Struct, frozen=True):
    """The model asks for a tool; shown to the reader, never executed."""

    name: str
    arguments: dict[str, Any]


def count(value: object) -> int | None:
    """Give a number of tokens as a server tells it, or None where that can't be one."""
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


class Usage(Struct, frozen=True):
    """Tokens counted by the server; None where it does not say."""

    prompt_tokens: int | None
    completion_tokens: int | None


class End(Struct, frozen=True):
    """The answer ended as it should: `stop`, or `length` where a limit cut it."""

    reason: str


Event = Connected | Text | Reasoning | ToolCall | Usage | End


class AnswerStream(Protocol):
    """One running answer. Iterating connects, sends and yields events, `Connected` first, `End` last.

    Iterating raises LLMUnavailable (refused, no such host, connect timeout), ModelNotFound, UpstreamError (4xx, 5xx, garbage, an
    error line, an end without an end event), UpstreamTimeout (silence). `close()` may be called from any thread at any time, also
    before the connection stands: it closes the connection to the server, and the iteration ends within 200 ms, without an error and
    without an `End`.
    """

    def __iter__(self) -> Iterator[Event]: ...

    def close(self) -> None:
        """Break off."""
        ...


@runtime_checkable
class PushStream(AnswerStream, Protocol):
    """An AnswerStream that can also hand its events over as they arrive, cheaper than they can be fetched one by one."""

    def pump(self, take: Callable[[list[Event]], None]) -> None:
        """Run to the end as iterating does, giving the events of each arrival together.

        `take` may be called from the event loop: it must neither block nor switch.
        """
        ...


class Provider(Protocol):
    """A source of models."""

    name: str

    def list_models(self) -> list[ModelInfo]:
        """Give the models it can answer with now; raises LLMUnavailable, UpstreamError or UpstreamTimeout within 3 s."""
        ...

    def describe_model(self, name: str) -> ModelInfo:
        """Give what is known of one model, its context length included; raises ModelNotFound as well."""
        ...

    def chat(self, request: ModelRequest) -> AnswerStream:
        """Prepare an answer; no I/O before the stream is iterated."""
        ...

"""A scripted provider for development and tests: deterministic, no I/O.

It says what was put in with `enqueue`, or else what the question itself asks for: `/fake ` and a `Script` as JSON, so
that a test in another process (a browser) can script it as well. Any other question gets a canned answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from threading import Event as Flag
from typing import Annotated, Literal

from msgspec import Meta, Struct, json

from app.chat.providers.base import Connected, End, Event, ModelInfo, ModelRequest, Reasoning, Text, ToolCall, Usage
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError, UpstreamTimeout

DIRECTIVE = "/fake "
CONTEXT_LENGTH = 4096
QUOTED_CHARACTERS = 200
THINKING_MODEL = "fake-thinking"

THOUGHTS = "The question is short. A list and some code will show how the page renders them. That should do."
CANNED_ANSWER = """\
You asked:

> {question}

I am a **fake model**: I know nothing, but I say it *reliably*, word by word, so that the page has something to show.

- Nothing leaves this machine.
- Every answer is the same.

```python
def answer(question: str) -> str:
    return "42"
```

Choose a real model for a real answer. This is the end.
"""

Fault = Literal["unavailable", "not_found", "error", "timeout", "cut"]


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """What to say. `fail`, with `after` so many chunks; `unavailable` and `not_found` come before everything."""

    chunks: tuple[str, ...] = ("Hel", "lo")
    delay_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 0
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()  # asked for after the chunks
    fail: Fault | None = None
    after: Annotated[int, Meta(ge=0)] = 0
    reason: Literal["stop", "length"] = "stop"
    title: str = ""  # said when it is asked for a title; nothing leaves the first words


class FakeProvider:
    """A Provider. `requests` are those of the last answers, oldest first."""

    name = "fake"

    def __init__(self) -> None:
        self.requests: deque[ModelRequest] = deque(maxlen=100)
        self._scripts: deque[Script] = deque()

    def enqueue(self, script: Script | list[str]) -> None:
        """Say this, or these chunks, in the next answer that has no script yet."""
        self._scripts.append(script if isinstance(script, Script) else Script(chunks=tuple(script)))

    def list_models(self) -> list[ModelInfo]:
        """Give both models."""
        return [_info("fake", ("completion",)), _info(THINKING_MODEL, ("completion", "thinking"))]

    def describe_model(self, name: str) -> ModelInfo:
        """Give one of the models; raises ModelNotFound."""
        for model in self.list_models():
            if model.name == name:
                return model
        raise _not_found(name)

    def chat(self, request: ModelRequest) -> FakeAnswer:
        """Prepare an answer; see AnswerStream."""
        if request.purpose == "title":
            return FakeAnswer(request, Script(chunks=(_title_for(request),)))
        self.requests.append(request)
        return FakeAnswer(request, self._scripts.popleft() if self._scripts else None)


class FakeAnswer:
    """An AnswerStream that says a script, or where there is none what the question asks for."""

    def __init__(self, request: ModelRequest, script: Script | None) -> None:
        self._request = request
        self._script = script
        self._closed = Flag()

    def close(self) -> None:
        """Break off, from any thread, at any time."""
        self._closed.set()

    def __iter__(self) -> Iterator[Event]:
        """Yield the events of the script, or raise the failure it asks for."""
        script = self._script or _script_for(self._request)
        if self._closed.is_set():
            return
        self._refuse(script)
        yield Connected()
        for piece in _pieces(script):
            if self._closed.wait(script.delay_ms / 1000):
                return
            yield piece
        if not self._closed.is_set():
            yield from self._ending(script)

    def _refuse(self, script: Script) -> None:
        if script.fail == "not_found" or self._request.model not in ("fake", THINKING_MODEL):
            raise _not_found(self._request.model)
        if script.fail == "unavailable":
            raise LLMUnavailable("The fake model can't be reached. It was told so.", retry_after=5)

    def _ending(self, script: Script) -> list[Event]:
        if script.fail:
            raise _failure(script.fail)
        words = sum(len(turn.content.split()) for turn in self._request.turns)
        return [Usage(prompt_tokens=words, completion_tokens=len(script.chunks)), End(script.reason)]


def _pieces(script: Script) -> Iterator[Event]:
    for thought in _words(script.thinking):
        yield Reasoning(thought)
    for chunk in script.chunks[: script.after] if script.fail else script.chunks:
        if chunk:
            yield Text(chunk)
    yield from script.calls


def _script_for(request: ModelRequest) -> Script:
    questions = [turn.content for turn in request.turns if turn.role == "user"]
    question = questions[-1] if questions else ""
    if question.startswith(DIRECTIVE):
        return _read_directive(question.removeprefix(DIRECTIVE))
    quoted = " ".join(question.split())[:QUOTED_CHARACTERS]
    thinking = THOUGHTS if request.model == THINKING_MODEL else ""
    return Script(tuple(_words(CANNED_ANSWER.format(question=quoted))), delay_ms=15, thinking=thinking)


def _title_for(request: ModelRequest) -> str:
    """Give the title that the question asks for; it may be cut in its middle."""
    directive = request.turns[-1].content.partition(DIRECTIVE)[2]
    asked = re.search(r'"title": ("(?:[^"\\\\]|\\\\.)*")', directive)
    return json.decode(asked[1], type=str) if asked else ""


def _read_directive(text: str) -> Script:
    try:
        return json.decode(text.encode("utf-8", "replace"), type=Script)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"What follows {DIRECTIVE.strip()} can't be read: {error}.") from error


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*", text)


def _info(name: str, capabilities: tuple[str, ...]) -> ModelInfo:
    return ModelInfo(name, "fake", context_length=CONTEXT_LENGTH, capabilities=capabilities, loaded=True)


def _not_found(name: str) -> ModelNotFound:
    return ModelNotFound(f"The model '{name}' is not installed. The fake ones are fake and {THINKING_MODEL}.")


def _failure(fault: Fault) -> AppError:
    if fault == "timeout":
        return UpstreamTimeout("The fake model stopped answering. It was told so.")
    told = "broke off the answer" if fault == "cut" else "answered with an error"
    return UpstreamError(f"The fake model {told}. It was told so.")

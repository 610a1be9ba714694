"""What a model is told of a conversation: as much as fits, whole turns, the newest first to stay."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from app.chat.providers.base import Turn

MAX_TOLD = 400  # messages, however many would fit
CHARACTERS_PER_TOKEN = 3  # at most, as tokens are estimated here: by bytes
TOKENS_PER_MESSAGE = 8  # the chat template's own words around each message
GO_ON = Turn(
    "user", "Continue your last answer exactly where it stops. Do not repeat anything and do not comment on it."
)
ANSWER_SHARE = 4  # a quarter of the context is kept free for the answer


class History(Struct, frozen=True):
    """The turns for the model, and how many messages of the conversation come before them and were left out."""

    turns: tuple[Turn, ...]
    dropped_messages: int
    room: int  # tokens that may still come before the oldest turn has to go; negative where some went


def estimate_tokens(text: str) -> int:
    """Give roughly how many tokens a text takes: three bytes each, which is on the safe side for English and right for CJK."""
    return math.ceil(len(text.encode("utf-8", "replace")) / CHARACTERS_PER_TOKEN) + TOKENS_PER_MESSAGE


class Said(Protocol):
    """What `fit` reads of a message."""

    @property
    def role(self) -> str:
        """`user` or `assistant`."""
        ...

    @property
    def content(self) -> str:
        """Its text."""
        ...

    @property
    def depth(self) -> int:
        """The number of messages above it in the conversation."""
        ...


def fit(system_prompt: str, path: Iterable[Said], context_length: int) -> History:
    """Drop the oldest turns, each a question with what followed it, until the rest fits; system prompt and last question stay."""
    messages = [message for message in path if message.content]
    budget = context_length - context_length // ANSWER_SHARE - (estimate_tokens(system_prompt) if system_prompt else 0)
    kept = _newest_that_fit(messages, budget)
    dropped = kept[0].depth if kept else 0
    room = budget - sum(estimate_tokens(message.content) for message in messages)
    system = [Turn("system", system_prompt)] if system_prompt else []
    turns = _merge([Turn("user" if m.role == "user" else "assistant", m.content) for m in kept])
    return History((*system, *turns), dropped, min(room, -1) if dropped else room)


def _newest_that_fit(messages: list[Said], budget: int) -> list[Said]:
    """Give the longest tail that fits and begins with a question; at least the last question."""
    start = len(messages)
    for index in range(len(messages) - 1, -1, -1):
        budget -= estimate_tokens(messages[index].content)
        if budget < 0 and start < len(messages):
            break
        if messages[index].role == "user":
            start = index
    return messages[start:]


def _merge(turns: list[Turn]) -> list[Turn]:
    """Join neighbours of one role: many chat templates insist that question and answer alternate."""
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, f"{merged[-1].content}\n\n{turn.content}")
        else:
            merged.append(turn)
    return merged

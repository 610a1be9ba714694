"""Several servers as one provider: the least busy of those that have the model answers, and another steps in where it can't.

A host that can't be reached is set aside, so that it costs one connect timeout and not one for each answer. After some seconds it is
asked for its models in the background, and comes back when it gives them. Nobody waits for that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock, Thread
from time import monotonic
from typing import Protocol

from app.chat.providers.base import Connected, Event, ModelInfo, ModelRequest, Provider, PushStream
from app.errors import AppError, LLMUnavailable, ModelNotFound, UpstreamError

logger = logging.getLogger(__name__)
ASIDE_SECONDS = 10.0
KNOWN_SECONDS = 60.0
LIST_PATIENCE_SECONDS = 1.0
LIST_LIMIT_SECONDS = 3.0


class Member(Provider, Protocol):
    """A provider with one server."""

    def chat(self, request: ModelRequest) -> PushStream:
        """Prepare an answer; no I/O before the stream is iterated."""
        ...


class Host:
    """One of the servers, and what is known of it. `away`: why it can't be reached; `unlisted`: why it gave no models the last time."""

    def __init__(self, provider: Member) -> None:
        self.provider = provider
        self.running = 0  # the answers it makes for this process
        self.listed: list[ModelInfo] | None = None
        self.unlisted: AppError | None = None
        self.away: AppError | None = None
        self._lacks: set[str] = set()
        self._failed_at = self._asked_at = float("-inf")
        self._asking: Thread | None = None
        self._lock = Lock()

    @property
    def has_just_failed(self) -> bool:
        """Whether it failed within the last seconds."""
        return monotonic() - self._failed_at < ASIDE_SECONDS

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask it for its models."""
        return not self.has_just_failed if self.away else monotonic() - self._asked_at > KNOWN_SECONDS

    def has(self, model: str) -> bool | None:
        """Tell whether it has a model; None where nobody knows."""
        if _key(model) in self._lacks:
            return False
        return None if self.listed is None else any(_key(info.name) == _key(model) for info in self.listed)

    def badness(self, model: str) -> tuple[bool, bool, int]:
        """Give how little it suits: without the model, in trouble, busy. Where nobody knows, it has the model: it will tell."""
        return self.has(model) is False, self.has_just_failed, self.running

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count an answer while it is made."""
        with self._lock:
            self.running += 1
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    def learn(self, model: str, error: AppError, *, was_reached: bool) -> None:
        """Take note of a failure to answer with this model."""
        if isinstance(error, ModelNotFound):
            self._lacks.add(_key(model))
            return
        self._failed_at = monotonic()
        if isinstance(error, LLMUnavailable) and not was_reached:
            if not self.away:
                logger.warning("A host is set aside: %s", error)
            self.away = error

    def ask(self) -> Thread:
        """Ask for its models in the background, once at a time."""
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asked_at = monotonic()
                self._asking = Thread(target=self._ask, name="models", daemon=True)
                self._asking.start()
            return self._asking

    def _ask(self) -> None:
        try:
            self.listed = self.provider.list_models()
        except AppError as error:
            self.unlisted = error
            self.learn("", error, was_reached=False)
            return
        self._lacks.clear()
        if self.away:
            logger.warning("A host that had been set aside is back; it was: %s", self.away)
            self._failed_at = float("-inf")
        self.away = self.unlisted = None


class Cluster:
    """A Provider. Its members differ in nothing but their address."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.name = members[0].name
        self._hosts = [Host(member) for member in members]

    def list_models(self) -> list[ModelInfo]:
        """Give the union over the hosts that answer; raises as Provider says where none does.

        A slow host keeps nobody waiting while another one answers: what it said before counts.
        """
        asked = [host.ask() for host in self._within_reach()]
        _join(asked, LIST_PATIENCE_SECONDS)
        if not self._known():
            _join(asked, LIST_LIMIT_SECONDS - LIST_PATIENCE_SECONDS)
        models: dict[str, ModelInfo] = {}
        for info in (info for listed in self._known() for info in listed):
            if info.name not in models or info.loaded:
                models[info.name] = info
        if not models:
            self._raise_unless_somebody_answers()
        return list(models.values())

    def describe_model(self, name: str) -> ModelInfo:
        """Give what the host that suits best knows of a model; raises as Provider says where none can tell."""
        failures: list[AppError] = []
        for host in self.candidates(name):
            try:
                described = host.provider.describe_model(name)
            except AppError as error:
                host.learn(name, error, was_reached=False)
                failures.append(error)
            else:
                host.away = None
                return described
        raise self.explain(name, failures)

    def chat(self, request: ModelRequest) -> ClusterAnswer:
        """Prepare an answer; see AnswerStream."""
        return ClusterAnswer(self, request)

    def candidates(self, model: str) -> list[Host]:
        """Give the hosts that may answer, the one that suits best first."""
        return sorted(self._within_reach(), key=lambda host: host.badness(model))

    def explain(self, model: str, failures: list[AppError]) -> AppError:
        """Give the failure that says most: that a model is missing only where no host that may have it is out of reach."""
        telling = [error for error in failures if not isinstance(error, ModelNotFound)]
        away = [(host, error) for host in self._hosts if (error := host.away)]
        missed = [error for host, error in away if host.has(model) is not False]
        first, *_ = *telling, *missed, *failures, *(error for _, error in away), LLMUnavailable(retry_after=5)
        sentence = first.sentence
        if len(away) == len(self._hosts):
            sentence += " The other hosts can't be reached either."
        # A new one: who raises it adds to it, and the next one to ask gets the same.
        return type(first)(sentence, retry_after=first.retry_after)

    def _within_reach(self) -> list[Host]:
        """Give the hosts that are not set aside; where that is none, those that have been for long enough."""
        due = [host for host in self._hosts if host.is_due]
        reachable = [host for host in self._hosts if not host.away]
        if not reachable:
            return due
        for host in due:
            host.ask()
        return reachable

    def _known(self) -> list[list[ModelInfo]]:
        return [host.listed for host in self._hosts if host.listed is not None and not host.away and not host.unlisted]

    def _raise_unless_somebody_answers(self) -> None:
        failures = [error for host in self._hosts if (error := host.away or host.unlisted)]
        if len(failures) == len(self._hosts):
            raise self.explain("", failures)
        if not self._known():
            raise LLMUnavailable("The model's servers take too long to answer.", retry_after=5)


class ClusterAnswer:
    """An AnswerStream that goes on to the next host as long as nothing was said."""

    def __init__(self, cluster: Cluster, request: ModelRequest) -> None:
        self._cluster = cluster
        self._request = request
        self._lock = Lock()
        self._stream: PushStream | None = None
        self._failures: list[AppError] = []
        self._closed = False
        self._begun = False
        self._is_reached = False  # whether the present host took the request
        self._was_reached = False  # whether any did
        self._said = False
        self._over = False

    def close(self) -> None:
        """Break off, from any thread, at any time."""
        with self._lock:
            self._closed = True
            stream = self._stream
        if stream:
            stream.close()

    def __iter__(self) -> Iterator[Event]:
        """Connect, send and yield the events; see AnswerStream."""
        for host in self._hosts():
            with self._attempt(host) as stream:
                for event in stream:
                    yield from [event] if self._said else self._first(host, [event])

    def pump(self, take: Callable[[list[Event]], None]) -> None:
        """Connect, send and hand over the events; see PushStream."""
        for host in self._hosts():
            with self._attempt(host) as stream:
                stream.pump(partial(self._relay, host, take))

    def _relay(self, host: Host, take: Callable[[list[Event]], None], events: list[Event]) -> None:
        if news := events if self._said else self._first(host, events):
            take(news)

    def _hosts(self) -> Iterator[Host]:
        """Give one host after the other, until an answer is over; raises where the last has failed."""
        if self._begun:
            return
        self._begun = True
        for host in self._cluster.candidates(self._request.model):
            yield host
            if self._over:
                return
        raise self._cluster.explain(self._request.model, self._failures)

    @contextmanager
    def _attempt(self, host: Host) -> Iterator[PushStream]:
        """Give the host's answer; a failure counts for nothing yet where another host may do better."""
        self._is_reached = False
        with self._lock:
            stream = self._stream = host.provider.chat(self._request)
            if self._closed:
                stream.close()
        try:
            with host.answering():
                yield stream
            self._over = True
        except AppError as error:
            host.learn(self._request.model, error, was_reached=self._is_reached)
            if self._said or not isinstance(error, LLMUnavailable | UpstreamError | ModelNotFound):
                raise
            self._failures.append(error)

    def _first(self, host: Host, events: list[Event]) -> list[Event]:
        """Leave out that one more host took the request: that a host did was said already."""
        self._is_reached, host.away = True, None
        spoken: list[Event] = [event for event in events if not isinstance(event, Connected)]
        self._said = bool(spoken)
        news, self._was_reached = (spoken if self._was_reached else events), True
        return news


def _key(model: str) -> str:
    return model.removesuffix(":latest")


def _join(threads: list[Thread], seconds: float) -> None:
    """Wait for all of them, so many seconds altogether."""
    end = monotonic() + seconds
    for thread in threads:
        thread.join(max(0, end - monotonic()))

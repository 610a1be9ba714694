"""The real library with the smallest real model. The numbers that are compared with are ten times what a small machine needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from app.chat.embedded.installed import model_path
from app.chat.embedded.process import Order
from app.chat.embedded.supervisor import Supervisor
from app.chat.providers.base import ChatOptions, Connected, End, ModelRequest, Text, Turn, Usage
from app.chat.providers.embedded import EmbeddedProvider
from app.config import Settings
from app.errors import LLMUnavailable, UpstreamError

from .conftest import is_running, wait_until
from .real_model import SMALL, real_models_dir
from .test_supervisor import PARENT

pytestmark = [pytest.mark.network, pytest.mark.enable_socket, pytest.mark.timeout(600)]

CONTEXT_LENGTH = 1024
TALK = "Tell me a very long story about a lighthouse keeper and the sea."

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import json, sys, time, threading
from pathlib import Path
from app.config import Settings
from app.chat.providers.base import ChatOptions, ModelRequest, Text, Turn
from app.chat.providers.embedded import EmbeddedProvider

stalls = []
def tick():
    while True:
        before = time.monotonic()
        time.sleep(0.01)
        stalls.append(time.monotonic() - before)
threading.Thread(target=tick, daemon=True).start()
provider = EmbeddedProvider(Settings(secret_key="x", models_dir=Path(sys.argv[1])))
request = ModelRequest("smollm2-135m", (Turn("user", "Say hello."),), ChatOptions(num_predict=16))
text = "".join(event.content for event in provider.chat(request) if isinstance(event, Text))
print(json.dumps({"text": text, "stall": max(stalls)}))
"""


PARENT_THAT_DIES_LOADING = """
import sys, time
from app.chat.embedded.process import ChildProcess, Order
from app.chat.embedded.supervisor import COMMAND
child = ChildProcess(COMMAND, Order("smollm2-135m", sys.argv[1], 512))
time.sleep(0.3)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> Settings:
    models_dir = real_models_dir(request.config)
    return Settings(secret_key="x", models_dir=models_dir, context_length=CONTEXT_LENGTH)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.end()


@pytest.fixture
def provider(settings: Settings, supervisor: Supervisor) -> EmbeddedProvider:
    return EmbeddedProvider(settings, supervisor)


@pytest.fixture
def order(settings: Settings) -> Order:
    return Order(SMALL.name, str(model_path(settings.models_dir, SMALL)), CONTEXT_LENGTH)


def question(content: str, num_predict: int | None = None) -> ModelRequest:
    options = ChatOptions(temperature=0, num_predict=num_predict)
    return ModelRequest(SMALL.name, (Turn("system", "You are helpful."), Turn("user", content)), options)


def child_pid(supervisor: Supervisor, order: Order) -> int:
    with supervisor.borrow(order, lambda: False) as child:
        assert child
        return child.pid


def test_it_answers(provider: EmbeddedProvider) -> None:
    began = time.monotonic()
    events = list(provider.chat(question("Say hello.", 32)))
    assert time.monotonic() - began < 60
    text = "".join(event.content for event in events if isinstance(event, Text))
    assert "hello" in text.lower()
    assert events[0] == Connected()
    assert isinstance(events[-1], End)
    [usage] = [event for event in events if isinstance(event, Usage)]
    assert usage.prompt_tokens
    assert usage.prompt_tokens > 10
    assert usage.completion_tokens
    assert provider.describe_model(SMALL.name).loaded


def test_a_limit_cuts_the_answer(provider: EmbeddedProvider) -> None:
    assert list(provider.chat(question(TALK, 5)))[-1] == End("length")


def test_close_frees_the_model(provider: EmbeddedProvider) -> None:
    answer = provider.chat(question(TALK))
    pieces, closed_at = 0, 0.0
    for event in answer:
        pieces += isinstance(event, Text)
        if pieces == 5:
            closed_at = time.monotonic()
            answer.close()
    assert time.monotonic() - closed_at < 0.5
    assert pieces == 5
    assert list(provider.chat(question("Hello", 3)))
    assert time.monotonic() - closed_at < 30


def test_two_answers_at_the_same_time(provider: EmbeddedProvider) -> None:
    ends = []
    threads = [
        threading.Thread(target=lambda: ends.append(list(provider.chat(question(TALK, 20)))[-1])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [End("length"), End("length")]


def test_a_prompt_beyond_the_context_is_one_sentence(provider: EmbeddedProvider) -> None:
    with pytest.raises(UpstreamError, match="longer than this model can read"):
        list(provider.chat(question("word " * (2 * CONTEXT_LENGTH))))


def test_nobody_else_may_ask(supervisor: Supervisor, order: Order) -> None:
    with supervisor.borrow(order, lambda: False) as child:
        assert child
        answer = urllib3.request("GET", f"{child.address}/v1/models", headers={"Origin": "http://evil.example"})
        assert answer.status == 401
        assert "*" not in answer.headers.get("Access-Control-Allow-Origin", "")


def test_a_killed_child_is_restarted_once(provider: EmbeddedProvider, supervisor: Supervisor, order: Order) -> None:
    answer = iter(provider.chat(question(TALK)))
    while not isinstance(next(answer), Text):
        pass
    first = child_pid(supervisor, order)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(UpstreamError, match="stopped unexpectedly"):
        list(answer)
    assert list(provider.chat(question("Hello", 3)))
    second = child_pid(supervisor, order)
    assert second != first
    os.kill(second, signal.SIGKILL)
    with pytest.raises(LLMUnavailable, match="twice within a minute"):
        list(provider.chat(question("Hello", 3)))


@pytest.mark.parametrize("loaded", [True, False])
def test_a_killed_parent_leaves_no_orphan(order: Order, loaded: bool) -> None:
    command = [sys.executable, "-c", PARENT if loaded else PARENT_THAT_DIES_LOADING, order.path, "stay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    assert wait_until(lambda: not is_running(pid), seconds=30)


def test_it_holds_no_hub(settings: Settings) -> None:
    command = [sys.executable, "-c", UNDER_GEVENT, str(settings.models_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["text"]
    assert seen["stall"] < 0.5


def test_an_idle_child_gives_its_memory_back(supervisor: Supervisor, order: Order) -> None:
    order = Order(order.name, order.path, order.context_length, idle_seconds=1)
    with supervisor.borrow(order, lambda: False) as child:
        assert child
        loaded = resident_bytes(child.pid)
        assert wait_until(lambda: resident_bytes(child.pid) < loaded / 2, seconds=30)


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096

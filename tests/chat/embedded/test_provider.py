from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.chat.embedded.catalogue import get_entry
from app.chat.embedded.supervisor import Supervisor
from app.chat.providers.base import Connected, End, ModelRequest, Text, Turn
from app.chat.providers.embedded import EmbeddedProvider
from app.config import Settings
from app.errors import LLMUnavailable, ModelNotFound, UpstreamError

from .conftest import is_running, wait_until

SMALL = get_entry("smollm2-135m")
DEFAULT = get_entry("qwen2.5-coder-0.5b")

# A greenlet ticks every 10 ms; what it misses is the time for which the hub was held.
UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import json, os, sys, time, threading
from pathlib import Path
from app.config import Settings
from app.chat.providers.base import ModelRequest, Text, Turn
from app.chat.providers.embedded import EmbeddedProvider

stalls = []
def tick():
    while True:
        before = time.monotonic()
        time.sleep(0.01)
        stalls.append(time.monotonic() - before)
threading.Thread(target=tick, daemon=True).start()
provider = EmbeddedProvider(Settings(secret_key="x", models_dir=Path(sys.argv[1])))
def ask():
    answer = provider.chat(ModelRequest("smollm2-135m", (Turn("user", "hello"),)))
    return "".join(event.content for event in answer if isinstance(event, Text))
first = ask()
os.kill(int(first.split()[-1]), 9)
second = ask()
provider.end()
print(json.dumps({"first": first, "second": second, "stall": max(stalls), "ticks": len(stalls)}))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    install(tmp_path, SMALL.name)
    return Settings(secret_key="x", models_dir=tmp_path, context_length=1000)


@pytest.fixture
def provider(settings: Settings, supervisor: Supervisor) -> EmbeddedProvider:
    return EmbeddedProvider(settings, supervisor)


def install(models_dir: Path, name: str, loading: str = "") -> None:
    """Make a file of the right size; what the stand-in for the library shall do is in its first bytes."""
    with (models_dir / f"{name}.gguf").open("wb") as file:
        file.write(f"{loading} ".encode())
        file.truncate(get_entry(name).size_bytes)


def question(content: str = "hello", model: str = SMALL.name) -> ModelRequest:
    return ModelRequest(model, (Turn("user", content),))


def test_it_works(provider: EmbeddedProvider) -> None:
    events = list(provider.chat(question()))
    assert events[0] == Connected()
    assert isinstance(events[1], Text)
    assert events[1].content.startswith("I am smollm2-135m")
    assert events[-1] == End("stop")


def test_nothing_starts_before_the_first_question(provider: EmbeddedProvider, supervisor: Supervisor) -> None:
    [model] = provider.list_models()
    provider.chat(question())
    assert supervisor.loaded is None
    assert (model.name, model.size_bytes, model.parameter_size) == (SMALL.name, SMALL.size_bytes, "135M")
    assert model.context_length == 1000
    assert model.loaded is False
    list(provider.chat(question()))
    assert provider.describe_model(SMALL.name).loaded


def test_a_model_that_is_not_pulled_says_how(provider: EmbeddedProvider) -> None:
    with pytest.raises(ModelNotFound, match=f"Run: flask models pull {DEFAULT.name}"):
        list(provider.chat(question(model=DEFAULT.name)))
    with pytest.raises(ModelNotFound, match=f"Run: flask models pull {DEFAULT.name}"):
        provider.describe_model(DEFAULT.name)


def test_a_half_file_is_no_model(provider: EmbeddedProvider, settings: Settings) -> None:
    (settings.models_dir / f"{SMALL.name}.gguf").write_bytes(b"half")
    with pytest.raises(LLMUnavailable, match="is not installed"):
        provider.list_models()


def test_a_missing_library_is_one_sentence(provider: EmbeddedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    for act in (provider.list_models, lambda: list(provider.chat(question()))):
        with pytest.raises(LLMUnavailable, match="needs the extra 'embedded'"):
            act()


def test_close_ends_an_answer_at_once(provider: EmbeddedProvider) -> None:
    answer = provider.chat(question("talk"))
    threading.Timer(0.5, answer.close).start()
    began = time.monotonic()
    events = list(answer)
    assert time.monotonic() - began < 1.5
    assert not any(isinstance(event, End) for event in events)


def test_close_ends_the_wait_for_a_model_that_loads(provider: EmbeddedProvider, settings: Settings) -> None:
    install(settings.models_dir, SMALL.name, "sleep 5")
    answer = provider.chat(question())
    threading.Timer(0.1, answer.close).start()
    began = time.monotonic()
    assert list(answer) == []
    assert time.monotonic() - began < 1


def test_close_before_the_start(provider: EmbeddedProvider, supervisor: Supervisor) -> None:
    answer = provider.chat(question())
    answer.close()
    assert list(answer) == []
    assert supervisor.loaded is None


def test_a_death_in_the_middle_keeps_what_was_said(provider: EmbeddedProvider) -> None:
    answer = iter(provider.chat(question("die")))
    assert next(answer) == Connected()
    assert isinstance(next(answer), Text)
    with pytest.raises(UpstreamError, match="stopped unexpectedly"):
        next(answer)


def test_a_killed_child_is_replaced_unnoticed(provider: EmbeddedProvider) -> None:
    first = answered_by(provider)
    os.kill(first, signal.SIGKILL)  # and not waited for
    assert answered_by(provider) != first


def test_a_reader_that_goes_away_lets_the_child_go(provider: EmbeddedProvider, settings: Settings) -> None:
    install(settings.models_dir, DEFAULT.name)
    answer = iter(provider.chat(question("talk")))
    next(answer)
    with pytest.raises(LLMUnavailable, match="only one is loaded at a time"):
        list(provider.chat(question(model=DEFAULT.name)))
    del answer
    assert list(provider.chat(question(model=DEFAULT.name)))[-1] == End("stop")


@pytest.mark.usefixtures("fake_library")
def test_it_works_under_gevent_without_holding_the_hub(settings: Settings) -> None:
    install(settings.models_dir, SMALL.name, "sleep 1")
    command = [sys.executable, "-c", UNDER_GEVENT, str(settings.models_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    first, second = (int(seen[key].split()[-1]) for key in ("first", "second"))
    assert first != second
    assert seen["ticks"] > 50
    assert seen["stall"] < 0.6
    assert wait_until(lambda: not is_running(second))


def answered_by(provider: EmbeddedProvider) -> int:
    """Ask, and give the id of the process that answered."""
    text = "".join(event.content for event in provider.chat(question()) if isinstance(event, Text))
    return int(text.split()[-1])

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.chat.embedded import supervisor as module
from app.chat.embedded.process import Order
from app.chat.embedded.supervisor import Supervisor
from app.errors import LLMUnavailable

from .conftest import is_running, wait_until

MakeOrder = Callable[..., Order]

PARENT = """
import sys, time
from app.chat.embedded.process import Order
from app.chat.embedded.supervisor import Supervisor
supervisor = Supervisor()
with supervisor.borrow(Order("tiny", sys.argv[1], 512), lambda: False) as child:
    print(child.pid, flush=True)
    if sys.argv[2] == "stay":
        time.sleep(60)
"""


def never() -> bool:
    return False


def borrow_pid(supervisor: Supervisor, order: Order) -> int:
    with supervisor.borrow(order, never) as child:
        assert child
        assert child.address
        assert child.address.startswith("http://127.0.0.1:")
        return child.pid


def test_it_works(supervisor: Supervisor, make_order: MakeOrder) -> None:
    assert supervisor.loaded is None
    pid = borrow_pid(supervisor, make_order())
    assert borrow_pid(supervisor, make_order()) == pid
    assert supervisor.loaded == "tiny"
    supervisor.end()
    assert supervisor.loaded is None
    assert not is_running(pid)


def test_the_key_is_on_no_command_line_and_in_no_environment(supervisor: Supervisor, make_order: MakeOrder) -> None:
    with supervisor.borrow(make_order(), never) as child:
        assert child
        seen = Path(f"/proc/{child.pid}/cmdline").read_bytes() + Path(f"/proc/{child.pid}/environ").read_bytes()
        assert child.api_key.encode() not in seen


def test_many_at_once_start_one(supervisor: Supervisor, make_order: MakeOrder) -> None:
    order = make_order("sleep 0.3")
    with ThreadPoolExecutor(5) as pool:
        pids = set(pool.map(lambda _: borrow_pid(supervisor, order), range(5)))
    assert len(pids) == 1


def test_it_is_restarted_once(supervisor: Supervisor, make_order: MakeOrder) -> None:
    order = make_order()
    first = borrow_pid(supervisor, order)
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: supervisor.loaded is None)
    second = borrow_pid(supervisor, order)
    assert second != first
    os.kill(second, signal.SIGKILL)
    assert wait_until(lambda: supervisor.loaded is None)
    with pytest.raises(LLMUnavailable, match="twice within a minute, most likely for want of memory") as raised:
        borrow_pid(supervisor, order)
    assert raised.value.retry_after
    assert 1 <= raised.value.retry_after <= 60


def test_after_the_minute_it_is_tried_again(
    supervisor: Supervisor, make_order: MakeOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LLMUnavailable):
        borrow_pid(supervisor, make_order("die"))
    monkeypatch.setattr(module, "DEATHS_WINDOW_SECONDS", 0.0)
    assert borrow_pid(supervisor, make_order())


def test_a_model_that_does_not_load_is_one_sentence_and_a_log_line(
    supervisor: Supervisor, make_order: MakeOrder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(LLMUnavailable) as raised:
        borrow_pid(supervisor, make_order("fail"))
    assert raised.value.sentence == "The built-in model stopped twice within a minute. The application's log says why."
    assert "(exit status 1): RuntimeError: Failed to init server" in caplog.text


def test_a_native_death_leaves_its_last_words_in_the_log(
    supervisor: Supervisor, make_order: MakeOrder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(LLMUnavailable):
        borrow_pid(supervisor, make_order("die"))
    assert "(signal 9): last words" in caplog.text


def test_a_missing_library_is_a_log_line(
    supervisor: Supervisor, make_order: MakeOrder, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    supervisor = Supervisor((sys.executable, "-I", "-S", module.COMMAND[-1]))
    with caplog.at_level(logging.ERROR), pytest.raises(LLMUnavailable):
        borrow_pid(supervisor, make_order())
    assert "No module named 'xllamacpp'" in caplog.text


def test_another_model_takes_its_place(supervisor: Supervisor, make_order: MakeOrder) -> None:
    first = borrow_pid(supervisor, make_order())
    assert borrow_pid(supervisor, make_order(name="other")) != first
    assert supervisor.loaded == "other"
    assert not is_running(first)


def test_another_model_has_to_wait_while_one_answers(supervisor: Supervisor, make_order: MakeOrder) -> None:
    with (
        supervisor.borrow(make_order(), never) as child,
        pytest.raises(LLMUnavailable, match="model tiny is answering") as raised,
    ):
        borrow_pid(supervisor, make_order(name="other"))
    assert raised.value.retry_after
    assert child
    assert child.is_alive


def test_a_reader_can_give_up_while_it_loads(supervisor: Supervisor, make_order: MakeOrder) -> None:
    order = make_order("sleep 1")
    gives_up_at = time.monotonic() + 0.1
    with supervisor.borrow(order, lambda: time.monotonic() > gives_up_at) as child:
        assert child is None
    assert time.monotonic() - gives_up_at < 0.6
    assert supervisor.loaded == "tiny"
    assert borrow_pid(supervisor, order)


def test_a_model_that_never_loads_is_given_up(
    supervisor: Supervisor, make_order: MakeOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOADING_LIMIT_SECONDS", 0.2)
    with pytest.raises(LLMUnavailable, match="takes too long"):
        borrow_pid(supervisor, make_order("sleep 60"))
    assert supervisor.loaded is None


@pytest.mark.usefixtures("fake_library")
@pytest.mark.parametrize("manner", ["stay", "leave"])
def test_it_ends_with_its_parent(make_order: MakeOrder, manner: str) -> None:
    command = [sys.executable, "-c", PARENT, make_order().path, manner]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        if manner == "stay":
            assert is_running(pid)
            parent.kill()
    assert wait_until(lambda: not is_running(pid))

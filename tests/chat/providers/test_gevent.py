"""The same code under gevent's patches, as gunicorn runs it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.chat.providers.ports import refusing_port, unanswered_port
from tests.fake_http import Fault, Reply
from tests.fake_ollama import FakeOllama

FAULTS: list[Fault] = ["hang_up", "reset", "cut", "garbage", "error"]


@pytest.mark.parametrize("way", ["iterate", "pump"])
def test_it_works(way: str) -> None:
    silent = [Reply(fault="silence"), Reply(fault="silence", after=1), Reply(fault="silence")]
    with FakeOllama() as ollama, unanswered_port() as hanging, refusing_port() as refusing:
        ollama.script(
            Reply(), *silent, *(Reply(fault=fault, after=1) for fault in FAULTS), Reply(fault="silence", after=1)
        )
        ollama.default_reply = Reply(before=1)
        arguments = [ollama.url, str(hanging), str(refusing), way]
        command = [sys.executable, "-m", "tests.chat.providers.gevent_client", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        closed = [request.closed.wait(5 if number else 0) for number, request in enumerate(ollama.requests[:4])]
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "whole": ["Connected", "Text", "Text", "Usage", "End"],
        "silent from the start": ["Connected"],
        "silent in the middle": ["Connected", "Text"],
        "connecting": [],
        "timeout": ["Connected", "UpstreamTimeout"],
        "connect timeout": ["LLMUnavailable"],
        **{f"fault {number}": ["Connected", "Text", "UpstreamError"] for number in range(len(FAULTS))},
        "silence after speech": ["Connected", "Text", "UpstreamTimeout"],
        "refused": ["LLMUnavailable"],
        "one after the other": ["End"] * 3,
        "from one host to the other": ["Connected", "Text", "Text", "Usage", "End"],
        "twenty at once": ["together"],
    }
    repeated = [request.connection for request in ollama.requests if b"one after the other" in request.body][:3]
    assert len(repeated) == 3
    assert len(set(repeated)) < 3  # the last bytes of an answer may be late once, and nobody waits for them
    assert closed == [False, True, True, True]

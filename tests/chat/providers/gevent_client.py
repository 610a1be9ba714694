"""Run by test_gevent in a process of its own: reads and closes answers under gevent's patches, prints what it saw as JSON.

Arguments: the URL of a fake Ollama, a port where connecting hangs, a port that refuses, iterate or pump.
"""

# ruff: noqa: E402 - the patches come before every other import
from gevent import monkey

monkey.patch_all()

import json
import logging
import sys
import threading
import time

from app.chat.providers.base import AnswerStream, ModelRequest, PushStream, Turn
from app.chat.providers.cluster import Cluster
from app.chat.providers.ollama import OllamaProvider
from app.chat.providers.transport import Timeouts
from app.errors import AppError


def answer(url: str, timeouts: Timeouts, question: str = "Hi") -> AnswerStream:
    return OllamaProvider(url, timeouts, 4096).chat(ModelRequest("llama3", (Turn("user", question),)))


FAULTS = 5
logging.disable()  # standard error is for what nobody expects
WAY = sys.argv[4]


def read(stream: AnswerStream) -> list[str]:
    seen: list[str] = []
    try:
        if WAY == "pump":
            assert isinstance(stream, PushStream)
            stream.pump(lambda events: seen.extend(type(event).__name__ for event in events))
        else:
            seen.extend(type(event).__name__ for event in stream)
    except AppError as error:
        seen.append(type(error).__name__)
    return seen


def read_and_close(stream: AnswerStream) -> list[str]:
    """Close from another greenlet, after a moment; "late" where that did not end the reading soon."""
    closed_at = []

    def close() -> None:
        time.sleep(0.5)
        closed_at.append(time.monotonic())
        stream.close()

    threading.Thread(target=close).start()
    seen = read(stream)
    return seen if time.monotonic() - closed_at[0] < 2 else [*seen, "late"]


def read_in_time(stream: AnswerStream) -> list[str]:
    """Read; "late" where the silence between two tokens was taken for the one before the first."""
    began = time.monotonic()
    seen = read(stream)
    return seen if time.monotonic() - began < 10 else [*seen, "late"]


def main(url: str, hanging_port: str, refusing_port: str, _way: str) -> None:
    patient, impatient = Timeouts(5, 30, 30), Timeouts(0.5, 0.5, 0.5)
    results = {
        "whole": read(answer(url, patient)),
        "silent from the start": read_and_close(answer(url, patient)),
        "silent in the middle": read_and_close(answer(url, patient)),
        "connecting": read_and_close(answer(f"http://127.0.0.1:{hanging_port}", patient)),
        "timeout": read(answer(url, impatient)),
        "connect timeout": read(answer(f"http://127.0.0.1:{hanging_port}", impatient)),
        **{f"fault {number}": read(answer(url, patient)) for number in range(FAULTS)},
        "silence after speech": read_in_time(answer(url, Timeouts(5, 30, 0.5))),
        "refused": read(answer(f"http://127.0.0.1:{refusing_port}", patient)),
    }
    provider = OllamaProvider(url, patient, 4096)
    question = ModelRequest("llama3", (Turn("user", "one after the other"),))
    results["one after the other"] = []
    for _ in range(3):
        results["one after the other"] += read(provider.chat(question))[-1:]
        time.sleep(0.2)
    lost = f"http://127.0.0.1:{refusing_port}"
    results["from one host to the other"] = read(
        Cluster([OllamaProvider(at, patient, 4096) for at in (lost, url)]).chat(question)
    )
    started = time.monotonic()
    readers = [threading.Thread(target=read, args=(answer(url, patient),)) for _ in range(20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    results["twenty at once"] = ["together" if time.monotonic() - started < 5 else "in turn"]
    print(json.dumps(results))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

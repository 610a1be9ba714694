"""The program of the child process: llama.cpp's own HTTP server, on 127.0.0.1 and a port that the system picks.

It is run by its path, imports nothing of the application, and is told what to do by one line of JSON on standard input.
It says `listening http://…` on standard output when it can answer. The end of standard input is the end of its parent,
however that died (kill -9 too), and so the end of this process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

STDIN = 0
SLOTS = 2  # answers at the same time
# A prompt is read in pieces of this size; one that was cancelled blocks the next answer until its piece is done.
# With the default of 2048 that is up to 23 s, with 128 at most 3 s, for 6 % of the reading speed.
BATCH_TOKENS = 128
PROMPT_CACHE_MIB = 128  # the default is 8192
ERRORS_ONLY = 1
SMT_STATE = Path("/sys/devices/system/cpu/smt/active")


def main() -> None:
    """Serve until standard input ends."""
    order = _read_order()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        server = _start(order)
    except (ImportError, RuntimeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the parent logs it
        # Not sys.exit: the interpreter's own end would wait for the thread that reads standard input.
        os._exit(1)
    print(f"listening {server.listening_address}", flush=True)  # noqa: T201 - the parent waits for it
    while True:
        time.sleep(3600)


def _read_order() -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(STDIN, 65536)
        if not piece:
            os._exit(0)
        line += piece
    order: dict[str, Any] = json.loads(line)
    return order


def _end_with_parent() -> None:
    while os.read(STDIN, 4096):
        pass
    os._exit(0)


def _start(order: dict[str, Any]) -> Any:
    """Load the model, which holds the interpreter for seconds, and serve it from the library's own threads."""
    threads = _choose_threads()
    import xllamacpp  # noqa: PLC0415 - so that a library that can't be loaded is told like a model that can't

    params = xllamacpp.CommonParams()
    params.model.path = order["path"]
    params.model_alias = {order["name"]}
    params.n_parallel = SLOTS
    params.n_ctx = order["context_length"] * SLOTS  # the slots share it
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.sleep_idle_seconds = order["idle_seconds"]  # then it gives its memory back until the next question
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [order["api_key"]]
    params.cors_origins = ""
    params.ui = False
    params.endpoint_slots = False  # would show other people's prompts
    params.verbosity = ERRORS_ONLY
    if threads:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    return xllamacpp.Server(params)


def _choose_threads() -> int | None:
    """Leave a processor to the application; give the number of threads, or None for the library's own choice.

    The threads wait for each other spinning. Where they have to share a processor with anything else, each waits for one
    that is not running, and the answer comes at a tenth of the speed (measured: 3 instead of 42 tokens a second). With two
    processors there is none to leave, and they wait asleep instead, which costs a third of the speed of a machine that has
    nothing else to do. The setting is read when the library is loaded.
    """
    if sys.platform != "linux":
        return None
    processors = len(os.sched_getaffinity(0))
    if processors <= 2:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        return None
    return processors // 2 if _has_twin_threads() else processors - 1


def _has_twin_threads() -> bool:
    """Tell whether two processors share one core each: more threads than cores gain nothing."""
    try:
        return SMT_STATE.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


if __name__ == "__main__":
    main()

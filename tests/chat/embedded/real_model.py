"""The smallest real model, downloaded once: into TEST_MODELS_DIR, or into pytest's cache where that is not set."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.chat.embedded.catalogue import get_entry
from app.chat.embedded.download import pull
from app.errors import Conflict

SMALL = get_entry("smollm2-135m")


class Printer:
    """Prints lines, which pytest shows when the download fails."""

    def say(self, line: str) -> None:
        print(line)  # noqa: T201 - see above

    def advance(self, done_bytes: int) -> None:
        pass


def real_models_dir(config: pytest.Config) -> Path:
    """Give a models directory with SmolLM2 in it; waits where another test process is downloading it."""
    given = os.environ.get("TEST_MODELS_DIR")
    folder = Path(given) if given else config.cache.mkdir("models")
    while True:
        try:
            pull(SMALL, folder, Printer())
        except Conflict:
            time.sleep(1)
        else:
            return folder

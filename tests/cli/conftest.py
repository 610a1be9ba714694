"""What tests of commands share."""

from __future__ import annotations

import pytest


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command reads from says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)

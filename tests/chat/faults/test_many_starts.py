"""A hundred people press Enter at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import numbers, question, text_of
from tests.people import make_user, parse_events
from tests.serving import Browser

pytestmark = pytest.mark.fault

PEOPLE = 10
SAID = numbers(20)


def ask(browser: Browser, token: str) -> tuple[str, str]:
    body, headers = {"message": question(SAID, 10)}, {"X-CSRFToken": token}
    answer = browser.request("POST", "/api/chat/stream", json=body, headers=headers)
    assert answer.status == 200, answer.data
    *deltas, end = parse_events(answer.data.decode())[1:]
    return text_of(deltas), end.data["status"]


@pytest.mark.parametrize("flask_run", [False, True], ids=["gunicorn", "flask-run"])
def test_nobody_is_turned_away(app: Flask, serve: Serve, browse: Browse, flask_run: bool, log: Path) -> None:
    names = [f"person{number}@example.org" for number in range(PEOPLE)]
    for name in names:
        make_user(app, name)
    server = serve(flask_run=flask_run)
    browsers = [browse(server, name) for name in names]
    tokens = [browser.csrf() for browser in browsers]

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(ask, browsers * (100 // PEOPLE), tokens * (100 // PEOPLE)))

    assert answers == [("".join(SAID), "complete")] * 100
    assert "locked" not in log.read_text()
    assert "Traceback" not in log.read_text()

"""PostgreSQL goes away in mid-answer, and comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from app.config import Settings
from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, numbers, question, text_of
from tests.chat.faults.relay import Relay
from tests.serving import Browser
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

AWAY_SECONDS = 7.0  # longer than a lease


@pytest.fixture
def relay(fresh_postgresql: str) -> Iterator[Relay]:
    """The way to a PostgreSQL server."""
    folder = parse_qs(urlsplit(fresh_postgresql).query)["host"][0]
    with Relay(f"{folder}/.s.PGSQL.5432") as way:
        yield way


@pytest.fixture
def settings(base_settings: Settings, fresh_postgresql: str, relay: Relay) -> Settings:
    """An installation whose database is reached through the relay."""
    parts = urlsplit(fresh_postgresql)
    url = f"postgresql://postgres@127.0.0.1:{relay.port}{parts.path}?sslmode=disable"
    return replace(base_settings, database_url=url)


def is_complete(browser: Browser, message_id: str) -> bool:
    return bool(list(browser.follow(message_id))[-1].data.get("status") == "complete")


@pytest.mark.parametrize("flask_run", [False, True], ids=["gunicorn", "flask-run"])
def test_answers_outlive_it(serve: Serve, browse: Browse, relay: Relay, flask_run: bool) -> None:
    server, bystander = serve(flask_run=flask_run), serve()  # the other one must not take them for dead
    alice = browse(server)
    assert browse(bystander).request("GET", "/api/models").status == 200
    said, brief = numbers(700), numbers(100)
    reader = Reader(alice.stream(question(said, 20)))
    short = Reader(alice.stream(question(brief, 20)))
    short.wait_for(20)

    relay.cut()
    began = time.monotonic()
    page = alice.request("GET", "/api/conversations")
    end = short.join()
    assert end
    assert (page.status, page.json()["code"]) == (503, "unavailable")
    assert (end.data["code"], short.text) == ("not_saved", "".join(brief))
    time.sleep(max(0.0, began + AWAY_SECONDS - time.monotonic()))
    assert reader.count_between(began, time.monotonic()) > 50, "readers went on"
    relay.mend()

    end = reader.join()
    assert end
    assert (end.name, end.data["status"], reader.text) == ("done", "complete", "".join(said))
    for followed, text in ((reader, said), (short, brief)):
        wait_until(partial(is_complete, alice, followed.message_id))
        assert text_of(list(alice.follow(followed.message_id))[1:-1]) == "".join(text)
        again = browse(bystander).follow(followed.message_id)  # from the rows, not from memory
        assert text_of(list(again)[1:-1]) == "".join(text)

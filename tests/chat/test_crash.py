"""What is left of a running answer when its process dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chat.conftest import Browse, Serve
from tests.people import Event
from tests.serving import Browser
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

ENDLESS = '/fake {"chunks": [' + ", ".join(f'"{n} "' for n in range(2000)) + '], "delay_ms": 20}'
WHOLE = "".join(f"{n} " for n in range(2000))


def read_until(stream: Iterator[Event], length: int) -> Event:
    """Read a stream until so many characters are there; gives the last event."""
    return next(event for event in stream if event.id >= length)


def interrupted(browser: Browser, message_id: str) -> Event | None:
    end = list(browser.follow(message_id))[-1]
    return end if end.data.get("code") == "interrupted" else None


@pytest.mark.parametrize("flask_run", [False, True])
def test_after_kill_9_the_text_is_there_and_marked(serve: Serve, browse: Browse, flask_run: bool) -> None:
    server = serve(flask_run=flask_run)
    alice = browse(server)
    stream = alice.stream(ENDLESS)
    message_id = next(stream).data["message_id"]
    seen = read_until(stream, 20).id
    # What was seen is flushed within 250 ms of its arrival; two hundred characters later it has been.
    read_until(stream, seen + 200)

    server.kill()
    server.start()

    wait_until(lambda: bool(interrupted(alice, message_id)))
    *deltas, end = list(alice.follow(message_id))[1:]
    text = "".join(delta.data["content"] for delta in deltas)
    assert len(text) >= seen
    assert WHOLE.startswith(text)  # nothing doubled, nothing reordered
    assert (end.name, end.data["length"]) == ("error", len(text))
    page = alice.request("GET", "/api/conversations").json()["conversations"][0]
    assert alice.request("GET", f"/api/conversations/{page['id']}").json()["messages"][-1]["content"] == text


def test_a_graceful_stop_keeps_the_text(serve: Serve, browse: Browse) -> None:
    server = serve()
    alice = browse(server)
    stream = alice.stream('/fake {"chunks": ["a", "b", "c", "d"], "delay_ms": 200}')
    message_id = next(stream).data["message_id"]
    next(stream)

    server.stop()
    rest = list(stream)

    assert rest[-1].name == "done"  # the open answer was waited for
    server.start()
    assert "".join(event.data.get("content", "") for event in alice.follow(message_id)) == "abcd"


def test_another_process_follows_stops_and_ends_it(serve: Serve, browse: Browse) -> None:
    """Two servers on one database know each other's answers through the rows alone."""
    first, second = serve(), serve()
    alice, elsewhere = browse(first), browse(second)
    stream = alice.stream(ENDLESS)
    message_id = next(stream).data["message_id"]
    read_until(stream, 20)

    followed = elsewhere.follow(message_id)
    read_until(followed, 50)
    elsewhere.call("POST", f"/api/messages/{message_id}/stop")

    ends = [list(stream)[-1], list(followed)[-1]]
    assert [end.data["status"] for end in ends] == ["stopped", "stopped"]
    assert ends[0].data["length"] == ends[1].data["length"]
    again = elsewhere.stream(ENDLESS, conversation_id=page_id(elsewhere))
    message_id = next(again).data["message_id"]
    read_until(again, 20)
    second.kill()
    wait_until(lambda: bool(interrupted(alice, message_id)))


def page_id(browser: Browser) -> str:
    return str(browser.request("GET", "/api/conversations").json()["conversations"][0]["id"])


def test_a_reader_who_claims_to_be_ahead_does_not_hold_up_the_others(serve: Serve, browse: Browse) -> None:
    alice = browse(serve())
    stream = alice.stream('/fake {"chunks": ["a", "b", "c"], "delay_ms": 1000}')
    message_id = next(stream).data["message_id"]

    ahead = alice.follow(message_id, after=9999)
    next(ahead)

    assert alice.request("GET", "/healthz").status == 200
    assert [event.name for event in ahead] == ["done"]
    assert list(stream)[-1].name == "done"

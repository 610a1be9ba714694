"""Several real servers with one database and one REDIS_URL, and what is left when a part of them dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chat.conftest import Browse, Serve
from tests.parallel import at_once
from tests.people import HELLO, Event
from tests.serving import Browser
from tests.valkey import Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

COUNTING = '/fake {"chunks": [' + ", ".join(f'"{n} "' for n in range(100)) + '], "delay_ms": 20}'
WHOLE = "".join(f"{n} " for n in range(100))
ENDLESS = '/fake {"chunks": [' + ", ".join(f'"{n} "' for n in range(5000)) + '], "delay_ms": 20}'


def said(events: list[Event]) -> str:
    return "".join(event.data.get("content", "") for event in events if event.name == "delta")


def begin(browser: Browser, message: str) -> tuple[str, Iterator[Event]]:
    stream = browser.stream(message)
    return next(stream).data["message_id"], stream


@pytest.mark.parametrize("flask_run", [False, True])
def test_all_of_them_follow_and_one_of_them_stops(
    serve: Serve, browse: Browse, valkey: Valkey, flask_run: bool
) -> None:
    first, second = (browse(serve(redis_url=valkey.url, flask_run=flask_run)) for _ in range(2))
    message_id, stream = begin(first, ENDLESS)
    followed = second.follow(message_id)
    next(event for event in followed if event.id > 100)

    second.call("POST", f"/api/messages/{message_id}/stop")

    ends = [list(stream)[-1], list(followed)[-1]]
    assert [end.data["status"] for end in ends] == ["stopped", "stopped"]
    assert ends[0].data == ends[1].data


def test_any_worker_follows_from_anywhere(serve: Serve, browse: Browse, valkey: Valkey) -> None:
    alice = browse(serve(redis_url=valkey.url, workers=3))
    message_id, _ = begin(alice, COUNTING)
    positions = range(0, 120, 10)

    followed = at_once([lambda after=after: list(alice.follow(message_id, after)) for after in positions])  # type: ignore[misc]

    for after, events in zip(positions, followed, strict=True):
        assert said(events) == WHOLE[after:], after
        assert (events[-1].name, events[-1].data["length"]) == ("done", len(WHOLE))


def test_a_reader_who_is_ahead_of_the_answer_waits_for_it(serve: Serve, browse: Browse) -> None:
    alice = browse(serve())
    message_id, _ = begin(alice, COUNTING)

    ahead, beyond = at_once([lambda: list(alice.follow(message_id, 200)), lambda: list(alice.follow(message_id, 9999))])

    assert said(ahead) == WHOLE[200:]
    assert [said(beyond), beyond[-1].data["length"]] == ["", len(WHOLE)]


def test_when_a_process_dies_every_follower_is_told(serve: Serve, browse: Browse, valkey: Valkey) -> None:
    dying, living = (serve(redis_url=valkey.url) for _ in range(2))
    alice, elsewhere = browse(dying), browse(living)
    message_id, _ = begin(alice, ENDLESS)
    streams = [elsewhere.follow(message_id, after) for after in (0, 7, 50)]
    seen = [next(event for event in stream if event.id > 100).id for stream in streams]

    with ThreadPoolExecutor(len(streams)) as pool:
        rests = [pool.submit(list, stream) for stream in streams]
        dying.kill()
        ends = [rest.result()[-1] for rest in rests]

    assert {(end.name, end.data["code"]) for end in ends} == {("error", "interrupted")}
    text = said(list(elsewhere.follow(message_id)))
    assert ends_there(text, ends)
    assert len(text) >= min(seen) - 50  # what was said in the last 250 ms, and nothing else, may be missing


def ends_there(text: str, ends: list[Event]) -> bool:
    return "".join(f"{n} " for n in range(5000)).startswith(text) and {end.data["length"] for end in ends} == {
        len(text)
    }


def test_when_one_worker_dies_the_others_end_its_answer(serve: Serve, browse: Browse, valkey: Valkey) -> None:
    server = serve(redis_url=valkey.url, workers=3)
    alice = browse(server)
    message_id, _ = begin(alice, ENDLESS)
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)  # one of them makes the answer, and gunicorn starts others

    def is_marked() -> bool:
        return list(alice.follow(message_id))[-1].data.get("code") == "interrupted"

    wait_until(lambda: bool(server.workers()))
    wait_until(is_marked)


def test_the_rate_limit_is_shared_and_outlives_the_server(serve: Serve, browse: Browse, valkey: Valkey) -> None:
    alice, elsewhere = (browse(serve(redis_url=valkey.url, rate_limit="3/hour")) for _ in range(2))

    asked = [ask(browser) for browser in (alice, elsewhere, alice, elsewhere, alice)]
    valkey.kill()
    alone = [ask(alice) for _ in range(4)]

    assert asked == [200, 200, 200, 429, 429]
    assert alone == [200, 200, 200, 429]


def ask(browser: Browser) -> int:
    return browser.call("POST", "/api/chat", {"message": HELLO}).status

"""What a stream must do, over every way in which it is written: into the socket from the event loop, as a generator, by threads."""

from __future__ import annotations

import pytest

from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, check_ids, numbers, question, text_of
from tests.serving import Browser

pytestmark = pytest.mark.fault

SAID = [f"{word} 👋 " for word in numbers(400)]
WHOLE = "".join(SAID)


@pytest.fixture
def alice(serve: Serve, browse: Browse, kind: dict[str, bool]) -> Browser:
    return browse(serve(**kind))


def test_every_follower_gets_the_same_text_from_every_position(alice: Browser) -> None:
    live = Reader(alice.stream(question(SAID, 10)))
    live.wait_for(200)
    positions = [0, 1, 7, 150, len(live.text), 10**6]
    late = [(position, alice.follow(live.message_id, position)) for position in positions]

    end = live.join()
    for position, stream in late:
        start, *deltas, last = stream
        check_ids(deltas, min(position, len(WHOLE)))
        assert (start.name, text_of(deltas), last) == ("start", WHOLE[position:], end)
    assert live.text == WHOLE
    assert len(live.shown) > 100, "as it was said, not in one piece"


def test_stop_ends_it_for_everybody(alice: Browser) -> None:
    live = Reader(alice.stream(question(SAID, 20)))
    live.wait_for(100)
    other = Reader(alice.follow(live.message_id))
    assert alice.call("POST", f"/api/messages/{live.message_id}/stop").json()["status"] == "stopped"

    ends = [live.join(), other.join()]
    assert ends[0] == ends[1]
    assert ends[0]
    assert ends[0].data["status"] == "stopped"
    assert WHOLE.startswith(live.text)
    assert live.text == other.text


def test_a_reply_in_one_piece(alice: Browser) -> None:
    answer = alice.call("POST", "/api/chat", {"message": question(SAID)})
    assert (answer.status, answer.json()["reply"]) == (200, WHOLE)


def test_one_connection_carries_one_stream_after_the_other(alice: Browser) -> None:
    alice.pool.connection_pool_kw["maxsize"] = 1
    ids = {next(alice.stream(question(["one"]))).data["message_id"] for _ in range(3)}
    for message_id in ids:
        assert text_of(list(alice.follow(message_id))[1:-1]) == "one"

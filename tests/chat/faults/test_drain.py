"""SIGTERM, as a deploy sends it. Only gunicorn has a graceful stop."""

from __future__ import annotations

import signal

import pytest

from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, numbers, question, text_of
from tests.people import HELLO
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

SAID = numbers(3000)


def test_an_answer_longer_than_the_drain_is_kept_and_marked(serve: Serve, browse: Browse) -> None:
    server = serve(drain_seconds=6)
    alice = browse(server)
    reader = Reader(alice.stream(question(SAID, 20)))
    reader.wait_for(50)

    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: alice.call("POST", "/api/chat", {"message": HELLO}).status == 503)
    refusal = browse(server).call("POST", "/api/chat/stream", {"message": HELLO})  # over new connections
    assert (refusal.status, refusal.json()["code"]) == (503, "unavailable")
    assert int(refusal.headers["Retry-After"]) > 0
    follower = Reader(alice.follow(reader.message_id))
    end = reader.join()
    follower.join()
    assert follower.text == reader.text
    assert server.process.wait(30) == 0

    assert end
    assert (end.name, end.data["code"], end.data["length"]) == ("error", "interrupted", len(reader.text))
    server.start()
    _, *deltas, end = alice.follow(reader.message_id)
    assert text_of(deltas) == reader.text, "what was shown is what is kept, to the last character"
    assert end.data["code"] == "interrupted"
    further = list(alice.stream("", continue_id=reader.message_id))
    assert text_of(further[1:-1]).startswith(reader.text)
    assert further[-1].data["status"] == "complete"


def test_an_answer_that_nobody_follows_gets_its_time(serve: Serve, browse: Browse) -> None:
    server = serve()
    alice = browse(server)
    said = numbers(150)
    stream = alice.stream(question(said, 20))
    message_id = next(stream).data["message_id"]
    alice.close()  # every connection

    server.stop()
    server.start()

    _, *deltas, end = alice.follow(message_id)
    assert (text_of(deltas), end.name, end.data.get("status")) == ("".join(said), "done", "complete")

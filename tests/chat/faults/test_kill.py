"""kill -9 in mid-answer: what readers saw, beside what is there after the restart."""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.chat.faults.conftest import Browse, Serve
from tests.chat.faults.reading import Reader, check_ids, numbers, question, text_of
from tests.serving import Browser
from tests.waiting import wait_until

pytestmark = pytest.mark.fault

SAID = numbers(3000)
# The promise is 250 ms; on a machine that runs other tests as well the disk may come later.
LOST_SECONDS = 1.0


def is_interrupted(browser: Browser, message_id: str) -> bool:
    return list(browser.follow(message_id))[-1].data.get("code") == "interrupted"


@pytest.mark.parametrize("flask_run", [False, True], ids=["gunicorn", "flask-run"])
def test_only_the_last_moment_is_lost(serve: Serve, browse: Browse, flask_run: bool) -> None:
    server = serve(flask_run=flask_run)
    alice = browse(server)
    readers = [Reader(alice.stream(question(SAID, delay))) for delay in (5, 10, 20, 40)]
    for round_number in range(2):
        time.sleep(1.5)
        killed_at = time.monotonic()
        server.kill()
        for reader in readers:
            reader.join()
        server.start()

        for reader in readers:
            wait_until(partial(is_interrupted, alice, reader.message_id))
            start, *deltas, end = alice.follow(reader.message_id)
            check_ids(deltas)
            kept = text_of(deltas)
            assert "".join(SAID).startswith(kept), "nothing doubled, nothing out of order"
            assert len(kept) >= len(reader.text_before(killed_at - LOST_SECONDS))
            # Whoever saw more than was kept is told how much there is.
            assert [e.data.get("length") for e in alice.follow(reader.message_id, 10**6)][-1] == len(kept)
            assert end.data["length"] == len(kept)
            assert start.id == 0
        if round_number == 0:
            readers = [Reader(alice.stream(question(SAID, delay))) for delay in (5, 10, 20, 40)]

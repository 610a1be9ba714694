"""Waiting in line: the page says so until it is the answer's turn. Nobody has more than four answers made at a time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.chatting import last_answer, script, send, words_of
from tests.e2e.conftest import Opens
from tests.people import Person

pytestmark = pytest.mark.browser

MOST = 4
POST = """async ([path, body]) => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const leaving = new AbortController();
  const headers = {'Content-Type': 'application/json', 'X-CSRFToken': token};
  const response = await fetch(path, {method: 'POST', headers, body: JSON.stringify(body), signal: leaving.signal});
  const {value} = await response.body.getReader().read();
  leaving.abort();
  return new TextDecoder().decode(value);
}"""


def post(page: Page, path: str, body: Any = None) -> str:
    """Call the API from the page; gives the beginning of what comes back."""
    return str(page.evaluate(POST, [path, body]))


def begin_long_answer(page: Page) -> str:
    """Keep the model busy for a minute; gives the answer's id."""
    beginning = post(page, "/api/chat/stream", {"message": script(["a"], delay_ms=60_000)})
    match = re.search(r'"message_id":"([0-9a-f-]+)"', beginning)
    assert match, beginning
    return match[1]


def queue_note(page: Page) -> Locator:
    """Give the line below the newest answer."""
    return last_answer(page).locator('[data-part="queue"]')


def place(number: int) -> re.Pattern[str]:
    """Give the sentence for a place in the queue."""
    return re.compile(rf"^Place {number} in the queue, about \d+ (second|seconds|minutes)$")


def test_it_works(chat: Page, open_page: Opens, alice: Person) -> None:
    running = [begin_long_answer(chat) for _ in range(MOST)]
    try:
        send(chat, script(["My ", "turn."]))
        expect(queue_note(chat)).to_have_text(place(1))
        other = open_page("/chat", alice)
        send(other, script(["Mine."]))
        expect(queue_note(other)).to_have_text(place(2))
        chat.reload()
        expect(queue_note(chat)).to_have_text(place(1))

        chat.get_by_role("button", name="Stop the answer").click()
        expect(last_answer(chat)).to_have_attribute("data-status", "stopped")
        expect(queue_note(chat)).to_be_hidden()
        expect(queue_note(other)).to_have_text(place(1))

        post(chat, f"/api/messages/{running.pop()}/stop")
        expect(words_of(last_answer(other))).to_have_text("Mine.")
        expect(queue_note(other)).to_be_hidden()
    finally:
        for answer in running:
            post(chat, f"/api/messages/{answer}/stop")

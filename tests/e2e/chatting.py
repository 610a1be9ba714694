"""What a person does on the chat page."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, expect

# Numbers, so that what is missing, doubled or out of order can be seen.
WORDS = [f"{n} " for n in range(250)]


def script(chunks: list[str], **more: Any) -> str:
    """Give a question that makes the scripted model say these pieces."""
    return "/fake " + json.dumps({"chunks": chunks, **more})


def long_answer(delay_ms: int = 20) -> str:
    """Give a question whose answer takes seconds."""
    return script(WORDS, delay_ms=delay_ms)


def send(page: Page, text: str) -> None:
    """Write a message and send it as most people do."""
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def ask(page: Page, text: str) -> Locator:
    """Send a message and wait for the end of the answer; gives the answer."""
    send(page, text)
    answer = last_answer(page)
    expect(answer).to_have_attribute("data-status", "complete")
    return answer


def last_answer(page: Page) -> Locator:
    """Give the newest answer."""
    return page.locator('message-item[data-role="assistant"]').last


def words_of(answer: Locator) -> Locator:
    """Give the words of a message, without what stands around them."""
    return answer.locator('[data-part="text"]')


def send_button(page: Page) -> Locator:
    """Give the button that sends or stops."""
    return page.locator('[data-part="send"]')

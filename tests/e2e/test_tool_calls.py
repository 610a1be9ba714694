"""Tools that a model asks for: shown while it asks, after a reload and without a stream; and how long it thought."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import ask, last_answer, script, send

pytestmark = pytest.mark.browser
ATTACK = {"name": "<img src=x onerror=alert(1)>", "arguments": {"city": "<b>Z\u00fcrich</b>"}}
CALLS = [{"name": "get_weather", "arguments": {"city": "Z\u00fcrich"}}, ATTACK]


@pytest.mark.parametrize("streaming", [True, False])
def test_they_are_shown(chat: Page, streaming: bool) -> None:
    if not streaming:
        chat.get_by_text("Streaming", exact=True).click()
    ask(chat, script([], calls=CALLS))
    for _ in range(2):
        summary = last_answer(chat).locator("summary:visible")
        expect(summary).to_have_text(f"Asks for get_weather, {ATTACK['name']}. Tools are shown here, not executed.")
        summary.click()
        expect(last_answer(chat).locator("pre")).to_contain_text('get_weather {\n  "city": "Z\u00fcrich"\n}')
        expect(last_answer(chat).locator("pre")).to_contain_text("<b>Z\u00fcrich</b>")
        chat.reload()


def test_they_are_shown_while_it_goes_on(chat: Page) -> None:
    send(chat, script(["Wait."], calls=[*CALLS[:1], *[{"name": "slow", "arguments": {}}] * 5], delay_ms=400))
    expect(last_answer(chat).locator("summary:visible")).to_contain_text("get_weather")
    assert last_answer(chat).get_attribute("data-status") == "streaming"
    chat.reload()
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(last_answer(chat).locator("summary:visible")).to_contain_text("get_weather, slow, slow, slow, slow, slow.")


def test_how_long_it_thought_does_not_depend_on_the_page(chat: Page) -> None:
    label = chat.locator('[data-part="reasoning-label"]')
    send(chat, script(["So ", "it ", "is."] * 4, thinking="one two three four five six", delay_ms=400))
    expect(label).to_have_text("Thinking\u2026")
    chat.wait_for_timeout(1500)
    chat.reload()
    expect(label).to_have_text("Thoughts")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete", timeout=20_000)
    for _ in range(2):
        expect(label).to_have_text(re.compile("^Thought for [23] s$"))
        chat.reload()

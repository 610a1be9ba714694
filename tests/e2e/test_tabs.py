"""Two tabs of one conversation show the same; a tab that nobody looks at holds no connection."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import WORDS, ask, last_answer, long_answer, script, send, words_of
from tests.e2e.conftest import Opens
from tests.e2e.test_conversations import choose, titles
from tests.people import Person

pytestmark = pytest.mark.browser
LOOK = """isHidden => {
  Object.defineProperty(document, 'hidden', { configurable: true, value: isHidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def second_tab(page: Page) -> Page:
    """Give another tab of the same browser with the same conversation."""
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("message-item")).to_have_count(page.locator("message-item").count())
    return other


def test_what_one_tab_asks_the_other_shows_while_it_is_written(chat: Page) -> None:
    ask(chat, script(["One."]))
    other = second_tab(chat)
    send(chat, long_answer(delay_ms=10))
    expect(words_of(last_answer(other))).to_contain_text("20 ")
    for page in (chat, other):
        expect(last_answer(page)).to_have_attribute("data-status", "complete")
        expect(words_of(last_answer(page))).to_have_text("".join(WORDS).strip())
        expect(page.locator("message-item")).to_have_count(4)


def test_an_answer_again_reaches_the_other_tab(chat: Page) -> None:
    ask(chat, script(["One."]))
    other = second_tab(chat)
    last_answer(chat).get_by_role("button", name="Answer again").click()
    expect(last_answer(other).locator('[data-part="place"]')).to_have_text("2/2")
    expect(other.locator("message-item")).to_have_count(2)


def test_another_device_is_looked_for_on_coming_back(chat: Page, alice: Person) -> None:
    ask(chat, script(["One."]))
    alice.ask(script(["From the phone."]), conversation_id=chat.url.rsplit("/", 1)[1])
    chat.wait_for_timeout(3100)  # a page that was looked at just now is not asked for again
    chat.evaluate("dispatchEvent(new Event('focus'))")
    expect(words_of(last_answer(chat))).to_have_text("From the phone.")


def test_the_other_tab_shows_what_became_of_the_list(chat: Page, alice: Person) -> None:
    ask(chat, script(["One."]))
    alice.call("PATCH", f"/api/conversations/{chat.url.rsplit('/', 1)[1]}", {"title": "First"})
    chat.reload()
    other = second_tab(chat)
    choose(chat, "First", "Rename")
    chat.get_by_role("textbox", name="Title").fill("Better")
    chat.keyboard.press("Enter")
    expect(other.get_by_role("heading", level=1)).to_have_text("Better")
    expect(other).to_have_title(re.compile("^Better"))
    expect(titles(other)).to_have_text(["Better"])
    choose(chat, "Better", "Pin")
    expect(other.get_by_role("heading", name="Pinned")).to_be_visible()
    choose(chat, "Better", "Archive")
    expect(titles(other)).to_have_count(0)
    chat.get_by_role("button", name="Undo").click()
    expect(titles(other)).to_have_text(["Better"])


def test_another_devices_title_is_learnt_with_its_messages(chat: Page, alice: Person) -> None:
    ask(chat, script(["One."]))
    conversation = chat.url.rsplit("/", 1)[1]
    alice.call("PATCH", f"/api/conversations/{conversation}", {"title": "Better"})
    alice.ask(script(["From the phone."]), conversation_id=conversation)
    chat.wait_for_timeout(3100)
    chat.evaluate("dispatchEvent(new Event('focus'))")
    expect(chat.get_by_role("heading", level=1)).to_have_text("Better")
    expect(titles(chat)).to_have_text(["Better"])


def test_a_hidden_tab_lets_the_connection_go_and_takes_it_up_again(chat: Page) -> None:
    send(chat, long_answer(delay_ms=10))
    expect(words_of(last_answer(chat))).to_contain_text("10 ")
    with chat.expect_event("requestfailed", lambda request: "/api/chat/stream" in request.url):
        chat.evaluate(LOOK, True)
    with chat.expect_request("**/events") as resumed:
        chat.evaluate(LOOK, False)
    assert int(resumed.value.headers["last-event-id"]) > 0
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_have_text("".join(WORDS).strip())


def test_a_draft_survives_a_reload_in_its_own_conversation(open_page: Opens, alice: Person) -> None:
    one, two = (alice.ask(script(["x"]))["conversation_id"] for _ in range(2))
    page = open_page(f"/chat/{one}", alice)
    field = page.get_by_label("Message", exact=True)
    field.fill("Not yet")
    page.goto(f"/chat/{two}")
    expect(field).to_have_value("")
    page.goto(f"/chat/{one}")
    expect(field).to_have_value("Not yet")

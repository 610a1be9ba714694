"""Talking: from the first message to the last word of the answer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.cable import Cable
from tests.e2e.chatting import WORDS, ask, last_answer, long_answer, script, send, send_button, words_of
from tests.e2e.conftest import Opens, Site
from tests.people import Person

pytestmark = pytest.mark.browser


def test_it_works(chat: Page) -> None:
    send(chat, script(["# A title\n\n", "Some **bold** ", "words.\n\n", "- one\n", "- two"], delay_ms=30))

    answer = last_answer(chat)
    expect(answer).to_have_attribute("data-status", "complete")
    expect(words_of(answer).locator("strong")).to_have_text("bold")
    expect(words_of(answer).locator("li")).to_have_text(["one", "two"])
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    expect(chat.locator("conversation-list a[aria-current]")).to_have_count(1)
    before = words_of(answer).inner_html()

    chat.reload()
    expect(chat.locator("message-item")).to_have_count(2)
    assert words_of(last_answer(chat)).inner_html() == before


def test_the_answer_grows(chat: Page) -> None:
    send(chat, long_answer())
    expect(last_answer(chat)).to_have_attribute("data-status", "streaming")
    expect(words_of(last_answer(chat))).to_contain_text("5 ")
    expect(words_of(last_answer(chat))).to_contain_text("50 ")
    assert "249" not in words_of(last_answer(chat)).inner_text()


def test_a_second_question_goes_into_the_same_conversation(chat: Page) -> None:
    ask(chat, script(["One."]))
    url = chat.url
    ask(chat, script(["Two."]))
    assert chat.url == url
    expect(chat.locator("message-item")).to_have_count(4)
    expect(chat.locator("conversation-list li")).to_have_count(1)


def test_shift_enter_breaks_the_line(chat: Page) -> None:
    field = chat.get_by_label("Message", exact=True)
    expect(field).to_be_focused()
    chat.keyboard.type("one")
    chat.keyboard.press("Shift+Enter")
    chat.keyboard.type("two")
    expect(field).to_have_value("one\ntwo")
    chat.keyboard.press("Enter")
    expect(chat.locator(".bubble")).to_have_text("one\ntwo")
    expect(field).to_have_value("")


def test_enter_within_a_composition_does_not_send(chat: Page) -> None:
    field = chat.get_by_label("Message", exact=True)
    field.fill("にほんご")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True})
    expect(field).to_have_value("にほんご")
    expect(chat.locator("message-item")).to_have_count(0)


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop(chat: Page, how: str) -> None:
    send(chat, long_answer())
    expect(words_of(last_answer(chat))).to_contain_text("10 ")
    if how == "button":
        chat.get_by_role("button", name="Stop the answer").click()
    else:
        chat.keyboard.press("Escape")
    expect(last_answer(chat)).to_have_attribute("data-status", "stopped")
    expect(last_answer(chat).get_by_text("Stopped", exact=True)).to_be_visible()
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    shown = words_of(last_answer(chat)).inner_text()

    chat.reload()
    expect(last_answer(chat)).to_have_attribute("data-status", "stopped")
    assert words_of(last_answer(chat)).inner_text().startswith(shown)


def test_reload_in_mid_answer_goes_on(chat: Page) -> None:
    send(chat, long_answer(delay_ms=10))
    expect(words_of(last_answer(chat))).to_contain_text("30 ")
    chat.reload()
    expect(last_answer(chat)).to_have_attribute("data-status", "streaming")
    expect(send_button(chat)).to_have_attribute("data-state", "stop")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_have_text("".join(WORDS).strip())


def test_a_lost_connection_loses_no_word(open_page: Opens, site: Site, alice: Person) -> None:
    with Cable(site.server.port) as cable:
        chat = open_page("/chat", alice, base_url=cable.url)
        send(chat, long_answer(delay_ms=10))
        expect(words_of(last_answer(chat))).to_contain_text("20 ")
        cable.pull()
        expect(chat.locator("#connection-banner")).to_be_visible()
        cable.plug_in()
        expect(last_answer(chat)).to_have_attribute("data-status", "complete")
        expect(words_of(last_answer(chat))).to_have_text("".join(WORDS).strip())
        expect(chat.locator("#connection-banner")).to_be_hidden()


def test_another_tab_sees_the_answer_too(chat: Page) -> None:
    send(chat, long_answer(delay_ms=10))
    expect(words_of(last_answer(chat))).to_contain_text("10 ")
    other = chat.context.new_page()
    other.goto(chat.url)
    for page in (chat, other):
        expect(last_answer(page)).to_have_attribute("data-status", "complete")
        expect(words_of(last_answer(page))).to_have_text("".join(WORDS).strip())


def test_streaming_off(chat: Page) -> None:
    paths: list[str] = []
    chat.on("request", lambda request: paths.append(request.url) if request.method == "POST" else None)
    switch = chat.get_by_role("switch", name="Streaming")
    expect(switch).to_be_checked()
    chat.get_by_text("Streaming", exact=True).click()
    answer = ask(chat, script(["All ", "at ", "once."]))
    expect(words_of(answer)).to_have_text("All at once.")
    assert [path.rsplit("/api", 1)[1] for path in paths] == ["/chat"]

    chat.reload()
    expect(switch).not_to_be_checked()
    expect(words_of(last_answer(chat))).to_have_text("All at once.")


def test_streaming_off_shows_the_thoughts_too(chat: Page) -> None:
    chat.get_by_text("Streaming", exact=True).click()
    answer = ask(chat, script(["So."], thinking="Let me see."))
    answer.locator('[data-part="reasoning"] summary').click()
    expect(answer.get_by_text("Let me see.")).to_be_visible()


def test_stop_without_streaming(chat: Page) -> None:
    chat.get_by_text("Streaming", exact=True).click()
    send(chat, long_answer())
    chat.wait_for_timeout(500)
    chat.get_by_role("button", name="Stop the answer").click()
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    expect(words_of(last_answer(chat))).to_contain_text("0 1 2")


def test_stop_without_streaming_where_others_are_pinned(open_page: Opens, alice: Person) -> None:
    pinned = alice.ask(script(["Hm."]))["conversation_id"]
    alice.call("PATCH", f"/api/conversations/{pinned}", {"pinned": True})
    chat = open_page("/chat", alice)
    chat.get_by_text("Streaming", exact=True).click()
    send(chat, long_answer())
    chat.wait_for_timeout(500)
    chat.get_by_role("button", name="Stop the answer").click()
    expect(send_button(chat)).to_have_attribute("data-state", "send", timeout=3000)
    expect(words_of(last_answer(chat))).to_contain_text("0 1 2")


def test_the_thoughts_are_folded(chat: Page) -> None:
    send(chat, script(["So."], thinking="Let me see. " * 5, delay_ms=20))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    summary = last_answer(chat).locator('[data-part="reasoning"] summary')
    expect(summary).to_have_text(re.compile(r"Thought for \d+ s"))
    thought = last_answer(chat).get_by_text("Let me see.")
    expect(thought).to_be_hidden()
    summary.click()
    expect(thought).to_be_visible()


def test_the_page_stays_where_the_reader_is(chat: Page) -> None:
    send(chat, script([f"Line {n}.\n\n" for n in range(200)], delay_ms=15))
    expect(words_of(last_answer(chat))).to_contain_text("Line 40.")
    scroller = chat.locator("message-list")
    jump = chat.get_by_role("button", name="Jump to the latest message")
    expect(jump).to_be_hidden()
    scroller.evaluate("list => list.scrollTo(0, 50)")
    expect(jump).to_be_visible()
    expect(words_of(last_answer(chat))).to_contain_text("Line 80.")
    assert scroller.evaluate("list => list.scrollTop") == 50
    jump.click()
    expect(jump).to_be_hidden()
    expect(words_of(last_answer(chat))).to_contain_text("Line 199.")
    assert scroller.evaluate("list => list.scrollHeight - list.scrollTop - list.clientHeight") < 100


def test_code_is_coloured_and_copied(open_page: Opens, alice: Person) -> None:
    chat = open_page("/chat", alice, permissions=["clipboard-read", "clipboard-write"])
    answer = ask(chat, script(["```python\nprint('hi')\n```\n\nDone."]))
    expect(answer.locator(".hljs-string")).to_have_text("'hi'")
    answer.get_by_role("button", name="Copy the code").click()
    assert chat.evaluate("navigator.clipboard.readText()") == "print('hi')\n"
    answer.get_by_role("button", name="Copy the answer").click()
    assert chat.evaluate("navigator.clipboard.readText()") == "```python\nprint('hi')\n```\n\nDone."


def test_the_model_is_remembered(chat: Page) -> None:
    picker = chat.get_by_label("Model")
    expect(picker).to_have_value("fake")
    picker.select_option("fake-thinking")
    answer = ask(chat, script(["Hm."]))
    expect(answer.locator('[data-part="model"]')).to_have_text("fake-thinking")
    chat.goto("/chat")
    expect(picker).to_have_value("fake-thinking")


def test_what_was_left_out_is_said(chat: Page) -> None:
    ask(chat, script(["Many words. "] * 2_000))
    ask(chat, script(["Two."]))
    line = chat.get_by_text("What stands above no longer fits into the model’s memory")
    expect(line).to_be_visible()
    assert line.evaluate("line => line.nextElementSibling.dataset.role") == "user"


def test_answers_are_announced_in_blocks(chat: Page) -> None:
    ask(chat, script(["First ", "block.\n\n", "Second ", "block."], delay_ms=40))
    expect(chat.locator("#announcer p")).to_have_text(["First block.", "Second block."])


def test_only_one_request_a_question(chat: Page) -> None:
    posts: list[Request] = []
    chat.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    send(chat, script(["x "] * 20, delay_ms=20))
    send(chat, "and another, while the first is being answered")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    assert len(posts) == 1
    expect(chat.get_by_label("Message", exact=True)).to_have_value("and another, while the first is being answered")


def test_a_suggestion_fills_the_composer(chat: Page) -> None:
    chat.get_by_role("button", name="Explain the internet").click()
    expect(chat.get_by_label("Message", exact=True)).to_have_value(re.compile("ten-year-old"))
    expect(chat.get_by_label("Message", exact=True)).to_be_focused()


def test_a_draft_survives_a_reload(chat: Page) -> None:
    chat.get_by_label("Message", exact=True).fill("half a thou")
    chat.reload()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("half a thou")


def slow_start(route: Route) -> None:
    """Hold a request back for a moment."""
    route.request.frame.page.wait_for_timeout(300)
    route.continue_()


def test_what_is_written_meanwhile_belongs_to_the_new_conversation(chat: Page) -> None:
    chat.route("**/api/chat/stream", slow_start)
    send(chat, long_answer())
    chat.get_by_label("Message", exact=True).fill("And then")
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    chat.reload()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("And then")
    chat.goto("/chat")
    expect(chat.get_by_label("Message", exact=True)).to_have_value("")


def test_settings_take_the_draft_along(chat: Page) -> None:
    chat.get_by_label("Message", exact=True).fill("half a thou")
    chat.get_by_role("button", name="Settings of this conversation").click()
    chat.get_by_role("button", name="Save").click()
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    chat.reload()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("half a thou")


def test_stop_before_the_first_word(chat: Page) -> None:
    chat.route("**/api/chat/stream", slow_start)
    send(chat, long_answer())
    chat.get_by_role("button", name="Stop the answer").click()
    expect(last_answer(chat)).to_have_attribute("data-status", "stopped")

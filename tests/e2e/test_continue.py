"""Going on with an answer that ended too early."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.chatting import last_answer, long_answer, script, send, send_button, words_of
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def continue_button(page: Page) -> Locator:
    """Give the button below the newest answer."""
    return last_answer(page).get_by_role("button", name="Continue")


def break_off(page: Page) -> None:
    """Ask, and get half an answer."""
    send(page, script(["Half ", "an ", "answer"], fail="cut", after=2))
    expect(words_of(last_answer(page))).to_have_text("Half an")
    expect(last_answer(page).get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize("streaming", [True, False])
def test_it_works(chat: Page, streaming: bool) -> None:
    if not streaming:
        chat.get_by_text("Streaming", exact=True).click()
    break_off(chat)
    old_id = last_answer(chat).get_attribute("data-id")
    with chat.expect_request("**/api/chat" + ("/stream" if streaming else "")) as sent:
        continue_button(chat).click()
    assert (sent.value.post_data_json or {})["continue_id"] == old_id
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    for _ in range(2):
        expect(words_of(last_answer(chat))).to_contain_text("Half an You asked:")
        expect(words_of(last_answer(chat))).to_contain_text("This is the end.")
        expect(chat.locator("message-item")).to_have_count(2)
        expect(continue_button(chat)).to_be_hidden()
        chat.reload()


def test_after_a_reload(chat: Page) -> None:
    break_off(chat)
    chat.reload()
    continue_button(chat).click()
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_contain_text("Half an You asked:")


@pytest.mark.parametrize("reloaded", [False, True])
def test_a_stopped_answer(chat: Page, reloaded: bool) -> None:
    send(chat, long_answer())
    expect(words_of(last_answer(chat))).to_contain_text("5 ")
    chat.keyboard.press("Escape")
    expect(last_answer(chat).get_by_text("Stopped", exact=True)).to_be_visible()
    if reloaded:
        chat.reload()
    shown = words_of(last_answer(chat)).inner_text()
    continue_button(chat).click()
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    assert words_of(last_answer(chat)).inner_text().startswith(shown)
    expect(words_of(last_answer(chat))).to_contain_text("This is the end.")


def test_without_words_there_is_nothing_to_continue(chat: Page) -> None:
    send(chat, script([], fail="error"))
    for _ in range(2):
        expect(last_answer(chat).get_by_role("button", name="Try again")).to_be_visible()
        expect(continue_button(chat)).to_be_hidden()
        chat.reload()


def test_an_answer_further_up(chat: Page) -> None:
    break_off(chat)
    send(chat, script(["Whole."]))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    chat.get_by_role("button", name="Continue").click()
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_contain_text("Half an You asked:")
    expect(chat.locator("message-item")).to_have_count(2)
    expect(last_answer(chat).locator('[data-part="place"]')).to_have_text("2/2")
    last_answer(chat).get_by_role("link", name="Previous version").click()
    expect(words_of(last_answer(chat))).to_have_text("Whole.")


def test_a_refusal_further_up_loses_nothing_below(chat: Page) -> None:
    break_off(chat)
    send(chat, script(["Whole."]))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    error = {"error": "The model can't be reached.", "code": "llm_unavailable", "question_id": "some"}
    chat.route("**/api/chat/stream", lambda route: route.fulfill(status=503, json=error))
    chat.get_by_role("button", name="Continue").click()
    expect(chat.locator(".notice:visible")).to_contain_text("can't be reached")
    expect(words_of(last_answer(chat))).to_have_text("Whole.")
    expect(chat.locator("message-item")).to_have_count(4)


@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_that_a_limit_cut(chat: Page, streaming: bool) -> None:
    if not streaming:
        chat.get_by_text("Streaming", exact=True).click()
    send(chat, script(["Once upon "], reason="length"))
    for _ in range(2):
        expect(last_answer(chat).get_by_text("The answer was cut at a limit of its length.")).to_be_visible()
        expect(last_answer(chat).get_by_text("Stopped", exact=True)).to_be_hidden()
        chat.reload()
    continue_button(chat).click()
    expect(words_of(last_answer(chat))).to_contain_text("Once upon You asked:")
    expect(last_answer(chat).get_by_text("The answer was cut at a limit of its length.")).to_be_hidden()


def test_a_refusal_loses_no_word(chat: Page) -> None:
    def refuse(route: Route) -> None:
        error = {"error": "The model can't be reached.", "code": "llm_unavailable", "question_id": "some"}
        route.fulfill(status=503, json=error)

    break_off(chat)
    chat.route("**/api/chat/stream", refuse)
    continue_button(chat).click()
    expect(last_answer(chat).locator(".notice")).to_contain_text("can't be reached")
    expect(words_of(last_answer(chat))).to_have_text("Half an")
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    chat.unroute("**/api/chat/stream")
    continue_button(chat).click()
    expect(words_of(last_answer(chat))).to_contain_text("This is the end.")
    expect(chat.locator("message-item")).to_have_count(2)


def test_a_whole_reply_can_go_on_as_soon_as_it_is_shown(chat: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    chat.get_by_text("Streaming", exact=True).click()
    chat.route("**/api/conversations/*?limit=2", hold)
    send(chat, script(["Half ", "an ", "answer"], fail="cut", after=2))
    wait_until(lambda: chat.evaluate("true") and len(held) > 0)
    expect(continue_button(chat)).to_be_hidden()
    held[0].continue_()
    chat.unroute("**/api/conversations/*?limit=2")
    continue_button(chat).click()
    expect(words_of(last_answer(chat))).to_contain_text("This is the end.")

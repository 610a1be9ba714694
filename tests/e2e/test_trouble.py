"""When something is wrong: the page says what, keeps every word, and goes on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.chatting import ask, last_answer, script, send, send_button, words_of
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.browser


def test_a_model_that_cannot_be_reached(chat: Page) -> None:
    send(chat, script([], fail="unavailable"))
    notice = last_answer(chat).locator(".notice")
    expect(notice).to_contain_text("can't be reached")
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    expect(chat.locator("conversation-list li")).to_have_count(1)

    chat.reload()
    expect(notice).to_contain_text("no answer yet")
    with chat.expect_request("**/api/chat/stream") as sent:
        notice.get_by_role("button", name="Try again").click()
    assert "question_id" in (sent.value.post_data_json or {})
    expect(notice).to_contain_text("can't be reached")
    expect(chat.locator(".bubble")).to_have_count(1)


def test_a_model_that_is_not_there(chat: Page) -> None:
    picker = chat.get_by_label("Model")
    expect(picker).to_have_value("fake")
    picker.locator("option").first.evaluate("option => { option.value = 'gone' }")
    picker.dispatch_event("change")
    send(chat, "Hello?")
    expect(last_answer(chat).locator(".notice")).to_contain_text("not installed")
    chat.reload()
    expect(picker.locator(":checked")).to_have_text("gone (not installed)")
    picker.select_option("fake")
    last_answer(chat).get_by_role("button", name="Try again").click()
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_contain_text("Hello?")
    expect(chat.locator(".bubble")).to_have_count(1)


@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_that_breaks_off(chat: Page, streaming: bool) -> None:
    if not streaming:
        chat.get_by_text("Streaming", exact=True).click()
    send(chat, script(["Half ", "an ", "answer"], fail="cut", after=2))
    expect(last_answer(chat)).to_have_attribute("data-status", "failed")
    for _ in range(2):
        expect(words_of(last_answer(chat))).to_have_text("Half an")
        expect(last_answer(chat).locator(".notice")).to_contain_text("broke off")
        expect(last_answer(chat).get_by_role("button", name="Try again")).to_be_visible()
        chat.reload()
    last_answer(chat).get_by_role("button", name="Try again").click()
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    expect(chat.locator("message-item")).to_have_count(2)


def test_an_answer_further_up_can_be_asked_for_again(chat: Page) -> None:
    send(chat, script(["Half"], fail="cut", after=1))
    again = chat.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    ask(chat, script(["Whole."]))
    chat.reload()
    expect(chat.locator(".notice:visible")).to_contain_text("broke off")
    again.click()
    expect(last_answer(chat)).to_have_attribute("data-status", "failed")
    expect(chat.locator("message-item")).to_have_count(2)
    expect(last_answer(chat).locator('[data-part="place"]')).to_have_text("2/2")


def test_too_many_questions(chat: Page) -> None:
    def refuse(route: Route) -> None:
        body = '{"error": "You are sending messages faster than allowed here.", "code": "too_many_requests"}'
        route.fulfill(status=429, body=body, headers={"Content-Type": "application/json", "Retry-After": "17"})

    chat.route("**/api/chat/stream", refuse)
    send(chat, "My precious words")
    expect(chat.get_by_role("alert").filter(has_text="faster than allowed")).to_contain_text("17 s")
    expect(chat.get_by_label("Message", exact=True)).to_have_value("My precious words")
    expect(chat.locator("message-item")).to_have_count(0)


def test_a_server_that_is_away(chat: Page) -> None:
    chat.context.set_offline(True)
    send(chat, "My precious words")
    expect(chat.get_by_role("alert").filter(has_text="can't be reached")).to_be_visible()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("My precious words")
    chat.context.set_offline(False)
    ask(chat, script(["Back."]))
    expect(chat.get_by_role("alert")).to_have_count(0)


def test_a_session_that_is_over(chat: Page, alice: Person) -> None:
    chat.context.clear_cookies()
    send(chat, "My precious words")
    expect(chat).to_have_url(re.compile(r"/auth/login\?next="))
    chat.get_by_label("E-mail").fill(alice.email)
    chat.get_by_label("Password", exact=True).fill(PASSWORD)
    chat.get_by_role("button", name="Sign in", exact=True).click()
    expect(chat).to_have_url(re.compile(r"/chat$"))
    expect(chat.get_by_label("Message", exact=True)).to_have_value("My precious words")


def test_models_that_cannot_be_reached_are_named(chat: Page) -> None:
    missing = {"provider": "ollama", "error": "Ollama can't be reached at localhost. Start it."}
    with_ollama_down = {"models": [], "default": None, "unreachable": [missing]}
    chat.route("**/api/models", lambda route: route.fulfill(json=with_ollama_down))
    chat.reload()
    expect(chat.get_by_text("Ollama can't be reached at localhost.")).to_be_visible()
    expect(chat.get_by_label("Model")).to_be_disabled()
    expect(chat.get_by_label("Message", exact=True)).to_be_enabled()
    chat.unroute("**/api/models")
    chat.get_by_role("button", name="Check again").click()
    expect(chat.get_by_label("Model")).to_have_value("fake")
    expect(chat.get_by_text("Ollama can't be reached at localhost.")).to_be_hidden()

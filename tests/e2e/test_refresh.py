"""What the page learns in the background takes nothing away from whoever uses it; a deletion that waits is the last word."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.e2e.chatting import WORDS, ask, last_answer, long_answer, script, send, words_of
from tests.e2e.conftest import Opens
from tests.e2e.test_branches import delete, edit, questions
from tests.e2e.test_chat import slow_start
from tests.people import HELLO, Person

pytestmark = pytest.mark.browser
BRANCH = re.compile(r"/api/conversations/[0-9a-f-]{36}\?")
TELL = """() => {
  const channel = new BroadcastChannel('conversations');
  channel.postMessage(document.querySelector('chat-page').dataset.conversation);
  channel.close();
}"""


def tell(page: Page) -> None:
    """Say, as another tab does, that something is new in the conversation."""
    page.evaluate(TELL)


def hold_refresh(page: Page) -> Callable[[], None]:
    """Have the page refresh itself, and keep the server's answer back; gives what lets it through."""
    held: list[tuple[Route, APIResponse]] = []

    def keep(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route(BRANCH, keep)
    with page.expect_request(BRANCH):
        tell(page)

    def let_through() -> None:
        ((route, response),) = held
        with page.expect_response(BRANCH):
            route.fulfill(response=response)
        page.wait_for_timeout(100)

    return let_through


def test_a_late_refresh_takes_no_question_away(chat: Page) -> None:
    ask(chat, script(["One."]))
    let_through = hold_refresh(chat)
    send(chat, long_answer(delay_ms=10))
    expect(words_of(last_answer(chat))).to_contain_text("5 ")
    let_through()
    expect(questions(chat)).to_have_count(2)
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat))).to_have_text("".join(WORDS).strip())


def test_a_late_refresh_undoes_no_choice(chat: Page) -> None:
    ask(chat, script(["One."]))
    edit(chat, questions(chat).first, script(["Two."]))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    let_through = hold_refresh(chat)
    questions(chat).first.get_by_role("link", name="Previous version").click()
    expect(words_of(last_answer(chat))).to_have_text("One.")
    url = chat.url
    let_through()
    expect(words_of(last_answer(chat))).to_have_text("One.")
    expect(chat).to_have_url(url)


def test_a_refresh_does_not_come_before_a_choice(chat: Page) -> None:
    ask(chat, script(["One."]))
    edit(chat, questions(chat).first, script(["Two."]))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url) if BRANCH.search(request.url) else None)
    chat.route(BRANCH, slow_start)
    questions(chat).first.get_by_role("link", name="Previous version").click()
    tell(chat)
    expect(words_of(last_answer(chat))).to_have_text("One.")
    assert len(asked) == 1


def test_a_late_refresh_brings_nothing_deleted_back(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Two."]))
    let_through = hold_refresh(chat)
    delete(chat, questions(chat).last)
    expect(chat.locator("message-item")).to_have_count(2)
    let_through()
    expect(chat.locator("message-item")).to_have_count(2)


def test_news_waits_for_a_deletion(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Two."]))
    delete(chat, questions(chat).last)
    expect(chat.locator("message-item")).to_have_count(2)
    tell(chat)
    chat.wait_for_timeout(500)
    expect(chat.locator("message-item")).to_have_count(2)
    chat.get_by_role("button", name="Undo").click()
    expect(words_of(last_answer(chat))).to_have_text("Two.")


def test_sending_ends_the_time_to_undo(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Two."]))
    delete(chat, questions(chat).last)
    expect(chat.get_by_text("Deleted.")).to_be_visible()
    with chat.expect_response(lambda response: response.request.method == "DELETE"):
        send(chat, script(["Three."]))
    expect(chat.get_by_role("button", name="Undo")).to_be_hidden()
    for _ in range(2):
        expect(chat.locator('[data-role="assistant"] [data-part="text"]')).to_have_text(["One.", "Three."])
        expect(chat.get_by_role("link", name="Next version")).to_have_count(0)
        chat.reload()


@pytest.fixture
def named(open_page: Opens, alice: Person) -> Page:
    """A conversation of two questions, opened at the second answer, as search does."""
    conversation = alice.ask(HELLO)["conversation_id"]
    answer = alice.ask(HELLO, conversation_id=conversation)["message_id"]
    return open_page(f"/chat/{conversation}?leaf={answer}#message-{answer}", alice)


def test_deleting_what_the_address_names(named: Page, alice: Person) -> None:
    with named.expect_response(lambda response: response.request.method == "DELETE"):
        delete(named, questions(named).last)
    named.reload()
    expect(named.locator("message-item")).to_have_count(2)
    alice.ask(script(["From the phone."]), conversation_id=named.url.split("/")[4].split("?")[0])
    tell(named)
    expect(words_of(last_answer(named))).to_have_text("From the phone.")


def test_what_the_address_names_was_deleted_elsewhere(named: Page, alice: Person) -> None:
    alice.call("DELETE", f"/api/messages/{questions(named).last.get_attribute('data-id')}")
    tell(named)
    expect(named.locator("message-item")).to_have_count(2)
    expect(named).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))


def test_undo_shows_the_branch_that_was_shown(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Below."]))
    edit(chat, questions(chat).last, script(["Newer."]))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    questions(chat).last.get_by_role("link", name="Previous version").click()
    expect(words_of(last_answer(chat))).to_have_text("Below.")
    delete(chat, questions(chat).first)
    expect(chat.locator("message-item")).to_have_count(0)
    chat.get_by_role("button", name="Undo").click()
    expect(words_of(last_answer(chat))).to_have_text("Below.")

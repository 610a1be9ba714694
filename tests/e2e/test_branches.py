"""Branches by hand: edit, answer again, choose among versions, delete and undo."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chat.test_branches import make_long
from tests.e2e.chatting import ask, last_answer, long_answer, script, send, send_button, words_of
from tests.e2e.conftest import Opens, Site
from tests.people import Person

pytestmark = pytest.mark.browser


def questions(page: Page) -> Locator:
    """Give all questions."""
    return page.locator('message-item[data-role="user"]')


def place(message: Locator) -> Locator:
    """Give the `2/3` of a message."""
    return message.locator('[data-part="place"]')


def edit(page: Page, question: Locator, text: str) -> None:
    """Put a question in other words."""
    question.hover()
    question.get_by_role("button", name="Edit the question").click()
    page.get_by_label("Question", exact=True).fill(text)
    page.keyboard.press("Enter")


def delete(page: Page, message: Locator) -> None:
    """Delete a message by its menu."""
    message.hover()
    message.get_by_role("button", name=re.compile("More about")).click()
    page.get_by_role("button", name="Delete from here on").click()


def test_an_edited_question_stands_beside_the_old_one(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Below."]))
    edit(chat, questions(chat).first, script(["Two."]))
    expect(words_of(last_answer(chat))).to_have_text("Two.")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    for _ in range(2):
        expect(questions(chat)).to_have_count(1)
        expect(place(questions(chat).first)).to_have_text("2/2")
        chat.reload()

    questions(chat).first.get_by_role("link", name="Previous version").click()
    for _ in range(2):
        expect(words_of(last_answer(chat))).to_have_text("Below.")
        expect(place(questions(chat).first)).to_have_text("1/2")
        expect(questions(chat)).to_have_count(2)
        chat.reload()


def test_what_is_asked_on_an_older_branch_follows_it(chat: Page) -> None:
    ask(chat, script(["One."]))
    edit(chat, questions(chat).first, script(["Two."]))
    expect(words_of(last_answer(chat))).to_have_text("Two.")
    questions(chat).first.get_by_role("link", name="Next version").click()
    expect(words_of(last_answer(chat))).to_have_text("One.")
    ask(chat, script(["Three."]))
    for _ in range(2):
        expect(chat.locator('[data-role="assistant"] [data-part="text"]')).to_have_text(["One.", "Three."])
        chat.reload()


def test_an_answer_again_stands_beside_the_old_one(chat: Page) -> None:
    ask(chat, script(["Same."]))
    last_answer(chat).get_by_role("button", name="Answer again").click()
    expect(place(last_answer(chat))).to_have_text("2/2")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    last_answer(chat).get_by_role("button", name="More about this answer").click()
    chat.get_by_role("button", name="Answer with another model…").click()
    chat.get_by_role("dialog").get_by_role("button", name=re.compile("^fake-thinking")).click()
    for _ in range(2):
        expect(place(last_answer(chat))).to_have_text("3/3")
        expect(last_answer(chat).locator('[data-part="model"]')).to_have_text("fake-thinking")
        expect(chat.locator("message-item")).to_have_count(2)
        chat.reload()


def test_the_versions_by_keyboard(chat: Page) -> None:
    ask(chat, script(["Same."]))
    for _ in range(2):
        last_answer(chat).get_by_role("button", name="Answer again").click()
        expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(place(last_answer(chat))).to_have_text("3/3")
    last_answer(chat).get_by_role("link", name="Next version").focus()
    for key, where, name in (
        ("ArrowRight", "1/3", "Next"),
        ("ArrowRight", "2/3", "Next"),
        ("ArrowLeft", "1/3", "Previous"),
    ):
        chat.keyboard.press(key)
        expect(place(last_answer(chat))).to_have_text(where)
        expect(last_answer(chat).get_by_role("link", name=f"{name} version")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(place(last_answer(chat))).to_have_text("3/3")


def test_versions_without_javascript(open_page: Opens, alice: Person) -> None:
    first = alice.ask(script(["One."]))
    alice.ask(script(["Two."]), edit_id=first["question_id"])
    page = open_page(f"/chat/{first['conversation_id']}", alice, java_script_enabled=False)
    expect(page.get_by_text("Two.", exact=True)).to_be_visible()
    page.get_by_role("link", name="Previous version").click()
    expect(page.get_by_text("One.", exact=True)).to_be_visible()
    expect(page.get_by_text("1/2")).to_be_visible()


def test_looking_elsewhere_stops_nothing(chat: Page) -> None:
    ask(chat, script(["One."]))
    edit(chat, questions(chat).first, long_answer(delay_ms=10))
    expect(words_of(last_answer(chat))).to_contain_text("10 ")
    questions(chat).first.get_by_role("link", name="Previous version").click()
    expect(words_of(last_answer(chat))).to_have_text("One.")
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    questions(chat).first.get_by_role("link", name="Next version").click()
    expect(words_of(last_answer(chat))).to_contain_text("249")
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")


def test_a_refused_edit_gives_the_words_back(chat: Page) -> None:
    ask(chat, script(["One."]))
    error = {"error": "Not so fast.", "code": "too_many_requests"}
    chat.route("**/api/chat/stream", lambda route: route.fulfill(status=429, json=error))
    edit(chat, questions(chat).first, "Precious words")
    field = chat.get_by_label("Question", exact=True)
    expect(field).to_have_value("Precious words")
    expect(chat.get_by_role("alert").filter(has_text="Not so fast.")).to_be_visible()
    expect(words_of(last_answer(chat))).to_have_text("One.")
    chat.keyboard.press("Escape")
    expect(chat.get_by_role("button", name="Edit the question")).to_be_focused()
    expect(questions(chat).first.locator(".bubble")).to_be_visible()


def test_arrow_up_edits_the_last_question(chat: Page) -> None:
    ask(chat, "First")
    ask(chat, "Second")
    chat.get_by_label("Message", exact=True).focus()
    chat.keyboard.press("ArrowUp")
    field = chat.get_by_label("Question", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_value("Second")


def test_delete_and_undo(chat: Page) -> None:
    ask(chat, script(["One."]))
    ask(chat, script(["Two."]))
    delete(chat, questions(chat).last)
    expect(chat.locator("message-item")).to_have_count(2)
    expect(chat.get_by_text("Deleted.")).to_be_visible()
    chat.get_by_role("button", name="Undo").click()
    expect(words_of(last_answer(chat))).to_have_text("Two.")
    expect(chat.get_by_text("Deleted.")).to_be_hidden()
    chat.reload()
    expect(chat.locator("message-item")).to_have_count(4)


def test_what_is_deleted_stays_deleted(chat: Page) -> None:
    ask(chat, script(["One."]))
    edit(chat, questions(chat).first, script(["Two."]))
    expect(words_of(last_answer(chat))).to_have_text("Two.")
    delete(chat, questions(chat).first)
    expect(words_of(last_answer(chat))).to_have_text("One.")
    with chat.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        pass  # nobody undoes it
    assert deleted.value.status == 204
    for _ in range(2):
        expect(questions(chat)).to_have_count(1)
        expect(words_of(last_answer(chat))).to_have_text("One.")
        expect(chat.get_by_role("link", name="Next version")).to_have_count(0)
        chat.reload()


def test_leaving_the_page_deletes_what_nobody_undid(chat: Page, alice: Person) -> None:
    ask(chat, script(["One."]))
    url = chat.url
    delete(chat, questions(chat).first)
    expect(chat.get_by_text("Deleted.")).to_be_visible()
    chat.goto("/settings/account")
    chat.goto(url)
    expect(chat.locator("message-item")).to_have_count(0)
    expect(chat.locator("#empty-state")).to_be_visible()


def test_deleting_a_running_answer_stops_it(chat: Page) -> None:
    send(chat, long_answer())
    expect(words_of(last_answer(chat))).to_contain_text("5 ")
    delete(chat, questions(chat).first)
    expect(send_button(chat)).to_have_attribute("data-state", "send")
    expect(chat.locator("message-item")).to_have_count(0)


def test_a_long_conversation_opens_with_its_newest_part(open_page: Opens, site: Site, alice: Person) -> None:
    conversation, _ = make_long(site.app, alice, 260)
    page = open_page(f"/chat/{conversation}", alice)
    expect(page.get_by_text("Words 259", exact=True)).to_be_in_viewport()
    expect(page.locator("message-item")).to_have_count(100)
    page.locator("message-list").evaluate("list => list.scrollTo(0, 700)")
    expect(page.locator("message-item")).to_have_count(200)
    top = page.locator("message-list").evaluate("list => list.scrollTop")
    assert top > 1000, "what was in sight stays where it was"
    page.locator("message-list").evaluate("list => list.scrollTo(0, 0)")
    expect(page.locator("message-item")).to_have_count(260)
    expect(page.get_by_role("link", name="Show older messages")).to_have_count(0)
    texts = page.locator('[data-part="text"]').all_text_contents()
    assert [text.strip() for text in texts] == [f"Words {n}" for n in range(260)]

"""The list of conversations: what is open, renaming, deleting; on a phone it is a drawer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import script
from tests.e2e.conftest import Opens
from tests.people import Person

pytestmark = pytest.mark.browser


@pytest.fixture
def two_chats(open_page: Opens, alice: Person) -> Page:
    """Alice's page with two conversations; the newer is open."""
    path = ""
    for title in ("First question", "Second question"):
        path = f"/api/conversations/{alice.ask(script(['Hm.']))['conversation_id']}"
        alice.call("PATCH", path, {"title": title})
    return open_page(path.replace("/api/conversations", "/chat"), alice)


def test_it_works(two_chats: Page) -> None:
    links = two_chats.locator("conversation-list a")
    expect(links).to_have_text(["Second question", "First question"])
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Second question")
    links.last.click()
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("First question")
    expect(two_chats).to_have_title(re.compile("First question"))


def test_rename(two_chats: Page) -> None:
    two_chats.locator("conversation-list li").first.hover()
    two_chats.get_by_role("button", name="Rename “Second question”").click()
    two_chats.get_by_label("Title").fill("Better <b>title</b>")
    two_chats.keyboard.press("Enter")
    expect(two_chats.locator("conversation-list a").first).to_have_text("Better <b>title</b>")
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Better <b>title</b>")
    two_chats.reload()
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Better <b>title</b>")


def test_delete_another(two_chats: Page) -> None:
    two_chats.locator("conversation-list li").last.hover()
    two_chats.get_by_role("button", name="Delete “First question”").click()
    two_chats.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(two_chats.locator("conversation-list a")).to_have_text(["Second question"])
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Second question")
    expect(two_chats.locator("conversation-list a")).to_be_focused()


def test_delete_the_open_one(two_chats: Page) -> None:
    two_chats.locator("conversation-list li").first.hover()
    two_chats.get_by_role("button", name="Delete “Second question”").click()
    two_chats.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(two_chats).to_have_url(re.compile(r"/chat$"))
    expect(two_chats.locator("conversation-list a")).to_have_text(["First question"])


def test_thinking_better_of_it(two_chats: Page) -> None:
    two_chats.locator("conversation-list li").first.hover()
    button = two_chats.get_by_role("button", name="Delete “Second question”")
    button.click()
    two_chats.keyboard.press("Escape")
    expect(two_chats.locator("conversation-list li")).to_have_count(2)
    expect(button).to_be_focused()


def test_older_ones_are_fetched(open_page: Opens, alice: Person) -> None:
    for n in range(53):
        alice.call("POST", "/api/conversations", {"title": f"Chat {n}"})
    chat = open_page("/chat", alice)
    expect(chat.locator("conversation-list li")).to_have_count(50)
    chat.get_by_role("button", name="Show older ones").click()
    expect(chat.locator("conversation-list li")).to_have_count(53)
    expect(chat.locator("conversation-list li").last).to_contain_text("Chat 0")
    expect(chat.get_by_role("button", name="Show older ones")).to_be_hidden()


def test_the_drawer(open_page: Opens, alice: Person) -> None:
    alice.call("POST", "/api/conversations", {"title": "Dinners"})
    chat = open_page("/chat", alice, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    dinners = chat.get_by_role("link", name="Dinners")
    expect(dinners).to_be_hidden()
    opener = chat.get_by_role("button", name="Open the list of conversations")
    opener.click()
    expect(dinners).to_be_visible()
    chat.keyboard.press("Escape")
    expect(dinners).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    dinners.click()
    expect(chat).to_have_title(re.compile("Dinners"))
    assert chat.evaluate("document.documentElement.scrollWidth") == 390

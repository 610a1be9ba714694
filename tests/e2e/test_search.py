"""Searching from the sidebar: as one types, highlighted, and on to the message."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.chatting import script
from tests.e2e.conftest import Opens
from tests.people import Person

pytestmark = pytest.mark.browser
LONG = "\n\n".join(f"Paragraph {n} about nothing in particular." for n in range(60))


def field(page: Page) -> Locator:
    return page.get_by_role("searchbox")


@pytest.fixture
def searched(open_page: Opens, alice: Person) -> Page:
    """Alice's page; she once asked about bread, and much was said afterwards."""
    first = alice.ask(script(["Sourdough <b>needs</b> time."]))
    for _ in range(3):
        alice.ask(script([LONG]), conversation_id=first["conversation_id"])
    alice.call("PATCH", f"/api/conversations/{first['conversation_id']}", {"title": "Baking"})
    return open_page("/chat", alice)


def test_it_leads_to_the_message(searched: Page) -> None:
    searched.keyboard.press("Control+k")
    expect(field(searched)).to_be_focused()
    searched.keyboard.type("from:model sourdough")
    result = searched.locator(".search-result")
    expect(result).to_have_count(1)
    expect(result.locator("mark")).to_have_text("Sourdough")
    expect(result.locator("span")).to_have_text("Sourdough <b>needs</b> time.")
    searched.keyboard.press("ArrowDown")
    searched.keyboard.press("Enter")
    expect(searched).to_have_url(re.compile(r"/chat/[0-9a-f-]+\?leaf=[0-9a-f-]+#message-[0-9a-f-]+$"))
    expect(searched.locator("message-item:target")).to_be_in_viewport()
    expect(searched.locator("message-item:target")).to_contain_text("Sourdough")


def test_the_list_comes_back(searched: Page) -> None:
    field(searched).fill("baking")
    expect(searched.locator(".search-result mark").first).to_have_text("Baking")
    expect(searched.locator("conversation-list")).to_be_hidden()
    field(searched).press("Escape")
    expect(searched.locator("conversation-list")).to_be_visible()
    expect(searched.locator(".search-result")).to_have_count(0)


def test_what_is_not_there_and_what_is_wrong_is_said(searched: Page) -> None:
    field(searched).fill("nowhere to be found")
    expect(searched.get_by_text("Nothing was found.")).to_be_visible()
    field(searched).fill("before:soon")
    expect(searched.get_by_text("before: takes a date")).to_be_visible()
    field(searched).fill("")
    expect(searched.get_by_text("before: takes a date")).to_be_hidden()


def test_it_works_without_javascript(open_page: Opens, alice: Person) -> None:
    alice.ask(script(["A needle."]))
    chat = open_page("/chat", alice, java_script_enabled=False)
    field(chat).fill("from:model needle")
    field(chat).press("Enter")
    chat.locator(".search-result a").click()
    expect(chat.locator("message-item:target")).to_contain_text("A needle.")

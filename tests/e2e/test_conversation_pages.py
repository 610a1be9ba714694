"""The list of conversations comes page by page, also that of a folder; what fails once can be tried again."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from app.extensions import db
from app.models.conversation import Conversation
from tests.e2e.conftest import Opens, Site
from tests.e2e.test_conversations import titles
from tests.people import Person

pytestmark = pytest.mark.browser
LIST = "**/api/conversations?*"


def make(app: Flask, person: Person, count: int, **fields: str | bool) -> None:
    """Add so many conversations, Chat 0 the oldest."""
    with app.app_context():
        db.session.add_all([Conversation(user_id=person.id, title=f"Chat {n}", **fields) for n in range(count)])
        db.session.commit()


def lose(page: Page) -> None:
    """Let the next pages of the list get lost, until `page.unroute(LIST)`."""

    def drop(route: Route) -> None:
        route.abort()

    page.route(LIST, drop)


def test_a_folder_shows_everything(open_page: Opens, site: Site, alice: Person) -> None:
    make(site.app, alice, 103, folder="Work")
    make(site.app, alice, 1, folder="Work", pinned=True)
    chat = open_page("/chat", alice)
    expect(titles(chat)).to_have_count(1)
    chat.locator("conversation-list summary").click()
    expect(titles(chat)).to_have_count(104)
    expect(chat.locator("details[data-folder] li[data-id]").last).to_have_text("Chat 0")


def test_the_folder_of_the_open_conversation_shows_everything(open_page: Opens, site: Site, alice: Person) -> None:
    make(site.app, alice, 60, folder="Work")
    newest = alice.get("/api/conversations").get_json()["conversations"][0]["id"]
    chat = open_page(f"/chat/{newest}", alice)
    expect(titles(chat)).to_have_count(60)


def test_a_folder_that_could_not_be_loaded_is_loaded_next_time(open_page: Opens, site: Site, alice: Person) -> None:
    make(site.app, alice, 1, folder="Work")
    chat = open_page("/chat", alice)
    lose(chat)
    folder = chat.locator("conversation-list summary")
    folder.click()
    expect(chat.get_by_role("dialog")).to_contain_text("can't be reached")
    chat.keyboard.press("Escape")
    chat.unroute(LIST)
    folder.click()
    folder.click()
    expect(titles(chat)).to_have_text(["Chat 0"])


def test_a_page_that_was_lost_is_asked_for_again(open_page: Opens, site: Site, alice: Person) -> None:
    make(site.app, alice, 60)
    chat = open_page("/chat", alice)
    lose(chat)
    older = chat.get_by_role("link", name="Older ones")
    older.scroll_into_view_if_needed()
    expect(chat.get_by_role("dialog")).to_contain_text("can't be reached")
    chat.keyboard.press("Escape")
    chat.unroute(LIST)
    older.click()
    expect(titles(chat)).to_have_count(60)
    expect(older).to_be_hidden()


def test_a_folder_without_javascript(open_page: Opens, site: Site, alice: Person) -> None:
    make(site.app, alice, 51, folder="Work")
    chat = open_page("/chat", alice, java_script_enabled=False)
    chat.locator("conversation-list summary").click()
    chat.get_by_role("link", name="Show 51").click()
    expect(titles(chat)).to_have_count(50)
    chat.get_by_role("link", name="Older ones").click()
    expect(titles(chat)).to_have_text(["Chat 0"])

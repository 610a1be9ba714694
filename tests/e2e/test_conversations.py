"""The list of conversations: what is open, renaming, deleting; on a phone it is a drawer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from app.config import Settings
from tests.e2e.chatting import ask, script
from tests.e2e.conftest import Opens
from tests.people import Person, sign_up
from tests.serving import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
# In the page itself, for what a page sends while it is left is seen by nobody else.
COUNT_DELETIONS = """() => {
  const send = window.fetch;
  window.fetch = (path, init) => {
    if (init.method === 'DELETE') sessionStorage.setItem('deletions', Number(sessionStorage.getItem('deletions')) + 1);
    return send(path, init);
  };
}"""


@pytest.fixture
def two_chats(open_page: Opens, alice: Person) -> Page:
    """Alice's page with two conversations; the newer is open."""
    path = ""
    for title in ("First question", "Second question"):
        path = f"/api/conversations/{alice.ask(script(['Hm.']))['conversation_id']}"
        alice.call("PATCH", path, {"title": title})
    return open_page(path.replace("/api/conversations", "/chat"), alice)


def test_it_works(two_chats: Page) -> None:
    links = two_chats.locator("conversation-list li a")
    expect(links).to_have_text(["Second question", "First question"])
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Second question")
    links.last.click()
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("First question")
    expect(two_chats).to_have_title(re.compile("First question"))


def choose(page: Page, title: str, deed: str) -> None:
    """Choose something from the menu of a conversation."""
    page.get_by_role("button", name=f"Options of “{title}”").click()
    page.get_by_role("menuitem", name=deed).click()


def titles(page: Page) -> Locator:
    """The titles that can be seen in the list."""
    return page.locator("conversation-list li[data-id]:not([hidden]) [data-part=title]")


def test_rename_in_place(two_chats: Page) -> None:
    choose(two_chats, "Second question", "Rename")
    two_chats.get_by_role("textbox", name="Title").fill("Better <b>title</b>")
    two_chats.keyboard.press("Enter")
    expect(titles(two_chats).first).to_have_text("Better <b>title</b>")
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Better <b>title</b>")
    two_chats.reload()
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Better <b>title</b>")


def test_escape_renames_nothing(two_chats: Page) -> None:
    two_chats.locator("conversation-list a").first.focus()
    two_chats.keyboard.press("F2")
    two_chats.get_by_role("textbox", name="Title").fill("Other")
    two_chats.keyboard.press("Escape")
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])
    expect(two_chats.locator("conversation-list a").first).to_be_focused()


def test_pin(two_chats: Page) -> None:
    choose(two_chats, "First question", "Pin")
    expect(titles(two_chats)).to_have_text(["First question", "Second question"])
    expect(two_chats.get_by_role("heading", name="Pinned")).to_be_visible()
    two_chats.reload()
    expect(titles(two_chats)).to_have_text(["First question", "Second question"])
    choose(two_chats, "First question", "Unpin")
    expect(two_chats.get_by_role("heading", name="Pinned")).to_have_count(0)
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])


def test_into_a_folder_by_keyboard_alone(two_chats: Page) -> None:
    two_chats.locator("conversation-list a").first.focus()
    two_chats.keyboard.press("ArrowDown")
    two_chats.keyboard.press("Tab")
    expect(two_chats.get_by_role("button", name="Options of “First question”")).to_be_focused()
    for key in ("Enter", "ArrowDown", "ArrowDown", "Enter"):
        two_chats.keyboard.press(key)
    two_chats.get_by_label("Folder", exact=True).fill("Work")
    two_chats.keyboard.press("Enter")
    folder = two_chats.locator("conversation-list summary", has_text="Work")
    expect(folder).to_be_visible()
    expect(two_chats.get_by_role("link", name="First question")).to_be_hidden()
    two_chats.reload()
    folder.click()
    expect(two_chats.get_by_role("link", name="First question")).to_be_visible()


def test_drag_into_a_folder_and_out_again(two_chats: Page, alice: Person) -> None:
    alice.call("POST", "/api/conversations", {"title": "Report", "folder": "Work"})
    two_chats.reload()
    link = two_chats.get_by_role("listitem").filter(has_text="First question")
    link.drag_to(two_chats.locator("conversation-list summary"))
    expect(two_chats.get_by_role("link", name="First question")).to_be_hidden()
    two_chats.locator("conversation-list summary").click()
    expect(two_chats.locator("details[data-folder] [data-part=title]")).to_have_text(["Report", "First question"])
    link.drag_to(two_chats.get_by_role("heading", name="Today"))
    expect(two_chats.locator("details[data-folder] [data-part=title]")).to_have_text(["Report"])


def test_archive_and_back(two_chats: Page) -> None:
    choose(two_chats, "First question", "Archive")
    expect(titles(two_chats)).to_have_text(["Second question"])
    two_chats.get_by_role("link", name="Archive").click()
    expect(titles(two_chats)).to_have_text(["First question"])
    choose(two_chats, "First question", "Take out of the archive")
    expect(titles(two_chats)).to_have_count(0)
    two_chats.get_by_role("link", name="Back to all").click()
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])


def test_an_archiving_that_was_refused_is_not_announced(two_chats: Page) -> None:
    two_chats.route("**/api/conversations/*", lambda route: route.abort())
    choose(two_chats, "First question", "Archive")
    expect(two_chats.get_by_role("dialog", name="That did not work")).to_be_visible()
    two_chats.keyboard.press("Escape")
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])
    expect(two_chats.get_by_role("button", name="Undo")).to_be_hidden()


def test_the_next_conversation_is_one_that_can_be_seen(two_chats: Page, alice: Person) -> None:
    third = alice.ask(script(["Hm."]))["conversation_id"]
    alice.call("PATCH", f"/api/conversations/{third}", {"title": "Third question"})
    alice.call("POST", "/api/conversations", {"title": "Report", "folder": "Work"})
    two_chats.goto(f"/chat/{third}")
    two_chats.locator("conversation-list summary").click()
    expect(titles(two_chats).first).to_have_text("Report")
    two_chats.locator("conversation-list summary").click()
    choose(two_chats, "Second question", "Delete")
    two_chats.keyboard.press("Alt+ArrowDown")
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("First question")
    two_chats.keyboard.press("Alt+ArrowUp")
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Third question")
    two_chats.keyboard.press("Alt+ArrowUp")
    two_chats.wait_for_timeout(300)
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("Third question")


def test_delete_and_undo(two_chats: Page) -> None:
    choose(two_chats, "First question", "Delete")
    expect(titles(two_chats)).to_have_text(["Second question"])
    two_chats.get_by_role("button", name="Undo").click()
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])
    expect(two_chats.get_by_role("link", name="First question")).to_be_focused()
    two_chats.reload()
    expect(titles(two_chats)).to_have_text(["Second question", "First question"])


def test_delete_is_sent_when_the_page_is_left(two_chats: Page, alice: Person) -> None:
    two_chats.evaluate(COUNT_DELETIONS)
    choose(two_chats, "Second question", "Delete")
    two_chats.get_by_role("link", name="First question").click()
    expect(two_chats.get_by_role("heading", level=1)).to_have_text("First question")
    expect(titles(two_chats)).to_have_text(["First question"])
    assert two_chats.evaluate("sessionStorage.getItem('deletions')") == "1"
    wait_until(lambda: len(alice.get("/api/conversations").get_json()["conversations"]) == 1)


def test_older_ones_come_while_scrolling(open_page: Opens, alice: Person) -> None:
    for n in range(103):
        alice.call("POST", "/api/conversations", {"title": f"Chat {n}"})
    chat = open_page("/chat", alice)
    for _ in range(3):
        chat.locator("conversation-list li").last.scroll_into_view_if_needed()
    chat.locator("conversation-list li", has_text="Chat 0").scroll_into_view_if_needed()
    expect(titles(chat)).to_have_count(103)
    expect(chat.get_by_role("link", name="Older ones")).to_be_hidden()


def test_without_javascript_everything_is_a_link(open_page: Opens, alice: Person) -> None:
    for n in range(51):
        alice.call("POST", "/api/conversations", {"title": f"Chat {n}"})
    alice.call("POST", "/api/conversations", {"title": "Report", "folder": "Work"})
    chat = open_page("/chat", alice, java_script_enabled=False)
    chat.get_by_role("link", name="Older ones").click()
    expect(titles(chat)).to_have_text(["Chat 0"])
    chat.goto("/chat")
    chat.locator("conversation-list summary").click()
    chat.get_by_role("link", name="Show 1").click()
    expect(chat.get_by_role("link", name="Report")).to_be_visible()


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


def test_the_title_of_the_model_arrives(settings: Settings, alice_at: Callable[[Server], Page]) -> None:
    server = Server(replace(settings, auto_title=True))
    try:
        chat = alice_at(server)
        ask(chat, script(["Hm."], title="Baking bread"))
        expect(chat.get_by_role("heading", level=1)).to_have_text("Baking bread")
        expect(titles(chat)).to_have_text(["Baking bread"])
    finally:
        server.stop()


@pytest.fixture
def alice_at(app: Flask, open_page: Opens) -> Callable[[Server], Page]:
    """Open the chat of a server that runs on this test's database."""
    person = sign_up(app, "ada@example.org")
    return lambda server: open_page("/chat", person, base_url=server.url)

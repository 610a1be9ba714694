"""Long conversations: what is far up is shown with what surrounds it, and both ways lead on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chat.test_branches import make_long
from tests.e2e.chatting import ask, last_answer, script, words_of
from tests.e2e.conftest import Opens, Site
from tests.people import Person

pytestmark = pytest.mark.browser
COUNT = 600


@pytest.fixture
def far_up(site: Site, open_page: Opens, alice: Person) -> Page:
    """The page that a hit of a search leads to."""
    conversation, made = make_long(site.app, alice, COUNT)
    return open_page(f"/chat/{conversation}?leaf={made[200]}#message-{made[200]}", alice)


def first(page: Page) -> Locator:
    return page.locator("message-item").first


def last(page: Page) -> Locator:
    return page.locator("message-item").last


def test_it_works(far_up: Page) -> None:
    expect(far_up.locator("message-item:target")).to_be_in_viewport()
    expect(far_up.locator("message-item:target")).to_contain_text("Words 200")
    expect(far_up.locator("message-item")).to_have_count(100)
    expect(far_up.get_by_role("button", name="Jump to the latest message")).to_be_visible()


def test_newer_and_older_ones_come_as_one_scrolls(far_up: Page) -> None:
    expect(last(far_up)).to_contain_text("Words 250")
    last(far_up).scroll_into_view_if_needed()
    expect(last(far_up)).to_contain_text("Words 350")
    first(far_up).scroll_into_view_if_needed()
    expect(first(far_up)).to_contain_text("Words 51")
    for n in (450, 550, COUNT - 1):
        last(far_up).scroll_into_view_if_needed()
        expect(last(far_up)).to_contain_text(f"Words {n}")
    expect(far_up.locator("#newer-messages")).to_have_count(0)
    shown = far_up.locator("message-item").evaluate_all("items => items.map((item) => Number(item.dataset.depth))")
    assert shown == list(range(shown[0], COUNT))


def test_the_latest_is_one_step_away(far_up: Page) -> None:
    far_up.get_by_role("button", name="Jump to the latest message").click()
    expect(last(far_up)).to_contain_text(f"Words {COUNT - 1}")
    expect(last(far_up)).to_be_in_viewport()


def test_what_is_asked_follows_the_newest_message(far_up: Page, alice: Person) -> None:
    ask(far_up, script(["Here I am."]))
    expect(words_of(last_answer(far_up))).to_have_text("Here I am.")
    kept = alice.get(f"/api/conversations/{far_up.url.rsplit('/', 1)[1]}?limit=3").get_json()["messages"]
    assert kept[0]["content"] == f"Words {COUNT - 1}"


def test_looking_elsewhere_and_back_keeps_the_place(far_up: Page) -> None:
    far_up.evaluate("dispatchEvent(new Event('focus'))")
    far_up.wait_for_timeout(500)
    expect(far_up.locator("message-item:target")).to_be_in_viewport()


def test_the_line_where_history_was_dropped(chat: Page) -> None:
    long = "word " * 1500
    ask(chat, script([long]))
    expect(chat.locator('[data-part="dropped"]')).to_have_count(0)
    for n in range(3):
        ask(chat, script([long, str(n)]))
    for _ in range(2):
        line = chat.locator('[data-part="dropped"]')
        expect(line).to_have_count(1)
        order = chat.locator("message-item, [data-part=dropped]").evaluate_all("all => all.map((one) => one.localName)")
        above = order.index("p")
        dropped = last_answer(chat).get_attribute("data-dropped")
        assert str(above) == dropped != "0"
        chat.reload()

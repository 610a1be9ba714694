"""The page under the hand: keys, menu, quoting, voice, settings, and how full the model's memory is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import ask, last_answer, script, words_of
from tests.e2e.conftest import Opens
from tests.e2e.test_looks import DESK, PHONE, is_too_wide, violations
from tests.people import Person
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
VOICE = """
  window.said = [];
  window.cancelled = 0;
  speechSynthesis.speak = (utterance) => window.said.push(utterance.text);
  speechSynthesis.cancel = () => { window.cancelled += 1; };
"""
SWIPE = """([element, from, to]) => {
  const touch = (x) => new Touch({ identifier: 1, target: element, clientX: x, clientY: 300 });
  const options = { bubbles: true, cancelable: true };
  element.dispatchEvent(new TouchEvent('touchstart', { ...options, touches: [touch(from)], changedTouches: [touch(from)] }));
  element.dispatchEvent(new TouchEvent('touchend', { ...options, touches: [], changedTouches: [touch(to)] }));
}"""
TOO_SMALL = """[...document.querySelectorAll('button, select, summary, .message-tools a')]
  .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.matches('.visually-hidden'))
  .map(element => [element.getBoundingClientRect(), element])
  .filter(([box]) => box.width > 0 && (box.width < 44 || box.height < 44))
  .map(([box, element]) => [element.outerHTML.slice(0, 120), box.width, box.height])"""


def open_menu(page: Page) -> None:
    """Open the menu of the newest answer."""
    last_answer(page).get_by_role("button", name="More about this answer").click()


def test_the_list_of_keys_is_that_of_the_page(chat: Page) -> None:
    ask(chat, script(["```python\nx\n```"]))
    chat.locator("message-list").focus()
    chat.keyboard.press("?")
    keys = chat.get_by_role("dialog", name="Keys")
    shown = keys.locator("dt").all_text_contents()
    for wanted in (
        "New chat",
        "Message",
        "Answer again",
        "Copy the code",
        "Sidebar",
        "Light or dark",
        "Next conversation",
    ):
        assert wanted in shown
    assert len(shown) == len(set(shown))
    chat.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(chat.locator("message-list")).to_be_focused()


def test_keys_act(open_page: Opens, alice: Person) -> None:
    titles = [
        alice.call("POST", "/api/conversations", {"title": title}).get_json()["id"] for title in ("Older", "Newer")
    ]
    page = open_page(
        f"/chat/{titles[1]}", alice, permissions=["clipboard-read", "clipboard-write"], color_scheme="light"
    )
    ask(page, script(["```\none\n```\n\n```\ntwo\n```"]))
    page.keyboard.press("Control+Shift+K")
    expect(page.locator("[data-copied]")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == "two\n"
    page.keyboard.press("Control+Shift+G")
    expect(last_answer(page).locator('[data-part="place"]')).to_have_text("2/2")
    page.keyboard.press("Control+Shift+S")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.reload()
    expect(page.locator("#sidebar")).to_be_hidden()
    page.keyboard.press("Control+Shift+S")
    expect(page.locator("#sidebar")).to_be_visible()
    page.keyboard.press("Control+Shift+D")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Alt+ArrowDown")
    expect(page).to_have_url(re.compile(titles[0]))
    page.keyboard.press("Alt+ArrowUp")
    expect(page).to_have_url(re.compile(titles[1]))


def test_a_selection_is_quoted(chat: Page) -> None:
    answer = ask(chat, script(["One line.\n\nAnother line."]))
    words_of(answer).locator("p").first.select_text()
    chat.get_by_role("button", name="Quote", exact=True).click()
    field = chat.get_by_label("Message", exact=True)
    expect(field).to_have_value("> One line.\n\n")
    expect(field).to_be_focused()
    expect(chat.locator("#quote-selection")).to_be_hidden()


def test_the_menu_by_keyboard(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice, permissions=["clipboard-read", "clipboard-write"])
    answer = ask(page, script(["Some **bold** ", "words."], delay_ms=30))
    button = answer.get_by_role("button", name="More about this answer")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.locator("message-menu")
    expect(menu.get_by_role("button", name="Quote")).to_be_focused()
    expect(menu.locator("dt")).to_have_text(["First word after", "Speed", "Took", "Tokens read", "Tokens written"])
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()") == "Some bold words.")


def test_it_is_read_aloud_until_it_is_stopped(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice)
    page.evaluate(VOICE)
    ask(page, script(["Some **bold** words.\n\nMore."]))
    stop = page.get_by_role("button", name="Stop reading")
    expect(stop).to_be_hidden()
    open_menu(page)
    page.get_by_role("button", name="Read aloud").click()
    assert page.evaluate("said") == ["Some bold words.", "More."]
    before = page.evaluate("cancelled")
    stop.click()
    expect(stop).to_be_hidden()
    assert page.evaluate("cancelled") == before + 1


def test_settings_of_a_conversation(chat: Page, alice: Person) -> None:
    chat.get_by_role("button", name="Settings of this conversation").click()
    chat.get_by_label("System prompt").fill("Rhyme.")
    chat.get_by_label("Temperature").fill("0.5")
    chat.get_by_label("Stop words, one a line").fill("END\n\nSTOP")
    chat.get_by_label("Keep loaded").select_option("3600")
    chat.get_by_label("Answered by").select_option("fake-thinking")
    chat.get_by_role("button", name="Save").click()
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    ask(chat, script(["So."]))
    expect(last_answer(chat).locator('[data-part="model"]')).to_have_text("fake-thinking")
    kept = alice.get(f"/api/conversations/{chat.url.rsplit('/', 1)[1]}").get_json()
    assert kept["options"] == {"temperature": 0.5, "stop": ["END", "STOP"], "keep_alive": 3600}
    assert kept["system_prompt"] == "Rhyme."

    chat.reload()
    chat.get_by_role("button", name="Settings of this conversation").click()
    expect(chat.get_by_label("Temperature")).to_have_value("0.5")
    expect(chat.get_by_label("Answered by")).to_have_value("fake-thinking")
    chat.get_by_label("Temperature").fill("")
    chat.get_by_role("button", name="Save").click()
    expect(chat.get_by_role("dialog")).to_be_hidden()
    chat.get_by_role("button", name="Settings of this conversation").click()
    expect(chat.get_by_label("Stop words, one a line")).to_have_value("END\nSTOP")
    expect(chat.get_by_label("Temperature")).to_have_value("")


def test_a_time_that_is_not_on_the_list_stays(open_page: Opens, alice: Person) -> None:
    made = alice.call("POST", "/api/conversations", {"options": {"keep_alive": 600}, "title": "Mine"}).get_json()["id"]
    page = open_page(f"/chat/{made}", alice)
    page.get_by_role("button", name="Settings of this conversation").click()
    expect(page.get_by_label("Keep loaded").locator(":checked")).to_have_text("600 seconds")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    options = {"keep_alive": 600, "seed": 7}
    wait_until(lambda: alice.get(f"/api/conversations/{made}").get_json()["options"] == options)


def test_how_full_the_memory_is(chat: Page) -> None:
    meter = chat.locator("context-meter")
    expect(meter).to_be_hidden()
    ask(chat, script(["Few words."]))
    expect(meter).to_have_text(re.compile(r"^\d+ of 4,096 tokens used\.$"))
    expect(chat.locator("#context-warning")).to_be_hidden()
    ask(chat, script(["Many words. "] * 2_000))
    expect(chat.locator("#context-warning")).to_contain_text("no longer fit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [PHONE, DESK], ids=["phone", "desk"])
def test_it_is_accessible(open_page: Opens, alice: Person, device: dict[str, object], scheme: str) -> None:
    first = alice.ask(script(["Some words.\n\n```python\nx = 1\n```"]))
    alice.ask(script(["Others."]), edit_id=first["question_id"])
    page = open_page(f"/chat/{first['conversation_id']}", alice, color_scheme=scheme, **device)
    expect(page.locator("context-meter")).to_be_visible()
    found = violations(page)
    open_menu(page)
    found += violations(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Settings of this conversation").click()
    found += violations(page)
    page.keyboard.press("Escape")
    page.get_by_label("Message", exact=True).focus()
    page.keyboard.press("ArrowUp")
    found += violations(page)
    page.keyboard.press("Escape")
    page.locator("message-list").focus()
    page.keyboard.press("?")
    found += violations(page)
    assert found == []
    page.goto("/settings/chat")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 640])
def test_it_fits_a_narrow_screen(open_page: Opens, alice: Person, width: int) -> None:
    first = alice.ask(script(["Some words."]))
    alice.ask(script(["Others."]), edit_id=first["question_id"])
    page = open_page(f"/chat/{first['conversation_id']}", alice, viewport={"width": width, "height": 400})
    expect(page.locator("context-meter")).to_be_visible()
    assert not is_too_wide(page)
    open_menu(page)
    assert not is_too_wide(page)
    box = page.locator("message-menu").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def swipe(page: Page, selector: str, start: int, end: int) -> None:
    """Draw a finger across."""
    page.evaluate(f"(xs) => ({SWIPE})([document.querySelector('{selector}'), ...xs])", [start, end])


def test_the_drawer_by_swipe(open_page: Opens, alice: Person) -> None:
    answer = alice.ask(script(["Some words.\n\n```\ncode\n```"]))
    page = open_page(f"/chat/{answer['conversation_id']}", alice, **PHONE)
    drawer = page.locator("#sidebar")
    expect(page.locator("context-meter")).to_be_visible()  # the page listens by then
    for selector, start, end in (("pre", 50, 250), ("message-list", 50, 90), ("message-list", 250, 50)):
        swipe(page, selector, start, end)
        expect(drawer).to_be_hidden()
    swipe(page, "message-list", 50, 250)
    expect(drawer).to_be_visible()
    swipe(page, "#sidebar", 250, 50)
    expect(drawer).to_be_hidden()


def test_a_thumb_finds_everything(open_page: Opens, alice: Person) -> None:
    first = alice.ask(script(["Some words."]))
    alice.ask(script(["Others."]), edit_id=first["question_id"])
    page = open_page(f"/chat/{first['conversation_id']}", alice, **PHONE)
    expect(page.locator("context-meter")).to_be_visible()
    assert page.evaluate(TOO_SMALL) == []
    open_menu(page)
    assert page.evaluate(TOO_SMALL) == []


def test_without_colours_of_our_own_nothing_is_lost(open_page: Opens, alice: Person) -> None:
    first = alice.ask(script(["Some words."]))
    alice.ask(script(["Others."]), edit_id=first["question_id"])
    page = open_page(f"/chat/{first['conversation_id']}", alice, forced_colors="active", reduced_motion="reduce")
    open_menu(page)
    border = "menu => getComputedStyle(menu).borderTopStyle"
    assert page.locator("message-menu").evaluate(border) == "solid"
    expect(page.get_by_role("link", name="Previous version").first).to_be_visible()
    assert page.locator("message-list").evaluate("list => getComputedStyle(list).scrollBehavior") == "auto"

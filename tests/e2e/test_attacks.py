"""Words of a model, of a question and of a title that try to be more than words."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import last_answer, script, send, words_of
from tests.people import Person
from tests.serving import ROOT

pytestmark = pytest.mark.browser

ATTACKS: list[str] = json.loads((ROOT / "frontend/test/attacks.json").read_text(encoding="utf-8"))
TELL = "window.alert = () => console.error('EXECUTED'); window.print = window.alert;"


@pytest.fixture
def watched(chat: Page) -> Page:
    """Alice's page; an attack that works is an error on the console, which fails every test."""
    chat.add_init_script(TELL)
    chat.reload()
    return chat


def outside_requests(page: Page) -> list[str]:
    """Give a list that fills with what the page asks of other servers."""
    asked: list[str] = []
    own = page.evaluate("location.origin")
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith(own) else None)
    return asked


def poke(page: Page) -> None:
    """Do to the answer what a reader could do: point at it and focus it, everywhere."""
    words_of(last_answer(page)).evaluate(
        """body => { for (const element of body.querySelectorAll('*')) {
             for (const type of ['mouseover', 'pointerenter', 'focus', 'load', 'error', 'toggle'])
               element.dispatchEvent(new Event(type));
           } }"""
    )


def test_the_alarm_works(watched: Page) -> None:
    assert "EXECUTED" in watched.evaluate("String(window.alert)")


def test_an_answer_runs_nothing(watched: Page) -> None:
    asked = outside_requests(watched)
    chunks = [
        piece for attack in ATTACKS for piece in (attack.replace("\0", "")[:7], attack.replace("\0", "")[7:], "\n\n")
    ]
    send(watched, script(chunks))
    expect(last_answer(watched)).to_have_attribute("data-status", "complete")
    poke(watched)
    watched.reload()
    expect(words_of(last_answer(watched)).locator("p").first).to_be_visible()
    poke(watched)
    links = words_of(last_answer(watched)).locator("a[href]")
    addresses = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert addresses
    assert [address for address in addresses if not address.startswith(("https://", "http://", "mailto:"))] == []
    assert asked == []


def test_a_question_and_a_title_run_nothing(watched: Page, alice: Person) -> None:
    asked = outside_requests(watched)
    worst = '"><img src=x onerror=alert(1)><svg onload=alert(1)>\'"</script><script>alert(1)</script>'
    send(watched, worst)
    expect(watched.locator(".bubble")).to_have_text(worst)
    expect(last_answer(watched)).to_have_attribute("data-status", "complete")
    conversation = watched.url.rsplit("/", 1)[1]
    alice.call("PATCH", f"/api/conversations/{conversation}", {"title": worst[:80]})
    watched.reload()
    expect(watched.get_by_role("heading", level=1)).to_have_text(worst[:80])
    expect(watched.locator(".bubble")).to_have_text(worst)
    assert watched.locator(".sidebar img, .chat-head img, .messages img").count() == 0
    assert asked == []

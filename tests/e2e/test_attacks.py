"""Words of a model, of a question and of a title that try to be more than words."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import last_answer, script, send
from tests.people import Person
from tests.serving import ROOT

pytestmark = pytest.mark.browser

GROUPS: dict[str, list[str]] = json.loads((ROOT / "frontend/test/attacks.json").read_text(encoding="utf-8"))
IN_WORDS = [attack.replace("\0", "") for group in GROUPS if group != "diagrams" for attack in GROUPS[group]]
AT_A_TIME = 40
TELL = "window.alert = () => console.error('EXECUTED'); window.print = window.alert;"
EVERY_BODY = 'message-item[data-role="assistant"] message-body.prose'


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
    """Do to the answers what a reader could do: point at them and focus them, everywhere."""
    page.locator(EVERY_BODY).evaluate_all(
        """bodies => { for (const body of bodies) for (const element of body.querySelectorAll('*')) {
             for (const type of ['mouseover', 'pointerenter', 'focus', 'load', 'error', 'toggle'])
               element.dispatchEvent(new Event(type));
           } }"""
    )


def keep(person: Person, texts: list[str]) -> str:
    """Store a conversation with these answers; gives its path."""
    conversation: str | None = None
    for text in texts:
        given = {"conversation_id": conversation} if conversation else {}
        conversation = person.ask(script([text]), **given)["conversation_id"]
    return f"/chat/{conversation}"


def addresses(page: Page) -> list[str]:
    """Give where the links of all answers lead."""
    links = page.locator(EVERY_BODY).locator("a[href]")
    found: list[str] = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return found


def test_the_alarm_works(watched: Page) -> None:
    assert "EXECUTED" in watched.evaluate("String(window.alert)")
    assert len(IN_WORDS) + len(GROUPS["diagrams"]) >= 500


def test_stored_answers_run_nothing(watched: Page, alice: Person) -> None:
    texts = ["\n\n".join(IN_WORDS[i : i + AT_A_TIME]) for i in range(0, len(IN_WORDS), AT_A_TIME)]
    path = keep(alice, texts)
    asked = outside_requests(watched)
    watched.goto(path)
    expect(watched.locator(".katex").first).to_be_visible()
    expect(watched.locator("[data-coloured]").first).to_be_visible()
    expect(watched.locator(":is(.formula, .formula-block):not([data-state])")).to_have_count(0)
    poke(watched)
    found = addresses(watched)
    assert found
    assert [address for address in found if not address.startswith(("https://", "http://", "mailto:", "#note"))] == []
    assert asked == []


def test_a_growing_answer_runs_nothing(watched: Page) -> None:
    asked = outside_requests(watched)
    some = IN_WORDS[::4]
    send(watched, script([piece for attack in some for piece in (attack[:7], attack[7:], "\n\n")]))
    expect(last_answer(watched)).to_have_attribute("data-status", "complete")
    poke(watched)
    assert asked == []


@pytest.mark.parametrize("part", range(3))
def test_questions_and_names_run_nothing(watched: Page, alice: Person, part: int) -> None:
    asked = outside_requests(watched)
    for name in GROUPS["names"][part::3]:
        conversation = alice.ask(name)["conversation_id"]
        alice.call("PATCH", f"/api/conversations/{conversation}", {"title": name})
        alice.post("/settings/account", name=name)
        watched.goto(f"/chat/{conversation}")
        expect(watched.get_by_role("heading", level=1)).to_have_text(name)
        expect(watched.locator(".bubble")).to_have_text(name)
        expect(watched.locator(".account-name")).to_have_text(name)
    assert watched.locator(".sidebar img, .chat-head img, .messages img").count() == 0
    assert asked == []


def test_names_of_models_run_nothing(watched: Page) -> None:
    asked = outside_requests(watched)
    names = GROUPS["names"]
    models = [{"name": name, "provider": name, "parameter_size": name} for name in names]
    listing = {"models": models, "default": names[0], "unreachable": [{"provider": n, "error": n} for n in names]}
    watched.route("**/api/models", lambda route: route.fulfill(json=listing))
    watched.reload()
    expect(watched.get_by_label("Model").locator("option")).to_have_count(2 * len(names))
    assert watched.locator(":is(model-picker, .banner) :is(img, script, b)").count() == 0
    assert asked == []

"""The content security policies alone: with the sanitiser switched off and raw HTML let through, the page's still stops every
attack; and the page that draws diagrams has nothing but its own. What they stop is told on the console, so these tests look at
what happened instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.chatting import script
from tests.e2e.conftest import Site
from tests.e2e.test_attacks import GROUPS, TELL
from tests.people import Person

pytestmark = pytest.mark.browser

# A refresh is no load but a navigation, which no directive covers: only the sanitiser stops it.
NAVIGATIONS = re.compile(r"http-equiv=refresh", re.IGNORECASE)
ATTACKS = [
    attack
    for group in ("html", "svg", "markdown", "formulas", "names")
    for attack in GROUPS[group]
    if not NAVIGATIONS.search(attack)
]
HTML_OFF = "html:!1,linkify:!0"
SANITISE = re.compile(
    r"function ([\w$]+)\(([\w$]+)\)\{return [\w$]+\.sanitize\(\2,[\w$]+\)\?\?document\.createDocumentFragment\(\)\}"
)
# Unlike a template's content, such a fragment runs its scripts when it is put into the page.
NO_SANITISER = r"""function \1(\2){
  window.policy ??= window.trustedTypes.createPolicy('app', {createHTML: html => html});
  return document.createRange().createContextualFragment(window.policy.createHTML(\2));
}"""
REPORT = """
  window.violations = 0;
  document.addEventListener('securitypolicyviolation', () => { window.violations += 1 });
"""
SHOW_ALL = """attacks => {
  const column = document.querySelector('[data-part="messages"]');
  for (const attack of attacks) {
    const body = document.createElement('message-body');
    body.className = 'prose';
    body.textContent = attack;
    column.append(body);
  }
}"""
POKE = """() => {
  for (const element of document.querySelectorAll('message-body *')) {
    for (const type of ['click', 'mouseover', 'pointerenter', 'pointerover', 'focus', 'load', 'error', 'toggle'])
      element.dispatchEvent(new Event(type));
    const address = element.getAttribute('href') ?? element.getAttribute('formaction') ?? '';
    if (/^\\s*javascript:/i.test(address)) element.click?.();
  }
}"""


@contextmanager
def watched(site: Site, chromium: Browser, person: Person, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """Give a page, and what happens there: executions, and requests that leave for elsewhere."""
    with chromium.new_context(base_url=site.server.url, **options) as context:
        happened: list[str] = []
        cookie = person.client.get_cookie("session")
        assert cookie
        context.add_cookies([{"name": "session", "value": cookie.value, "url": site.server.url}])
        context.add_init_script(TELL + REPORT)

        def leave(route: Route) -> None:
            happened.append(route.request.url)
            route.abort()

        context.route(lambda url: not url.startswith((site.server.url, "blob:", "data:")), leave)
        page = context.new_page()
        page.on("console", lambda said: happened.append(said.text) if "EXECUTED" in said.text else None)
        yield page, happened


def disarm(route: Route) -> None:
    """Serve the page's script without its sanitiser."""
    answer = route.fetch()
    code, count = SANITISE.subn(NO_SANITISER, answer.text())
    assert count == 1, "there is one sanitiser, and this is how it looks when it is built"
    assert code.count(HTML_OFF) == 1
    route.fulfill(response=answer, body=code.replace(HTML_OFF, "html:!0,linkify:!0"))


def let_loose(page: Page, attacks: list[str]) -> None:
    """Show these attacks on a chat page that has no sanitiser, and give them time."""
    page.route("**/static/dist/main-*.js", disarm)
    page.goto("/chat")
    expect(page.get_by_label("Model")).to_have_value("fake")
    page.evaluate(SHOW_ALL, attacks)
    page.evaluate(POKE)
    page.wait_for_timeout(
        1000
    )  # to see that nothing comes, one can only wait; the test without a policy shows it is enough


def test_without_a_policy_they_work(site: Site, chromium: Browser, alice: Person) -> None:
    with watched(site, chromium, alice, bypass_csp=True) as (page, happened):
        let_loose(page, [attack for attack in ATTACKS if re.match(r"<(img|svg|style|link|video)\b", attack)])
    assert happened.count("EXECUTED") > 20
    assert any("evil.example" in address for address in happened)


def test_the_policy_stops_them_all(site: Site, chromium: Browser, alice: Person) -> None:
    with watched(site, chromium, alice) as (page, happened):
        let_loose(page, ATTACKS)
        assert page.locator("message-body").count() >= len(ATTACKS)
        assert page.locator("message-body script").count() > 10, "the sanitiser is off"
        assert page.evaluate("violations") > 100
    assert happened == []


def test_diagrams_run_nothing(site: Site, chromium: Browser, alice: Person) -> None:
    diagrams = GROUPS["diagrams"]
    answer = alice.ask(script(["\n\n".join(diagrams)]))
    with watched(site, chromium, alice) as (page, happened):
        page.goto(f"/chat/{answer['conversation_id']}")
        expect(page.locator("figure[data-state]")).to_have_count(len(diagrams), timeout=60_000)
        assert page.locator('figure[data-state="drawn"]').count() > 20
        assert page.locator("message-body.prose img:not([src^='blob:'])").count() == 0
    assert happened == []

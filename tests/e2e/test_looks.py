"""What holds for every page: accessible, nothing too wide, light enough, in the colours that were chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, ViewportSize, expect

from app import create_app
from app.config import Settings
from app.extensions import db
from app.links import create_sign_in_link
from app.models.passkey import Passkey
from app.models.user import User, find_user
from tests.e2e.chatting import script
from tests.e2e.conftest import Opens, Site
from tests.mailbox import Mailbox
from tests.people import PASSWORD, Person, make_user, sign_up
from tests.serving import Server

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
GUEST_PAGES = ("/auth/login", "/auth/register", "/auth/forgot", "/auth/recovery", "/nowhere")
PAGES = (
    "/chat",
    "/settings/account",
    "/settings/security",
    "/settings/recovery-codes",
    "/settings/account/delete",
    "/settings/sessions",
    "/settings/activity",
    "/auth/confirm",
    "/admin/users",
    "/admin/invitations",
    "/admin/activity",
    "/nowhere",
)
MARKDOWN = """\
## Parts

Words with `code`, *stress* and [a link](https://example.org).

1. one
   - two

> said

| a | b |
|---|--:|
| 1 | 2 |

```python
def f(x: int) -> str:  # why
    return "x"
```

- [ ] to do $x^2$
- [x] done[^1]

$$
\\frac{a}{b} + \\sum_{n=0}^{\\infty} a_n b_n c_n d_n e_n f_n g_n h_n i_n j_n k_n l_n m_n o_n p_n q_n r_n s_n t_n u_n v_n w_n = x
$$

```mermaid
flowchart LR
  A --> B
```

```mermaid
flowchart LR
  A --> --> B[
```

[^1]: A note.
"""
LAZY = ("languages", "formulas", "diagrams", "diagram-page", "KaTeX")
NAME_OF_FOCUS = """(() => {
  const element = document.activeElement;
  return element.getAttribute('aria-label') || element.id || element.textContent.trim();
})()"""
STICKING_OUT = """[...document.querySelectorAll('main :is(a, button, input, h1, h2, h3, strong, code), .sidebar-foot *')]
  .filter((one) => one.checkVisibility() && !one.closest('.tabs, .visually-hidden, pre, svg, details:not([open]) > form'))
  .filter((one) => {
    const frame = (one.closest('.card, .sidebar-foot') ?? document.documentElement).getBoundingClientRect();
    const { left, right, width } = one.getBoundingClientRect();
    return width > 1 && (right > Math.min(frame.right, innerWidth) + 0.5 || left < -0.5);
  })
  .map((one) => one.outerHTML.slice(0, 120))
"""
MAX_BYTES = 120 * 1024
MAX_REQUESTS = 12

axe = Axe()


ARRIVED = """() => Promise.allSettled(document.getAnimations()
  .filter(each => each instanceof CSSTransition).map(each => each.finished)).then(() => null)"""


def violations(page: Page) -> list[tuple[str, str, str]]:
    """Give what axe finds on the page as it is now; a colour on its way to another is none."""
    page.evaluate(ARRIVED)
    found = axe.run(page).response["violations"]
    return [(page.url, rule["id"], node["html"]) for rule in found for node in rule["nodes"]]


def is_too_wide(page: Page) -> bool:
    """Tell whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def sticking_out(page: Page) -> list[str]:
    """Give the visible controls and names that leave their card, the sidebar or the screen."""
    return list(page.evaluate(STICKING_OUT))


def make_link(site: Site, email: str) -> str:
    """Give the path of a sign-in link."""
    with site.app.app_context():
        user = find_user(email)
        assert user
        link = create_sign_in_link(user, "http://localhost")
        db.session.commit()
    return urlsplit(link).path


def make_long_names(site: Site, email: str) -> Person:
    """Add an administrator with an address, a name and a passkey whose names are long and without a space."""
    person = sign_up(site.app, email, role="admin")
    with site.app.app_context():
        user = db.session.get(User, person.id)
        assert user
        user.name = "Long" * 20
        passkey = Passkey(
            user_id=user.id,
            credential_id=email.encode(),
            public_key=b"",
            backup_eligible=True,
            backed_up=True,
            rp_id="localhost",
            name="Passkey" * 12,
        )
        db.session.add(passkey)
        db.session.commit()
    return person


@pytest.mark.parametrize(("device", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone-dark", "desk-light"])
def test_every_page_is_accessible(open_page: Opens, site: Site, device: dict[str, object], scheme: str) -> None:
    admin = site.make_person("admin")
    answer = admin.ask(script([MARKDOWN]))
    found = []
    for person, paths in ((None, GUEST_PAGES), (admin, (*PAGES, f"/chat/{answer['conversation_id']}"))):
        page = open_page(paths[0], person, color_scheme=scheme, **device)
        for path in paths:
            page.goto(path)
            expect(
                page.locator("figure:not([data-state]) code.language-mermaid, .formula:not([data-state])")
            ).to_have_count(0)
            found += violations(page)
            assert not is_too_wide(page), path
    assert found == []


class Looks:
    """What is wrong with the pages that were looked at, each on a phone in the dark and on a desk in the light."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str]] = []

    def at(self, page: Page, heading: str) -> None:
        """Look at the page with this heading."""
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        self._look(page, {"width": 390, "height": 844}, "dark")
        self._look(page, {"width": 1280, "height": 800}, "light")

    def _look(self, page: Page, size: ViewportSize, scheme: Literal["light", "dark"]) -> None:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.found += violations(page)
        assert not is_too_wide(page), (page.url, size)


@dataclass
class MailHouse:
    """An installation that sends mails and wants passkeys of its administrators, and what came of the mails."""

    server: Server
    mailbox: Mailbox


@pytest.fixture
def mail_house(settings: Settings) -> Iterator[MailHouse]:
    with Mailbox() as mailbox:
        own = replace(settings, mail_url=mailbox.url, require_passkey="admin")
        for email, role in (("ada@example.org", "user"), ("root@example.org", "admin")):
            make_user(create_app(own), email, role=role)
        server = Server(own, host="localhost")
        yield MailHouse(server, mailbox)
        server.stop()


def sign_in_by_password(page: Page, email: str) -> None:
    page.goto("/auth/login")
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).not_to_have_url(re.compile("/auth/login"))


def ask_for_mail(page: Page, email: str) -> None:
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_role("button", name="Send me a mail").click()


def test_the_pages_of_the_mails_are_accessible(open_page: Opens, mail_house: MailHouse) -> None:
    looks, url, mailbox = Looks(), mail_house.server.url, mail_house.mailbox
    page = open_page("/auth/reset", base_url=url)
    looks.at(page, "Choose a new password")
    ask_for_mail(page, "ada@example.org")
    looks.at(page, "Check your mail")
    page.goto(mailbox.wait("ada@example.org").link)
    looks.at(page, "Choose a new password")

    page.goto("/auth/mail")
    looks.at(page, "Sign in by e-mail")
    ask_for_mail(page, "ada@example.org")
    looks.at(page, "Check your mail")
    link = mailbox.wait("ada@example.org", 2).link
    looks.at(open_page(link, base_url=url), "This link belongs to another browser")
    page.goto(link)
    looks.at(page, "One-time sign-in")
    page.get_by_role("button", name="Sign in as").click()
    page.goto("/auth/confirm")
    looks.at(page, "Is it you?")
    assert looks.found == []


def test_the_pages_of_settings_that_come_after_another_are_accessible(open_page: Opens, mail_house: MailHouse) -> None:
    looks, page = Looks(), open_page("/auth/login", base_url=mail_house.server.url)
    sign_in_by_password(page, "ada@example.org")
    page.goto("/settings/recovery-codes")
    page.get_by_role("button", name="Make recovery codes").click()
    looks.at(page, "Recovery codes")
    page.goto("/settings/email")
    looks.at(page, "E-mail address")
    ask_for_mail(page, "ada@new.example.org")
    looks.at(page, "E-mail address")
    page.goto(mail_house.mailbox.wait("ada@new.example.org").link)
    looks.at(page, "E-mail address")

    root = open_page("/auth/login", base_url=mail_house.server.url)
    sign_in_by_password(root, "root@example.org")
    looks.at(root, "Add a passkey")
    assert looks.found == []


def test_the_link_as_a_qr_code_is_accessible(open_page: Opens, site: Site, alice: Person) -> None:
    looks, page = Looks(), open_page(f"/admin/users?q={alice.email}", site.make_person("admin"))
    page.get_by_label(f"Actions for {alice.email}").click()
    page.get_by_role("button", name="Make a sign-in link").click()
    looks.at(page, "Sign-in link")
    page.goto(page.get_by_label("One-time link").input_value())
    looks.at(page, "One-time sign-in")
    assert looks.found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_is_accessible(open_page: Opens, alice: Person, scheme: str) -> None:
    alice.call("POST", "/api/conversations", {"title": "Dinners"})
    page = open_page("/chat", alice, color_scheme=scheme, **PHONE)
    page.get_by_role("button", name="Open the list of conversations").click()
    page.wait_for_timeout(300)  # the drawer slides
    assert violations(page) == []
    page.get_by_role("searchbox").fill("dinners")
    expect(page.locator(".search-result")).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Options of “Dinners”").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("menuitem", name="Move to a folder").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_trouble_is_accessible(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice)
    page.get_by_label("Message", exact=True).fill(script(["x"], fail="cut", after=1))
    page.keyboard.press("Enter")
    expect(page.locator(".notice").last).to_be_visible()
    assert violations(page) == []


def test_the_narrowest_screen(open_page: Opens, alice: Person) -> None:
    for path in ("/auth/login", "/chat", "/settings/account"):
        page = open_page(path, alice if path != "/auth/login" else None, viewport={"width": 320, "height": 640})
        assert not is_too_wide(page), path


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_long_names_push_nothing_out(open_page: Opens, site: Site, width: int) -> None:
    person = make_long_names(site, f"{'a-long-address-' * 3}{width}@{'mail.' * 3}example.org")
    size = {"width": width, "height": 664}
    for path in ("/auth/login", "/auth/register", "/auth/forgot", make_link(site, person.email)):
        page = open_page(path, viewport=size)
        assert (path, is_too_wide(page), sticking_out(page)) == (path, False, [])
    page = open_page("/chat", person, viewport=size)
    for path in (*PAGES, "/chat"):
        page.goto(path)
        assert (path, is_too_wide(page), sticking_out(page)) == (path, False, [])
    page.goto("/settings/recovery-codes")
    page.get_by_role("button", name="Make").click()
    expect(page.locator("#recovery-codes")).to_be_visible()
    assert (is_too_wide(page), sticking_out(page)) == (False, [])


def test_a_new_chat_begins_at_its_top(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice, viewport={"width": 390, "height": 520})
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to the latest message")).to_be_hidden()
    page.locator("message-list").evaluate("list => list.scrollTo(0, 40)")
    page.wait_for_function("document.querySelector('message-list').scrollTop === 40")
    expect(page.get_by_role("button", name="Jump to the latest message")).to_be_hidden()


def test_the_tab_of_a_page_is_in_view_on_a_phone(open_page: Opens, site: Site) -> None:
    page = open_page("/admin/activity", site.make_person("admin"), **PHONE)
    tab = page.get_by_role("link", name="Everyone’s activity")
    expect(tab).to_be_in_viewport(ratio=0.95)  # a fraction of a pixel may stand out
    assert page.locator(".tabs").evaluate("tabs => tabs.offsetHeight") < 60, "one row"
    page.get_by_role("link", name="Account", exact=True).focus()
    expect(page.get_by_role("link", name="Account", exact=True)).to_be_in_viewport(ratio=0.95)


def test_the_theme_is_kept(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice, color_scheme="light")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_text("Dark", exact=True).locator("..").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(background)
    assert dark != light
    for path in ("/chat", "/settings/account"):
        page.goto(path)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        assert page.evaluate(background) == dark


def test_the_keyboard_reaches_everything(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice)
    page.get_by_role("link", name="Skip to content").focus()
    names: list[str] = []
    while len(names) < 25 and "message" not in names:
        page.keyboard.press("Tab")
        names.append(page.evaluate(NAME_OF_FOCUS))
    for wanted in ("new-chat", "Settings", "Sign out", "pick-model", "streaming", "Messages", "message"):
        assert wanted in names, names


def test_the_first_page_is_light(open_page: Opens, alice: Person) -> None:
    page = open_page("/settings/account", alice)
    sizes: dict[str, int] = {}

    def weigh(request: Request) -> None:
        sizes[request.url] = request.sizes()["responseBodySize"]

    page.on("requestfinished", weigh)
    answer = alice.ask(script(["Plain words, a list:\n\n- *one*\n\n| a |\n|---|\n| $5 |"]))
    page.goto(f"/chat/{answer['conversation_id']}")
    expect(page.get_by_label("Model")).to_have_value("fake")
    expect(page.locator("message-body table")).to_be_visible()
    assert [url for url in sizes if url.rsplit("/", 1)[1].startswith(LAZY)] == []
    assert len(sizes) <= MAX_REQUESTS, sizes
    assert sum(sizes.values()) <= MAX_BYTES, sizes

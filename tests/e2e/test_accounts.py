"""Coming in and going out, by the forms."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.chatting import ask, script
from tests.e2e.conftest import Opens, Site
from tests.people import Person

pytestmark = pytest.mark.browser


def test_the_first_visit(open_page: Opens) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail").fill("grace@example.org")
    page.get_by_label("Password", exact=True).fill("a compiler for everybody")
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile(r"/chat$"))
    ask(page, script(["Welcome."]))

    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/auth/login$"))
    page.goto("/chat")
    page.get_by_label("E-mail").fill("grace@example.org")
    page.get_by_label("Password", exact=True).fill("a compiler for everybody")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/chat$"))
    expect(page.locator("conversation-list li")).to_have_count(1)


def test_signing_out_leaves_no_draft(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice)
    page.get_by_label("Message", exact=True).fill("between you and me")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/auth/login$"))
    assert page.evaluate("sessionStorage.length") == 0


def test_a_password_can_be_looked_at(open_page: Opens) -> None:
    page = open_page("/auth/register")
    field = page.get_by_label("Password", exact=True)
    field.fill("secret")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "password")


def test_errors_belong_to_their_field(open_page: Opens) -> None:
    page = open_page("/auth/register")
    page.get_by_label("E-mail").fill("ada@localhost")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    field = page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("8"))


def test_without_javascript(open_page: Opens, site: Site) -> None:
    person = site.make_person()
    answer = person.ask(script(["Words with <b>marks</b> & **stars**."]))
    page = open_page(f"/chat/{answer['conversation_id']}", person, java_script_enabled=False)
    expect(page.locator('message-item[data-role="assistant"] [data-part="text"]')).to_have_text(
        "Words with <b>marks</b> & **stars**."
    )
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")


def test_settings(open_page: Opens, alice: Person) -> None:
    page = open_page("/settings", alice)
    page.get_by_label("Name").fill("Alice Liddell")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_role("link", name="Chat").click()
    expect(page.get_by_text("Alice Liddell")).to_be_visible()


def test_an_administrator_makes_a_link(open_page: Opens, site: Site) -> None:
    admin, bob = site.make_person("admin"), site.make_person()
    page = open_page(f"/admin/users?q={bob.email}", admin)
    page.get_by_label(f"Actions for {bob.email}").click()
    page.get_by_role("button", name="Make a sign-in link").click()
    link = page.get_by_label("One-time link").input_value()
    guest = open_page(link.removeprefix(site.server.url))
    guest.get_by_role("button", name=f"Sign in as {bob.email}").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Security")


def test_suspending_asks_first(open_page: Opens, site: Site) -> None:
    admin, bob = site.make_person("admin"), site.make_person()
    page = open_page(f"/admin/users?q={bob.email}", admin)
    page.get_by_label(f"Actions for {bob.email}").click()
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".is-suspended")).to_have_count(0)
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(page.locator(".is-suspended")).to_have_count(1)

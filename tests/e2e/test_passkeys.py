"""Passkeys in a real browser, with Chromium's virtual authenticator: every way of making, using and losing one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from app.config import Settings
from tests.e2e.conftest import Opens
from tests.e2e.test_looks import DESK, PHONE, is_too_wide, violations
from tests.people import PASSWORD
from tests.serving import Server

pytestmark = pytest.mark.browser
INSIDE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
    "defaultBackupEligibility": True,
    "defaultBackupState": True,
}


@dataclass
class Device:
    """A browser's authenticator."""

    session: CDPSession
    id: str

    def set(self, **state: bool) -> None:
        """Change what it does: isUserVerified, or enabled for presence."""
        self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, **state})

    def credentials(self) -> list[dict[str, Any]]:
        """What it holds."""
        held = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(held["credentials"])

    def forget(self) -> None:
        """Lose everything."""
        self.session.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})


def plug_in(page: Page, **changes: Any) -> Device:
    """Give the page's browser an authenticator."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": {**INSIDE, **changes}})
    return Device(session, made["authenticatorId"])


@pytest.fixture(scope="module")
def database(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("house") / "app.db"
    path.write_bytes(migrated_file.read_bytes())
    return path


@pytest.fixture(scope="module")
def house(base_settings: Settings, database: Path) -> Iterator[Server]:
    """A server at http://localhost, where passkeys work."""
    settings = replace(base_settings, database_url=f"sqlite:///{database}", rate_limit="10000/minute")
    server = Server(settings, host="localhost")
    yield server
    server.stop()


Visits = Callable[..., tuple[Page, Device]]


@pytest.fixture
def visit(open_page: Opens, house: Server) -> Visits:
    """Open a page of the house in a browser with an authenticator."""

    def open_it(path: str, *, device: dict[str, Any] | None = None, **options: Any) -> tuple[Page, Device]:
        page = open_page("/healthz", base_url=house.url, **options)
        plugged = plug_in(page, **(device or {}))
        page.goto(path)
        return page, plugged

    return open_it


def sign_up(page: Page, email: str) -> None:
    """Create an account with a passkey."""
    page.goto("/auth/register/passkey")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile(r"/chat$"))


def sign_up_with_password(page: Page, email: str) -> None:
    page.goto("/auth/register")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile(r"/chat$"))


def sign_out(page: Page) -> None:
    page.goto("/settings/chat")  # which tells the authenticator nothing
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/auth/login"))


def test_an_account_without_a_password(visit: Visits) -> None:
    page, device = visit("/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_label("E-mail").fill("ada@example.org")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/chat$"))
    assert [held["rpId"] for held in device.credentials()] == ["localhost"]
    expect(page.locator("#passkey-offer")).to_have_count(0)


def test_signing_in_by_the_button(visit: Visits) -> None:
    page, device = visit("/auth/register/passkey", device={"automaticPresenceSimulation": True})
    sign_up(page, "button@example.org")
    # Without its answer to the field's own ceremony, the button has something to do.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    sign_out(page)
    page.goto("/auth/login?next=/settings/security")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile(r"/settings/security$"))
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    assert device.credentials()[0]["signCount"] >= 2


def test_signing_in_by_autofill(visit: Visits) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "autofill@example.org")
    page.goto("/settings/account")
    page.get_by_role("button", name="Sign out").click()
    # The virtual authenticator picks the passkey in the field at once.
    expect(page).to_have_url(re.compile(r"/chat$"))


def test_adding_a_second_one_and_the_same_one_again(visit: Visits) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "second@example.org")
    page.goto("/settings/security")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This device already has a passkey for your account.")).to_be_visible()
    plug_in(page, transport="usb", defaultBackupEligibility=False, defaultBackupState=False)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkey")).to_have_count(2)
    expect(page.get_by_text("On this one device or key only")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("is added")


def test_renaming_and_removing(visit: Visits) -> None:
    page, device = visit("/auth/register")
    sign_up_with_password(page, "rename@example.org")
    page.goto("/settings/security")
    if not page.locator(".passkey").count():  # else the browser made it by itself
        page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkey")).to_have_count(1)
    page.locator(".rename summary").click()
    page.get_by_role("textbox", name=re.compile("New name of")).fill("My laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()
    page.get_by_role("button", name="Remove My laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(page.locator(".passkey")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("no longer opens your account")
    page.wait_for_timeout(300)  # the browser's own business
    assert device.credentials() == [], "the Signal API told the authenticator"


def test_another_name_reaches_the_password_manager(visit: Visits) -> None:
    page, device = visit("/auth/register/passkey")
    sign_up(page, "name@example.org")
    page.goto("/settings/account")
    page.get_by_label("Name").fill("Ada L.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.wait_for_timeout(300)  # the browser's own business
    [held] = device.credentials()
    assert (held["userName"], held["userDisplayName"]) == ("name@example.org", "Ada L.")


def test_the_last_way_in_stays(visit: Visits) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "last@example.org")
    page.goto("/settings/security")
    page.get_by_role("button", name=re.compile("^Remove ")).click()
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("your only way in")
    expect(page.locator(".passkey")).to_have_count(1)


def test_a_passkey_that_is_not_known_is_forgotten(visit: Visits) -> None:
    page, device = visit("/auth/register/passkey")
    sign_up(page, "unknown@example.org")
    stray = device.credentials()[0]
    device.forget()
    plug_out = {**stray, "credentialId": "c3RyYXk="}
    device.session.send("WebAuthn.addCredential", {"authenticatorId": device.id, "credential": plug_out})
    sign_out(page)
    expect(page.get_by_text("This passkey is not known here (any more).")).to_be_visible()
    page.wait_for_timeout(300)
    assert device.credentials() == []


def test_going_without_a_password(visit: Visits) -> None:
    page, _ = visit("/auth/register")
    sign_up_with_password(page, "without@example.org")
    page.goto("/settings/security")
    if not page.locator(".passkey").count():
        page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkey")).to_have_count(1)
    expect(page.get_by_role("button", name="Remove my password")).to_have_count(0)
    plug_in(page, transport="usb")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkey")).to_have_count(2)
    page.get_by_role("button", name="Remove my password").click()
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is gone")
    expect(page.get_by_role("heading", name="Go password-less")).to_have_count(0)


def test_who_does_not_confirm_hears_it(visit: Visits) -> None:
    page, device = visit("/auth/register/passkey")
    device.session.send("WebAuthn.setUserVerified", {"authenticatorId": device.id, "isUserVerified": False})
    page.get_by_label("E-mail").fill("refused@example.org")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was confirmed")
    assert device.credentials() == []


def test_an_address_that_is_taken(visit: Visits) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "taken@example.org")
    other, device = visit("/auth/register/passkey")
    other.get_by_label("E-mail").fill("taken@example.org")
    other.get_by_role("button", name="Create account").click()
    expect(other.get_by_role("alert")).to_contain_text("There is an account with this address already.")
    other.wait_for_timeout(300)
    assert device.credentials() == [], "nothing useless is left in the password manager"


def test_the_offer_after_a_password(visit: Visits) -> None:
    page, _ = visit("/auth/register")
    page.add_init_script("PublicKeyCredential.getClientCapabilities = async () => ({})")
    sign_up_with_password(page, "offer@example.org")
    offer = page.locator("#passkey-offer")
    expect(offer).to_be_visible()
    assert violations(page) == []
    offer.get_by_role("button", name="Not now").click()
    expect(page).to_have_url(re.compile(r"/chat$"))
    expect(offer).to_have_count(0)


def test_a_passkey_that_the_browser_makes_by_itself(visit: Visits) -> None:
    """Chromium answers conditional create only with a password manager of its own, so the page is told that it can."""
    page, device = visit("/auth/register")
    page.add_init_script("""
      PublicKeyCredential.getClientCapabilities = async () => ({conditionalCreate: true});
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = ({mediation, ...rest}) => (window.mediation = mediation, create(rest));
    """)
    sign_up_with_password(page, "silent@example.org")
    expect(page.get_by_text("Your password manager now has a passkey")).to_have_count(2)  # and it is announced
    assert page.evaluate("mediation") == "conditional"
    assert len(device.credentials()) == 1
    page.reload()
    expect(page.locator("#passkey-offer")).to_have_count(0)


def test_where_nobody_answers_the_offer_stays(visit: Visits) -> None:
    page, _ = visit("/auth/register")
    page.add_init_script("""
      PublicKeyCredential.getClientCapabilities = async () => ({conditionalCreate: true});
      navigator.credentials.create = ({signal}) => new Promise((_, reject) =>
        signal.addEventListener("abort", () => (document.documentElement.dataset.ended = signal.reason.name, reject(signal.reason))));
    """)
    sign_up_with_password(page, "hangs@example.org")
    expect(page.locator("html")).to_have_attribute("data-ended", "TimeoutError")
    expect(page.get_by_role("link", name="add a passkey")).to_be_visible()


def test_where_it_can_not_work_it_says_so_first(open_page: Opens, house: Server) -> None:
    page = open_page("/auth/login", base_url=house.url.replace("localhost", "127.0.0.1"))
    expect(page.get_by_text(f"Passkeys work here only at {house.url}.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    page.get_by_role("link", name="Open it there").click()
    expect(page).to_have_url(f"{house.url}/auth/login")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()


@pytest.mark.parametrize(("device", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone-dark", "desk-light"])
def test_the_pages_are_accessible(visit: Visits, tmp_path: Path, device: dict[str, Any], scheme: str) -> None:
    page, _ = visit("/auth/register/passkey", color_scheme=scheme, **device)
    found = violations(page)
    assert not is_too_wide(page)
    sign_up(page, f"looks-{scheme}@example.org")
    page.goto("/settings/security")
    plug_in(page, transport="usb", defaultBackupEligibility=False, defaultBackupState=False)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".passkey")).to_have_count(2)
    page.locator(".rename summary").first.click()
    found += violations(page)
    assert not is_too_wide(page)
    assert found == []


def test_confirming_before_what_matters_most(visit: Visits, database: Path) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "prove@example.org")
    forget_proofs(database)
    page.goto("/settings/account/delete")
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Confirm with a passkey").click()
    expect(page).to_have_url(re.compile(r"/settings/account/delete$"))


def test_the_device_with_the_only_passkey_is_lost(visit: Visits) -> None:
    page, _ = visit("/auth/register/passkey")
    sign_up(page, "lost@example.org")
    page.goto("/settings/recovery-codes")
    page.get_by_role("button", name="Make recovery codes").click()
    code = page.locator(".recovery-codes code").first.inner_text()

    new, device = visit("/auth/login")
    new.get_by_role("link", name="Use a recovery code").click()
    new.get_by_label("E-mail").fill("lost@example.org")
    new.get_by_label("Recovery code").fill(code)
    new.get_by_role("button", name="Sign in").click()
    expect(new.get_by_role("heading", level=1)).to_have_text("Security")
    new.get_by_role("button", name="Add a passkey").click()
    expect(new.locator(".passkey")).to_have_count(2)
    new.locator(".passkey").first.get_by_role("button", name="Remove").click()
    new.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(new.locator(".passkey")).to_have_count(1)
    new.goto("/settings/chat")
    new.get_by_role("button", name="Sign out").click()
    expect(new).to_have_url(re.compile(r"/chat$"))  # by the field's own ceremony: this device confirms by itself
    page.goto("/settings/security")
    expect(page).to_have_url(re.compile(r"/auth/login"))
    assert len(device.credentials()) == 1


def forget_proofs(database: Path) -> None:
    """Let all proofs be too old."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE login_session SET proven_at = NULL")
        connection.commit()

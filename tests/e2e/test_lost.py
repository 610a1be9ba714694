"""“I lost my …”: every story ends signed in, by pages and commands alone.

Each story is told from the moment something is lost. In most of them a password is what the lost device signed in with; the story of an
account that never had one is told with passkeys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from app import create_app
from app.clock import utcnow
from app.config import Settings
from app.extensions import db
from app.models.user import User
from tests.e2e.conftest import PATIENCE_MS, REPORT_VIOLATIONS, Faults
from tests.e2e.test_passkeys import plug_in, sign_up
from tests.mailbox import Mailbox
from tests.people import PASSWORD, make_user
from tests.serving import Server

pytestmark = pytest.mark.browser

NEW = "a wholly new passphrase"


@dataclass
class House:
    """An installation of its own, with or without a mail server, and its command line."""

    settings: Settings
    server: Server
    mailbox: Mailbox | None

    def flask(self, *arguments: str) -> str:
        """Run a command on the server's machine and give what it printed."""
        app = create_app(replace(self.settings, public_url=self.server.url))
        result = app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    def confirm(self, email: str) -> None:
        """Let the owner of an account have confirmed its address."""
        with create_app(self.settings).app_context():
            db.session.execute(db.update(User).where(User.email == email).values(email_confirmed_at=utcnow()))
            db.session.commit()

    def add(self, email: str, *, role: str = "user") -> None:
        make_user(create_app(self.settings), email, role=role)


@pytest.fixture
def make_house(settings: Settings) -> Iterator[Callable[..., House]]:
    """Start an installation."""
    made: list[House] = []

    def make(*, mails: bool = False, host: str = "127.0.0.1") -> House:
        mailbox = Mailbox().__enter__() if mails else None
        own = replace(settings, mail_url=mailbox.url if mailbox else "")
        made.append(House(own, Server(own, host=host), mailbox))
        return made[-1]

    yield make
    for house in made:
        house.server.stop()
        if house.mailbox:
            house.mailbox.__exit__()


@pytest.fixture
def open_device(chromium: Browser) -> Iterator[Callable[[House], Page]]:
    """Open a browser on a device that nobody is signed in to."""
    faults = Faults()
    contexts = []

    def open_it(house: House) -> Page:
        context = chromium.new_context(base_url=house.server.url, accept_downloads=True)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(REPORT_VIOLATIONS)
        contexts.append(context)
        page = context.new_page()
        faults.watch(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert faults.found == []


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/auth/login")
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/chat$"))


def set_password(page: Page) -> None:
    """On the security page, where the old password is not asked for."""
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")


def print_codes(page: Page) -> list[str]:
    """Make recovery codes and keep them, as a file."""
    page.goto("/settings/security")
    page.get_by_role("link", name="Make recovery codes").click()
    page.get_by_role("button", name="Make recovery codes").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    download: Download = started.value
    assert download.suggested_filename == "recovery-codes.txt"
    codes = re.findall(r"^\S{4}(?:-\S{4}){3}$", Path(download.path()).read_text(encoding="utf-8"), re.M)
    assert page.locator(".recovery-codes code").all_inner_texts() == codes
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    return codes


def use_code(page: Page, email: str, code: str) -> None:
    page.goto("/auth/login")
    page.get_by_role("link", name="Use a recovery code").click()
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_label("Recovery code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")


def link_in(output: str) -> str:
    found = re.search(r"^http\S+/auth/link/\S+$", output, re.M)
    assert found, output
    return found[0]


def test_my_phone(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """The laptop is still signed in. It makes a new password, and the lost phone is out."""
    house = make_house()
    house.add("ada@example.org")
    phone, laptop = open_device(house), open_device(house)
    sign_in(phone, "ada@example.org")
    sign_in(laptop, "ada@example.org")

    laptop.goto("/settings/security")
    set_password(laptop)
    phone.goto("/chat")
    expect(phone).to_have_url(re.compile("/auth/login"))

    new_phone = open_device(house)
    sign_in(new_phone, "ada@example.org", NEW)


def test_my_laptop(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """The only device is gone, with everything that it remembered. There are codes on paper."""
    house = make_house()
    house.add("ada@example.org")
    laptop = open_device(house)
    sign_in(laptop, "ada@example.org")
    codes = print_codes(laptop)

    new = open_device(house)
    use_code(new, "ada@example.org", codes[0].lower().replace("-", " "))
    expect(new.get_by_role("status")).to_contain_text("9 recovery codes are left")
    set_password(new)
    laptop.goto("/chat")
    expect(laptop).to_have_url(re.compile("/auth/login"))


def test_my_laptop_and_there_is_mail(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """The new laptop asks for a mail; it is read on the phone, where the link refuses and the code helps."""
    house = make_house(mails=True)
    house.add("ada@example.org")
    assert house.mailbox
    laptop, phone = open_device(house), open_device(house)
    laptop.goto("/auth/login")
    laptop.get_by_role("link", name="E-mail me a sign-in link").click()
    laptop.get_by_label("E-mail", exact=True).fill("ada@example.org")
    laptop.get_by_role("button", name="Send me a mail").click()
    mail = house.mailbox.wait("ada@example.org")

    phone.goto(mail.link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link belongs to another browser")
    laptop.get_by_label("Code").fill(mail.code)
    laptop.get_by_role("button", name="Continue").click()
    expect(laptop).to_have_url(re.compile(r"/chat$"))


def test_my_phone_which_held_my_only_passkey(
    make_house: Callable[..., House], open_device: Callable[[House], Page]
) -> None:
    """There was never a password. A mail lets the new phone chat; what may change how one signs in is an administrator's link."""
    house = make_house(mails=True, host="localhost")
    assert house.mailbox
    lost, new = open_device(house), open_device(house)
    plug_in(lost)
    sign_up(lost, "ada@example.org")
    house.confirm("ada@example.org")
    plug_in(new)
    new.goto("/auth/mail")
    new.get_by_label("E-mail", exact=True).fill("ada@example.org")
    new.get_by_role("button", name="Send me a mail").click()
    new.get_by_label("Code").fill(house.mailbox.wait("ada@example.org").code)
    new.get_by_role("button", name="Continue").click()
    expect(new).to_have_url(re.compile(r"/chat$"))

    new.goto("/settings/security")
    new.get_by_role("button", name="Add a passkey").click()
    expect(new.get_by_role("heading", level=1)).to_have_text("Is it you?")
    expect(new.get_by_text("Lost it? Sign out, and sign in with a recovery code")).to_be_visible()
    new.get_by_role("link", name="a one-time link").click()
    expect(new.get_by_role("heading", level=1)).to_have_text("Can’t sign in?")

    new.goto(link_in(house.flask("sign-in-link", "ada@example.org")))
    new.get_by_role("button", name="Sign in as").click()
    new.get_by_role("button", name="Add a passkey").click()
    expect(new.locator(".passkey")).to_have_count(2)
    new.locator(".passkey").first.get_by_role("button", name="Remove").click()
    new.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(new.locator(".passkey")).to_have_count(1)
    lost.goto("/chat")
    expect(lost).to_have_url(re.compile("/auth/login"))
    expect(lost.get_by_text("This passkey is not known here (any more).")).to_be_visible()


def test_my_password(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """A mail leads to a new one."""
    house = make_house(mails=True)
    house.add("ada@example.org")
    assert house.mailbox
    page = open_device(house)
    page.goto("/auth/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail", exact=True).fill("ada@example.org")
    page.get_by_role("button", name="Send me a mail").click()
    page.goto(house.mailbox.wait("ada@example.org").link)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_role("button", name="Set the new password").click()
    expect(page.get_by_role("status")).to_contain_text("Sign in with the new one")
    sign_in(page, "ada@example.org", NEW)


def test_my_mailbox(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """Somebody else reads it now. A signed-in browser moves the account to another address; the old one can do nothing more."""
    house = make_house(mails=True)
    house.add("ada@example.org")
    assert house.mailbox
    page, thief = open_device(house), open_device(house)
    sign_in(page, "ada@example.org")
    page.goto("/settings/account")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("E-mail", exact=True).fill("ada@new.example.org")
    page.get_by_role("button", name="Send me a mail").click()
    page.goto(house.mailbox.wait("ada@new.example.org").link)
    page.get_by_role("button", name="Change the address").click()
    expect(page.get_by_role("status")).to_contain_text("Your e-mail address is changed")

    before = len(house.mailbox.to("ada@example.org"))
    thief.goto("/auth/mail")
    thief.get_by_label("E-mail", exact=True).fill("ada@example.org")
    thief.get_by_role("button", name="Send me a mail").click()
    expect(thief.get_by_role("heading", level=1)).to_have_text("Check your mail")
    sign_in(open_device(house), "ada@new.example.org")
    subjects = [mail.subject for mail in house.mailbox.to("ada@example.org")]
    assert "Your sign-in link" not in subjects[before:]


def test_everything(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """Devices, password, mailbox and codes are gone. The administrator's screen shows a link, which the new phone reads."""
    house = make_house()
    house.add("ada@example.org")
    house.add("root@example.org", role="admin")
    phone, desk = open_device(house), open_device(house)
    phone.goto("/auth/login")
    phone.get_by_role("link", name="Forgot your password?").click()
    expect(phone.get_by_text("ask the person who runs this server")).to_be_visible()

    sign_in(desk, "root@example.org")
    desk.goto("/admin/users?q=ada")
    desk.get_by_label("Actions for ada@example.org").click()
    desk.get_by_role("button", name="Make a sign-in link").click()
    phone.goto(desk.get_by_label("One-time link").input_value())
    phone.get_by_role("button", name="Sign in as").click()
    set_password(phone)


def test_the_only_administrator(make_house: Callable[..., House], open_device: Callable[[House], Page]) -> None:
    """Nobody else can make a link; whoever has the machine can."""
    house = make_house()
    house.add("root@example.org", role="admin")
    page = open_device(house)
    page.goto(link_in(house.flask("sign-in-link", "root@example.org")))
    page.get_by_role("button", name="Sign in as").click()
    set_password(page)
    page.goto("/admin/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")


def test_there_is_no_administrator_any_more(
    make_house: Callable[..., House], open_device: Callable[[House], Page]
) -> None:
    """The address is forgotten, too. The command makes another administrator, and a link for a first password."""
    house = make_house()
    page = open_device(house)
    page.goto(link_in(house.flask("create-admin", "new-root@example.org")))
    page.get_by_role("button", name="Sign in as").click()
    set_password(page)
    page.goto("/admin/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")

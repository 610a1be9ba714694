"""The table of docs/sessions.md, a test for each cell: what each event does to this browser, to the others, and to their proofs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import sessions
from app.access import public
from app.extensions import db
from app.models.login_session import LoginSession
from app.models.passkey import Passkey
from app.models.user import User, find_user
from tests.auth.ceremonies import add_key
from tests.mailbox import LINK, Mailbox, settle
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, copy_browser, csrf_token, parse_events, send_form, sign_in, sign_up

TABLE = Path(__file__).parent.parent / "docs/sessions.md"
NEW = "a wholly new passphrase"
PROVEN_PAGE = "/settings/account/delete"
SILENT = '/fake {"chunks": ["So", "on"], "delay_ms": 60000}'


@dataclass
class World:
    """Alice with a laptop, on which things happen, and a phone; and a copy of the laptop's cookie from before."""

    app: Flask
    clock: Clock
    laptop: FlaskClient
    phone: FlaskClient
    old_copy: FlaskClient
    admin: Person
    alice: Person
    mailbox: Mailbox

    def administer(self, *verbs: str) -> None:
        for verb in verbs:
            answer = self.admin.post(f"/admin/users/{self.alice.id}/{verb}")
            assert (answer.status_code, answer.location) == (303, "/admin/users")

    def id_of_phone(self) -> str:
        with self.app.app_context():
            rows = db.session.scalars(select(LoginSession.id).where(LoginSession.user_id == self.alice.id))
            return str(max(rows))

    def make_admin(self) -> None:
        with self.app.app_context():
            db.session.execute(db.update(User).where(User.id == self.alice.id).values(role="admin"))
            db.session.commit()


@pytest.fixture
def app(make_app: Callable[..., Flask], mailbox: Mailbox) -> Iterator[Flask]:
    """The application, with a mail server, and a view that signs in by a mail."""
    app = make_app(session_days=10, session_idle_days=5, mail_url=mailbox.url)
    app.add_url_rule("/mailed", view_func=public(sign_in_by_mail), methods=["POST"])
    yield app
    settle(app)


def sign_in_by_mail() -> str:
    user = find_user("alice@example.org")
    assert user
    sessions.sign_in(user, method="mail")
    return ""


@pytest.fixture
def world(app: Flask, clock: Clock, alice: Person, mailbox: Mailbox) -> World:
    laptop = app.test_client()
    send_form(laptop, "/auth/login", email=alice.email, password=PASSWORD, remember="y")
    phone = app.test_client()
    send_form(phone, "/auth/login", email=alice.email, password=PASSWORD, remember="y")
    root = sign_up(app, "root@example.org", role="admin")
    return World(app, clock, laptop, phone, copy_browser(app, laptop), root, alice, mailbox)


def later(world: World) -> None:
    """Let the proofs of the sign-ins grow old, and sign the administrator in anew."""
    world.clock.advance(minutes=11)


def confirm(world: World) -> None:
    later(world)
    assert send_form(world.laptop, "/auth/confirm", password=PASSWORD).status_code == 303


def sign_out_phone(world: World) -> None:
    send_form(world.laptop, f"/settings/sessions/{world.id_of_phone()}/end")


def change_password(world: World) -> None:
    send_form(world.laptop, "/settings/security", new_password=NEW)


def change_email(world: World) -> None:
    send_form(world.laptop, "/settings/email", email="new@example.org")
    assert send_form(world.laptop, world.mailbox.wait("new@example.org").link).location == "/settings/account"


def remove_passkey(world: World) -> None:
    with world.app.app_context():
        passkey = Passkey(user_id=world.alice.id, credential_id=b"hers", public_key=b"", rp_id="localhost", name="Hers")
        passkey.backup_eligible = passkey.backed_up = False
        db.session.add(passkey)
        db.session.commit()
    send_form(world.laptop, f"/settings/passkeys/{passkey.id}/remove")


def reset_password(world: World) -> None:
    """Choose a new password by a mail."""
    send_form(world.laptop, "/auth/reset", email=world.alice.email)
    settle(world.app)
    [link] = [mail.link for mail in world.mailbox.to(world.alice.email) if LINK.search(mail.text)]
    assert send_form(world.laptop, link, new_password=NEW).location == "/auth/login"


def add_passkey(world: World) -> None:
    add_key(Person(world.alice.id, world.alice.email, world.laptop, world.app))


def make_codes(world: World) -> None:
    assert "<code>" in send_form(world.laptop, "/settings/recovery-codes", submit="y").text


def be_taken_over(world: World) -> None:
    runner = world.app.test_cli_runner()
    assert runner.invoke(args=["create-admin", "--take-over", world.alice.email]).exit_code == 0


def demote_oneself(world: World) -> None:
    world.make_admin()
    assert send_form(world.laptop, f"/admin/users/{world.alice.id}/demote").location == "/settings/account"


def be_demoted(world: World) -> None:
    world.make_admin()
    world.administer("demote")


def idle(world: World) -> None:
    for _ in range(2):
        world.clock.advance(days=3)
        world.phone.get("/chat")


def grow_old(world: World) -> None:
    for _ in range(4):
        world.clock.advance(days=2.6)
        for browser in (world.laptop, world.phone):
            browser.get("/chat")


def close_browser(world: World) -> None:
    """Lose every cookie that ends with the browser; the laptop signed in without "stay signed in"."""
    send_form(world.laptop, "/auth/logout")
    send_form(world.laptop, "/auth/login", email=world.alice.email, password=PASSWORD)
    cookie = world.laptop.get_cookie("session")
    assert cookie
    if cookie.expires is None:
        world.laptop.delete_cookie("session")


def sign_in_again(world: World) -> None:
    data = {"csrf_token": csrf_token(world.laptop)}
    assert world.laptop.post("/mailed", data=data).status_code == 200


STAYS, RENEWED, ENDS = "stays", "renewed", "ends"
FRESH, STALE, NONE = "fresh", "stale", "none"


@dataclass(frozen=True)
class Event:
    """A row: what happens, and what becomes of the laptop, of the phone, and of their proofs."""

    words: str
    happens: Callable[[World], object]
    laptop: str
    phone: str
    laptop_proof: str
    phone_proof: str


EVENTS = [
    Event("signing in", sign_in_again, RENEWED, STAYS, STALE, FRESH),
    Event("a fresh proof on `/auth/confirm`", confirm, RENEWED, STAYS, FRESH, STALE),
    Event("signing out", lambda w: send_form(w.laptop, "/auth/logout"), ENDS, STAYS, NONE, FRESH),
    Event("signing one browser out under Devices", sign_out_phone, STAYS, ENDS, FRESH, NONE),
    Event(
        "signing all others out",
        lambda w: send_form(w.laptop, "/settings/sessions/end-others"),
        STAYS,
        ENDS,
        FRESH,
        NONE,
    ),
    Event("a new password", change_password, RENEWED, ENDS, FRESH, NONE),
    Event("a new password by a mail", reset_password, ENDS, ENDS, NONE, NONE),
    Event("a passkey added", add_passkey, STAYS, STAYS, FRESH, FRESH),
    Event("new recovery codes", make_codes, STAYS, STAYS, FRESH, FRESH),
    Event("a way to sign in removed", remove_passkey, RENEWED, ENDS, FRESH, NONE),
    Event("another e-mail address", change_email, RENEWED, ENDS, FRESH, NONE),
    Event("promotion to administrator", lambda w: w.administer("promote"), STAYS, STAYS, STALE, STALE),
    Event("`flask create-admin --take-over`", be_taken_over, ENDS, ENDS, NONE, NONE),
    Event("demotion", be_demoted, ENDS, ENDS, NONE, NONE),
    Event("demotion", demote_oneself, RENEWED, ENDS, FRESH, NONE),
    Event("suspension", lambda w: w.administer("suspend"), ENDS, ENDS, NONE, NONE),
    Event("being restored", lambda w: w.administer("suspend", "restore"), ENDS, ENDS, NONE, NONE),
    Event(
        "deleting the account",
        lambda w: send_form(w.laptop, PROVEN_PAGE, confirm="y"),
        ENDS,
        ENDS,
        NONE,
        NONE,
    ),
    Event("`SESSION_DAYS` after the sign-in, or a day without *Stay signed in*", grow_old, ENDS, ENDS, NONE, NONE),
    Event("`SESSION_IDLE_DAYS` without a request", idle, ENDS, STAYS, NONE, STALE),
    Event("closing the browser", close_browser, ENDS, STAYS, NONE, FRESH),
]
each_event = pytest.mark.parametrize("row", EVENTS, ids=lambda row: row.happens.__name__.strip("<>") + " " + row.words)


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/api/conversations").status_code == 200


def proof_of(browser: FlaskClient) -> str:
    page = browser.get(PROVEN_PAGE)
    if page.status_code == 200:
        return FRESH
    return STALE if "/auth/confirm" in page.location else NONE


@each_event
def test_this_browser(world: World, row: Event) -> None:
    assert is_signed_in(world.laptop)
    row.happens(world)
    alive = is_signed_in(world.laptop)
    old_token_works = is_signed_in(world.old_copy)

    assert (alive, old_token_works) == {STAYS: (True, True), RENEWED: (True, False), ENDS: (False, False)}[row.laptop]


@each_event
def test_the_other_browsers(world: World, row: Event) -> None:
    assert is_signed_in(world.phone)
    row.happens(world)

    assert is_signed_in(world.phone) == (row.phone == STAYS)


@each_event
def test_the_proofs(world: World, row: Event) -> None:
    assert (proof_of(world.laptop), proof_of(world.phone)) == (FRESH, FRESH)
    row.happens(world)

    assert (proof_of(world.laptop), proof_of(world.phone)) == (row.laptop_proof, row.phone_proof)


def ends_soon(stream: Iterator[bytes]) -> bool:
    """Read a stream whose answer is silent for a minute: whether it ends within a second, without an end of the answer."""
    began = time.monotonic()
    rest = parse_events(b"".join(stream).decode())
    return time.monotonic() - began < 1 and "done" not in {event.name for event in rest}


ENDING = [row for row in EVENTS if row.phone == ENDS and row.happens is not grow_old]


@pytest.mark.parametrize("row", ENDING, ids=lambda row: row.happens.__name__.strip("<>") + " " + row.words)
def test_the_open_streams_of_the_others(world: World, row: Event) -> None:
    stream = Person(world.alice.id, world.alice.email, world.phone, world.app).open_stream(SILENT)
    next(stream)
    row.happens(world)

    assert ends_soon(stream)


def test_a_new_token_ends_no_stream(world: World) -> None:
    person = Person(world.alice.id, world.alice.email, world.laptop, world.app)
    stream = person.open_stream('/fake {"chunks": ["So", "on"], "delay_ms": 300}')
    next(stream)
    confirm(world)

    assert parse_events(b"".join(stream).decode())[-1].name == "done"


# What the words of the table mean: what becomes of the laptop, of the phone, and of both their proofs.
THIS_BROWSER = {
    "a new session with a new token; the one it had ends": {RENEWED},
    "stays": {STAYS},
    "stays, with a new token": {RENEWED},
    "ends": {ENDS},
    "ends: it signs nobody in": {ENDS},
    "ends; who steps down themselves stays, with a new token": {ENDS, RENEWED},
    "ends, unless *Stay signed in* was ticked": {ENDS},
    "nothing comes back": {ENDS},
}
OTHER_BROWSERS = {
    "stay": {STAYS},
    "stay, without the proof": {STAYS},
    "that one ends": {ENDS},
    "end": {ENDS},
    "nothing comes back": {ENDS},
    "each by its own sign-in": {ENDS},
    "each by its own last request": {STAYS},
}
PROOFS = {
    "counts as one, unless it was by a mail, or by a password where a passkey has to be used": {(STALE, FRESH)},
    "ten minutes, in this browser alone": {(FRESH, STALE)},
    "stay": {(FRESH, FRESH), (FRESH, NONE)},
    "counts as one": {(FRESH, NONE)},
    "forgotten: before the first act of an administrator comes a proof, and with it a new token": {(STALE, STALE)},
    "end with the session": {(NONE, FRESH), (NONE, STALE), (NONE, NONE)},
    "end with the sessions": {(NONE, NONE), (FRESH, NONE)},
    "none": {(NONE, NONE)},
}


def test_the_table_says_what_is_tested() -> None:
    cells = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [row[0] for row in cells] == ["What happens", *dict.fromkeys(row.words for row in EVENTS)]

    for words, this_browser, others, proofs in cells[1:]:
        tested = [row for row in EVENTS if row.words == words]
        assert {row.laptop for row in tested} == THIS_BROWSER[this_browser], words
        assert {row.phone for row in tested} == OTHER_BROWSERS[others], words
        assert {(row.laptop_proof, row.phone_proof) for row in tested} <= PROOFS[proofs], words


def test_a_day_without_stay_signed_in(app: Flask, clock: Clock, alice: Person) -> None:
    clock.advance(hours=23)
    assert is_signed_in(alice.client)
    clock.advance(hours=2)

    assert not is_signed_in(alice.client)


def test_a_session_never_outlives_its_days(make_app: Callable[..., Flask], clock: Clock, alice: Person) -> None:
    short = sign_in(make_app(session_days=0.5), alice.email)
    clock.advance(hours=13)

    assert not is_signed_in(short), "a day would be longer than anybody may stay"


def test_who_is_active_is_not_idle(app: Flask, clock: Clock, world: World) -> None:
    for _ in range(3):
        clock.advance(days=3)
        assert is_signed_in(world.laptop)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.passkey import Passkey
from app.models.recovery_code import RecoveryCode
from app.models.user import User
from tests.auth.ceremonies import add_key, begin, finish, kinds, sign_in_with, sign_up_with
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import PASSWORD, Person, send_form, sign_in
from tests.software_authenticator import BACKED_UP, ELIGIBLE, Answers, make_key

GOOGLE = UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4")
SYNCED = ELIGIBLE | BACKED_UP


def passkeys(app: Flask) -> list[Passkey]:
    with app.app_context():
        return list(db.session.scalars(select(Passkey).order_by(Passkey.id)))


def has_password(app: Flask, user_id: UUID) -> bool:
    with app.app_context():
        return db.session.get_one(User, user_id).password_hash is not None


def remove(person: Person, passkey: Passkey) -> int:
    return person.post(f"/settings/passkeys/{passkey.id}/remove").status_code


def without_password(app: Flask, email: str = "ada@example.org") -> Person:
    """Somebody who signed up by passkey."""
    client = app.test_client()
    sign_up_with(client, email)
    with app.app_context():
        user = db.session.scalars(select(User).where(User.email == email)).one()
    return Person(user.id, email, client, app)


def test_the_list(app: Flask, alice: Person) -> None:
    assert "You sign in with" not in alice.get("/settings/security").text
    add_key(alice, aaguid=GOOGLE.bytes, backup=SYNCED)
    add_key(alice, aaguid=GOOGLE.bytes)
    add_key(alice)
    page = alice.get("/settings/security").text

    assert [passkey.name for passkey in passkeys(app)] == [
        "Google Password Manager",
        "Google Password Manager 2",
        "Passkey",
    ]
    assert page.count(f"/auth/passkeys/icons/{GOOGLE}") == 2
    assert page.count("Synced between your devices") == 1
    assert page.count("On this one device or key only") == 2
    assert page.count("never used") == 3


def test_the_list_is_ones_own(alice: Person, bob: Person) -> None:
    add_key(alice, aaguid=GOOGLE.bytes)

    assert "Google" not in bob.get("/settings/security").text


def test_the_page_tells_the_browser_all_accepted_ids(alice: Person) -> None:
    key = add_key(alice)
    other = add_key(alice)
    page = alice.get("/settings/security").text

    from_page = page.partition('data-accepted-ids="')[2].partition('"')[0].split()
    assert len(from_page) == 2
    assert key.credential_id != other.credential_id


def test_after_a_change_of_the_name_the_browser_is_told(alice: Person) -> None:
    add_key(alice)
    add_key(alice)
    assert alice.post("/settings/account", name="Alice B.").location == "/settings/account"
    page = alice.get("/settings/account").text

    assert len(page.partition('data-accepted-ids="')[2].partition('"')[0].split()) == 2
    assert 'data-name="alice@example.org" data-display-name="Alice B."' in page


def test_the_picture_of_a_provider(client: FlaskClient) -> None:
    picture = client.get(f"/auth/passkeys/icons/{GOOGLE}")

    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    assert "max-age" in picture.headers["Cache-Control"]
    assert client.get(f"/auth/passkeys/icons/{uuid4()}").status_code == 404
    assert client.get("/auth/passkeys/icons/..%2f__init__.py").status_code == 404


def test_it_renames(app: Flask, alice: Person) -> None:
    add_key(alice)
    passkey = passkeys(app)[0]

    assert alice.post(f"/settings/passkeys/{passkey.id}/rename", name="  My  phone ").status_code == 303
    assert passkeys(app)[0].name == "My phone"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_name_that_is_none(app: Flask, alice: Person, name: str) -> None:
    add_key(alice)
    alice.post(f"/settings/passkeys/{passkeys(app)[0].id}/rename", name=name)

    assert passkeys(app)[0].name == "Passkey"
    assert "Use 1 to 100 characters." in alice.get("/settings/security").text


def test_a_hostile_name_stays_text(app: Flask, alice: Person) -> None:
    add_key(alice)
    alice.post(f"/settings/passkeys/{passkeys(app)[0].id}/rename", name="<script>alert(1)</script>")

    assert "<script>alert" not in alice.get("/settings/security").text


def test_it_removes(app: Flask, alice: Person) -> None:
    key = add_key(alice)
    assert remove(alice, passkeys(app)[0]) == 303

    assert passkeys(app) == []
    assert sign_in_with(app.test_client(), key).get_json()["reason"] == "unknown_credential"
    assert kinds(app, alice.id)[-1] == "passkey_removed"


def test_removing_signs_all_other_browsers_out(app: Flask, alice: Person) -> None:
    key = add_key(alice)
    phone, laptop = app.test_client(), sign_in(app, alice.email)
    sign_in_with(phone, key)
    remove(alice, passkeys(app)[0])

    assert alice.get("/chat").status_code == 200
    assert (phone.get("/chat").status_code, laptop.get("/chat").status_code) == (302, 302)


def test_what_is_somebody_elses_can_not_be_touched(app: Flask, alice: Person, bob: Person) -> None:
    add_key(alice)
    passkey = passkeys(app)[0]

    assert remove(bob, passkey) == 404
    assert bob.post(f"/settings/passkeys/{passkey.id}/rename", name="Mine").status_code == 404
    assert [one.name for one in passkeys(app)] == ["Passkey"]


def test_removing_takes_a_fresh_proof(app: Flask, alice: Person, clock: Clock) -> None:
    add_key(alice)
    clock.advance(minutes=11)
    remove(alice, passkeys(app)[0])
    alice.post("/settings/password/remove")

    assert len(passkeys(app)) == 1
    assert has_password(app, alice.id)


def test_the_last_way_in_stays(app: Flask) -> None:
    ada = without_password(app)
    assert remove(ada, passkeys(app)[0]) == 303

    assert len(passkeys(app)) == 1
    assert "This is your only way in." in ada.get("/settings/security").text


def test_one_that_does_not_work_is_no_way_in(app: Flask) -> None:
    ada = without_password(app)
    broken = add_key(ada)
    for _ in range(2):
        sign_in_with(app.test_client(), broken, Answers(sign_count=5))
    works, blocked = passkeys(app)
    assert (works.blocked_at, blocked.blocked_at is None) == (None, False)

    remove(ada, works)
    assert len(passkeys(app)) == 2
    remove(ada, blocked)
    assert [one.id for one in passkeys(app)] == [works.id]


def test_a_blocked_one_is_told_until_it_is_removed(app: Flask, alice: Person) -> None:
    copied = add_key(alice)
    add_key(alice)
    alice_s = passkeys(app)
    conversation = f"/chat/{alice.ask()['conversation_id']}"
    assert "is blocked" not in alice.get("/chat").text
    for _ in range(2):
        sign_in_with(app.test_client(), copied, Answers(sign_count=5))

    for path in ("/chat", conversation):
        page = alice.get(path).text
        assert page.count("is blocked, because there may be a copy of it") == 1
        assert f'href="/settings/security#passkey-{alice_s[0].id}"' in page
    assert "there may be a copy of it" in alice.get("/settings/security").text
    remove(alice, alice_s[0])
    assert "is blocked" not in alice.get("/chat").text


def test_of_two_removed_at_once_one_stays(app: Flask) -> None:
    ada = without_password(app)
    add_key(ada)
    one, two = passkeys(app)
    token = {"csrf_token": ada.csrf()}
    session = ada.client.get_cookie("session")
    assert session
    browsers = []
    for _ in range(2):
        browser = app.test_client()
        browser.set_cookie("session", session.value)
        browsers.append(browser)

    at_once(
        partial(browser.post, f"/settings/passkeys/{passkey.id}/remove", data=token)
        for browser, passkey in zip(browsers, (one, two), strict=True)
    )

    assert len(passkeys(app)) == 1


def test_two_passkeys_replace_the_password(app: Flask, alice: Person) -> None:
    add_key(alice)
    key = add_key(alice)
    laptop = sign_in(app, alice.email)
    assert "Remove my password" in alice.get("/settings/security").text

    assert alice.post("/settings/password/remove").status_code == 303

    assert not has_password(app, alice.id)
    assert "Go password-less" not in alice.get("/settings/security").text
    assert send_form(app.test_client(), "/auth/login", email=alice.email, password=PASSWORD).status_code == 401
    assert laptop.get("/chat").status_code == 302
    assert alice.get("/chat").status_code == 200
    assert sign_in_with(app.test_client(), key).status_code == 200
    assert "password_removed" in kinds(app, alice.id)


@pytest.mark.parametrize(
    ("backup", "codes", "may"),
    [(0, 0, False), (SYNCED, 0, False), (ELIGIBLE, 1, False), (0, 1, False), (SYNCED, 1, True)],
)
def test_one_passkey_replaces_it_where_it_is_synced_and_codes_are_there(
    app: Flask, alice: Person, backup: int, codes: int, may: bool
) -> None:
    add_key(alice, backup=backup)
    with app.app_context():
        db.session.add_all(RecoveryCode(user_id=alice.id, code_hash=f"{number:064}") for number in range(codes))
        db.session.commit()

    assert ("Remove my password" in alice.get("/settings/security").text) == may
    alice.post("/settings/password/remove")
    assert has_password(app, alice.id) != may


def test_a_first_password_takes_a_fresh_proof(app: Flask, clock: Clock) -> None:
    ada = without_password(app)
    clock.advance(minutes=11)
    answer = ada.post("/settings/security", new_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/auth/confirm")
    assert not has_password(app, ada.id)
    clock.advance(minutes=-11)

    assert ada.post("/settings/security", new_password=PASSWORD).status_code == 303
    assert has_password(app, ada.id)


def test_without_a_passkey_the_password_stays(app: Flask, alice: Person) -> None:
    alice.post("/settings/password/remove")

    assert has_password(app, alice.id)
    assert "Add a second passkey first" in alice.get("/settings/security").text


def test_passkeys_of_another_host_count_for_nothing(app: Flask, alice: Person, make_app: Callable[..., Flask]) -> None:
    add_key(alice)
    add_key(alice)
    moved = make_app(public_url="https://chat.example.org")
    there = Person(alice.id, alice.email, sign_in(moved, alice.email), moved)
    page = there.get("/settings/security").text

    assert page.count("It was made for localhost") == 2
    assert 'data-accepted-ids=""' in page
    there.post("/settings/password/remove")
    assert has_password(app, alice.id)


def test_a_silent_passkey_needs_nobodys_touch(app: Flask, alice: Person) -> None:
    options = begin(alice.client, "add", silent=True)
    key = make_key(options)

    assert finish(alice.client, "add", key.register(options, Answers(flags=0)), silent=True).status_code == 201
    assert sign_in_with(app.test_client(), key, Answers(flags=1)).get_json()["reason"] == "user_verified"
    assert sign_in_with(app.test_client(), key).status_code == 200

"""Making recovery codes."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from app.models.recovery_code import RecoveryCode
from tests.moved_clock import Clock
from tests.parallel import at_once
from tests.people import Person, copy_browser, csrf_token, send_form

CODE = re.compile(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>")


def make_codes(person: Person) -> list[str]:
    response = person.post("/settings/recovery-codes")
    assert response.status_code == 200, response.text
    return CODE.findall(response.text)


def test_it_works(app: Flask, alice: Person) -> None:
    assert "You have none" in alice.get("/settings/recovery-codes").text
    codes = make_codes(alice)

    assert len(set(codes)) == 10
    assert "10 of 10 codes are left" in alice.get("/settings/security").text
    with app.app_context():
        kinds = db.session.scalars(select(AuditEvent.kind).where(AuditEvent.subject_id == alice.id)).all()
        assert kinds.count("recovery_codes_made") == 1


def test_eighty_bits_without_letters_that_look_like_digits(alice: Person) -> None:
    letters = {letter for _ in range(6) for code in make_codes(alice) for letter in code} - {"-"}

    assert len(letters) == 32, "32 letters of 5 bits, 16 of them in a code"
    assert letters.isdisjoint("ILOU")


def test_they_are_shown_once(alice: Person) -> None:
    codes = make_codes(alice)
    for path in ("/settings/recovery-codes", "/settings/security"):
        page = alice.get(path).text
        assert [code for code in codes if code in page] == []


def test_the_page_is_kept_by_nobody(alice: Person) -> None:
    assert alice.post("/settings/recovery-codes").headers["Cache-Control"] == "no-store"


def test_looking_makes_none(app: Flask, alice: Person) -> None:
    for _ in range(3):
        alice.get("/settings/recovery-codes")
    with app.app_context():
        assert db.session.scalars(select(RecoveryCode)).all() == []


def test_the_download_holds_them_all(alice: Person) -> None:
    page = alice.post("/settings/recovery-codes").text
    found = re.search(r'href="data:text/plain;charset=utf-8,([^"]+)" download="recovery-codes.txt"', page)

    assert found
    text = unquote(found[1])
    assert CODE.findall(page) == re.findall(r"^(\S{4}-\S{4}-\S{4}-\S{4})$", text, re.M)
    assert alice.email in text
    assert "http://localhost:5000/auth/recovery" in text


def test_the_database_holds_hashes(app: Flask, alice: Person) -> None:
    codes = make_codes(alice)
    with app.app_context():
        rows = db.session.scalars(select(RecoveryCode)).all()
        stored = " ".join(row.code_hash for row in rows)
    assert len(rows) == 10
    assert [code for code in codes if code in stored or code.replace("-", "").lower() in stored] == []


def test_new_ones_replace_the_old_ones(app: Flask, alice: Person) -> None:
    old, new = make_codes(alice), make_codes(alice)

    client = app.test_client()
    assert send_form(client, "/auth/recovery", email=alice.email, code=old[0]).status_code == 401
    assert send_form(client, "/auth/recovery", email=alice.email, code=new[0]).status_code == 303


def test_made_twice_at_once_ten_are_valid(app: Flask, alice: Person) -> None:
    browsers = [copy_browser(app, alice.client) for _ in range(4)]
    for browser in browsers:
        csrf_token(browser)
    pages = at_once(partial(send_form, browser, "/settings/recovery-codes") for browser in browsers)

    assert {page.status_code for page in pages} == {200}
    with app.app_context():
        assert len(db.session.scalars(select(RecoveryCode)).all()) == 10


def test_an_old_proof_is_not_enough(app: Flask, alice: Person, clock: Clock) -> None:
    token = alice.csrf()
    clock.advance(minutes=11)

    led = alice.get("/settings/recovery-codes")
    sent = alice.client.post("/settings/recovery-codes", data={"csrf_token": token})
    assert (led.status_code, led.location) == (302, "/auth/confirm?next=/settings/recovery-codes")
    assert (sent.status_code, sent.location) == (303, "/auth/confirm")
    with app.app_context():
        assert db.session.scalars(select(RecoveryCode)).all() == []


def test_everybody_has_their_own(app: Flask, alice: Person, bob: Person) -> None:
    codes = make_codes(alice)
    assert len(make_codes(bob)) == 10

    assert send_form(app.test_client(), "/auth/recovery", email=bob.email, code=codes[0]).status_code == 401
    assert send_form(app.test_client(), "/auth/recovery", email=alice.email, code=codes[0]).status_code == 303

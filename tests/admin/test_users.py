from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from flask import Flask

from app.extensions import db
from app.models.user import User
from tests.moved_clock import Clock
from tests.people import HELLO, Person, make_user, sign_in


def emails(admin: Person, query: str = "") -> list[str]:
    """The addresses on a page of the table, from top to bottom."""
    page = admin.get(f"/admin/users{query}")
    assert page.status_code == 200
    return re.findall(r'<span class="user-email">([^<]+)</span>', page.text)


def row_of(admin: Person, email: str) -> str:
    """The text of an account's row."""
    page = admin.get(f"/admin/users?q={quote(email)}").text
    rows = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if f">{email}<" in row]
    assert len(rows) == 1
    return " ".join(re.sub(r"<[^>]+>", " ", rows[0]).split())


def add_users(app: Flask, count: int) -> None:
    with app.app_context():
        db.session.add_all(User.create(f"user{n:03}@example.org") for n in range(count))
        db.session.commit()


def test_it_works(app: Flask, admin: Person, alice: Person) -> None:
    alice.ask(HELLO)
    alice.ask(HELLO)
    sign_in(app, alice.email)
    make_user(app, "new@example.org")

    assert emails(admin) == ["new@example.org", alice.email, admin.email], "the newest first"
    row = row_of(admin, alice.email)
    assert re.search(r"alice@example.org User \d{4}-\d\d-\d\d \d\d:\d\d UTC \d{4}-\d\d-\d\d \d\d:\d\d UTC 2 4 ", row)
    assert " never 0 0 " in row_of(admin, "new@example.org")
    assert "Administrator" in row_of(admin, admin.email)


def test_the_administration_leads_here(admin: Person) -> None:
    assert admin.get("/admin").location == "/admin/users"


def test_a_suspended_account_is_marked(admin: Person, alice: Person) -> None:
    assert "Suspended" not in row_of(admin, alice.email)
    admin.post(f"/admin/users/{alice.id}/suspend")

    row = row_of(admin, alice.email)
    assert "Suspended" in row
    assert "Restore" in row


def test_sessions_that_are_over_do_not_count(app: Flask, clock: Clock, alice: Person) -> None:
    clock.advance(days=2)
    make_user(app, "root@example.org", role="admin")
    root = Person(alice.id, "root@example.org", sign_in(app, "root@example.org"), app)

    assert " 0 0 " in row_of(root, alice.email)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("alice", ["alice@example.org"]),
        ("ALICE@EXAMPLE", ["alice@example.org"]),
        (" alice ", ["alice@example.org"]),
        ("example.org", ["bob@example.org", "alice@example.org", "admin@example.org"]),
        ("Élodie", ["bob@example.org"]),
        ("élodie", ["bob@example.org"]),
        ("ÉLODIE ÇA", ["bob@example.org"]),
        ("nobody", []),
        ("%", []),
        ("_", []),
        ("a_ice", []),
        ("' OR 1=1 --", []),
        ("\\", []),
        ("/", []),
        ("x" * 5000, []),
    ],
)
def test_search(admin: Person, alice: Person, bob: Person, q: str, found: list[str]) -> None:
    assert bob.post("/settings/account", name="Élodie Ça").status_code == 303

    assert emails(admin, f"?q={quote(q)}") == found


def test_a_search_that_finds_nothing_says_so(admin: Person) -> None:
    page = admin.get("/admin/users?q=nobody").text

    assert "Nobody here matches." in page
    assert 'value="nobody"' in page


def test_pages_of_fifty(app: Flask, admin: Person) -> None:
    add_users(app, 120)
    pages = [emails(admin, f"?page={n}") for n in (1, 2, 3)]

    assert [len(page) for page in pages] == [50, 50, 21]
    assert len({email for page in pages for email in page}) == 121
    assert emails(admin) == pages[0]
    second = admin.get("/admin/users?page=2").text
    assert "Page 2 of 3" in second
    assert 'href="/admin/users?page=1"' in second
    assert 'href="/admin/users?page=3"' in second


def test_the_search_goes_through_all_pages(app: Flask, admin: Person) -> None:
    add_users(app, 120)

    assert emails(admin, "?q=user003") == ["user003@example.org"], "who stands on the last page"
    found = admin.get("/admin/users?q=user&page=2").text
    assert "120 users" in found
    assert 'href="/admin/users?q=user&amp;page=1"' in found


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e9", "9" * 30, "9" * 5000, "٣", "1.5", "%00"])
def test_a_strange_page_is_answered(admin: Person, page: str) -> None:
    assert admin.get(f"/admin/users?page={page}").status_code in (200, 400)


def test_it_shows_numbers_and_never_content(app: Flask, admin: Person, alice: Person) -> None:
    alice.ask("My secret question")
    page = admin.get("/admin/users").text

    assert alice.email in page
    assert "secret question" not in page

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models.user import User
from tests.people import Person


def name_of(app: Flask, person: Person) -> str:
    with app.app_context():
        user = db.session.get(User, person.id)
        assert user
        return user.name


def test_it_works(app: Flask, alice: Person, bob: Person) -> None:
    response = alice.post("/settings/account", name="Alice Liddell")

    assert (response.status_code, response.location) == (303, "/settings/account")
    page = alice.get("/settings/account").text
    assert "Saved." in page
    assert 'value="Alice Liddell"' in page
    assert alice.email in page
    assert name_of(app, bob) == ""


def test_settings_lead_here(alice: Person) -> None:
    assert alice.get("/settings").location == "/settings/account"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("  Ada   King ", "Ada King"), ("", ""), ("Zoë 🙂", "Zoë 🙂"), ("<b>Eve</b>", "<b>Eve</b>"), ("a\n\tb", "a b")],
)
def test_a_name_is_one_line_of_anything(app: Flask, alice: Person, given: str, kept: str) -> None:
    alice.post("/settings/account", name="Before")
    assert alice.post("/settings/account", name=given).status_code == 303

    assert name_of(app, alice) == kept
    assert "<b>Eve" not in alice.get("/settings/account").text


@pytest.mark.parametrize(("length", "status"), [(100, 303), (101, 422)])
def test_a_name_has_at_most_100_characters(app: Flask, alice: Person, length: int, status: int) -> None:
    assert alice.post("/settings/account", name="x" * length).status_code == status
    assert len(name_of(app, alice)) == (100 if status == 303 else 0)


def test_nothing_but_the_name_can_be_changed(app: Flask, alice: Person) -> None:
    alice.post("/settings/account", name="A", role="admin", email="root@example.org", active="", is_admin="1")

    with app.app_context():
        user = db.session.get(User, alice.id)
        assert user
        assert (user.name, user.role, user.email, user.active) == ("A", "user", alice.email, True)

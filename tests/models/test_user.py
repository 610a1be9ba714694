from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from app.database import new_id
from app.errors import NotFound
from app.extensions import db
from app.models.user import User, find_user, get_user, lock_active_admins, lock_user, normalize_email
from tests.people import make_user

EMAIL = "ada@example.org"


@pytest.mark.parametrize(
    "email",
    ["ada@example.org", "ADA@EXAMPLE.ORG", "  Ada@Example.Org\n", "\uff21da@example.org", "ada@\uff45xample.org"],
)
def test_an_address_is_found_however_it_is_written(app: Flask, email: str) -> None:
    make_user(app, EMAIL)
    with app.app_context():
        user = find_user(email)
        assert user
        assert user.email == EMAIL


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@example.or", "%", "ada@example.org.", "ada\u200b@example.org", "a\u0434a@example.org"]
)
def test_another_address_is_another_one(app: Flask, email: str) -> None:
    make_user(app, EMAIL)
    with app.app_context():
        assert find_user(email) is None


def test_normalising_twice_is_normalising_once() -> None:
    for email in ("\u0130stanbul@example.org", "Stra\u00dfe@example.org", "\u212bngstr\u00f6m@x.org", "\ufb01@x.org"):
        assert normalize_email(normalize_email(email)) == normalize_email(email)


def test_the_database_itself_knows_one_account_for_an_address(app: Flask) -> None:
    make_user(app, EMAIL)
    with app.app_context():
        db.session.add(User.create(EMAIL.upper()))
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()


def test_the_database_itself_knows_the_roles(app: Flask) -> None:
    with app.app_context():
        db.session.add(User.create(EMAIL, role="root"))
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()


def test_a_new_account_is_an_ordinary_one(app: Flask) -> None:
    with app.app_context():
        user = get_user(make_user(app, EMAIL))

        assert (user.is_admin, user.is_active, user.name, user.last_seen_at) == (False, True, "", None)
        assert user.display_name == EMAIL
        assert len(user.webauthn_handle) == 32


def test_every_account_has_its_own_handle(app: Flask) -> None:
    ids = [make_user(app, f"ada{n}@example.org") for n in range(3)]
    with app.app_context():
        assert len({get_user(user_id).webauthn_handle for user_id in ids}) == 3


def test_who_is_not_there_is_not_found(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(NotFound):
            get_user(new_id())
        assert not lock_user(new_id())


def test_administrators_are_the_active_ones(app: Flask) -> None:
    admin = make_user(app, "admin@example.org", role="admin")
    suspended = make_user(app, "suspended@example.org", role="admin")
    make_user(app, EMAIL)
    with app.app_context():
        get_user(suspended).active = False
        db.session.commit()

        assert lock_active_admins() == {admin}
        assert all(isinstance(user_id, UUID) for user_id in lock_active_admins())
        db.session.rollback()

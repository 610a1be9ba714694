"""What is written down about where somebody came from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.audit_event import AuditEvent
from tests.people import PASSWORD, csrf_token, make_user

LONG = "2001:db8:1111:2222:3333:4444:5555:6666"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (LONG, LONG),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        (f"{LONG}%a-rather-long-name", LONG),
        (f"{LONG}-and-something-else", ""),
        ("_hidden", "_hidden"),
    ],
)
def test_an_address_is_kept_whole_or_not_at_all(make_app: Callable[..., Flask], sent: str, kept: str) -> None:
    app = make_app(trusted_proxies=1)
    make_user(app, "ada@example.org")
    client = app.test_client()
    data = {"email": "ada@example.org", "password": PASSWORD, "csrf_token": csrf_token(client)}

    assert client.post("/auth/login", data=data, headers={"X-Forwarded-For": sent}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(AuditEvent.address).where(AuditEvent.kind == "signed_in")).all() == [kept]

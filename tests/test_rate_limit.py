"""How often one address may ask: every POST to the chat counts, whoever sends it, except the refused ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import Person, sign_up

CHAT = ["/api/chat", "/api/chat/stream"]
MakeApp = Callable[..., Flask]


@pytest.fixture
def carol(make_app: MakeApp) -> Person:
    """Somebody with an account, where three questions a minute are allowed."""
    return sign_up(make_app(rate_limit="3/minute"), "carol@example.org")


def statuses_of(client: FlaskClient, count: int, address: str = "127.0.0.1", **kwargs: object) -> list[int]:
    """Send empty questions, in turn to both addresses of the chat."""
    environ = {"REMOTE_ADDR": address}
    return [client.post(CHAT[n % 2], json={}, environ_base=environ, **kwargs).status_code for n in range(count)]


def test_it_works(carol: Person) -> None:
    statuses = statuses_of(carol.client, 5, headers={"X-CSRFToken": carol.csrf()})

    assert statuses == [422, 422, 422, 429, 429]
    assert carol.get("/api/models").status_code == 200, "only asking is limited"
    assert carol.call("POST", "/api/conversations", {}).status_code == 201


def test_who_is_not_signed_in_counts(carol: Person) -> None:
    stranger = carol.app.test_client()

    assert statuses_of(stranger, 4) == [401, 401, 401, 429]
    assert carol.call("POST", "/api/chat", {}).status_code == 429, "one bucket for the address"


def test_a_wrong_token_counts(carol: Person) -> None:
    assert statuses_of(carol.client, 4, headers={"X-CSRFToken": "wrong"}) == [403, 403, 403, 429]


def test_what_another_site_sends_does_not_count(carol: Person) -> None:
    """Else any page that a person opens could use up their questions."""
    assert statuses_of(carol.client, 9, headers={"Origin": "https://evil.example"}) == [403] * 9

    assert carol.call("POST", "/api/chat", {}).status_code == 422


def test_one_ipv6_household_is_one_address(carol: Person) -> None:
    household = [statuses_of(carol.client, 1, f"2001:db8::{n:x}")[0] for n in range(4)]

    assert household == [403, 403, 403, 429]
    assert statuses_of(carol.client, 1, "2001:db8:0:1::1") == [403], "the neighbours' is another one"

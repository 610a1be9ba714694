from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.auth.ceremonies import add_key, sign_in_with, sign_up_with
from tests.moved_clock import Clock
from tests.people import PASSWORD, Person, csrf_token, send_form, sign_in

OFFER = 'id="passkey-offer"'


def is_offered(client: FlaskClient) -> bool:
    return OFFER in client.get("/chat").text


def test_it_comes_after_a_sign_in_by_password(alice: Person) -> None:
    assert is_offered(alice.client)
    assert not is_offered_elsewhere(alice)


def is_offered_elsewhere(person: Person) -> bool:
    return any(OFFER in person.get(path).text for path in ("/settings/account", "/settings/security"))


def test_the_browser_is_asked_once_to_make_one_silently(alice: Person) -> None:
    assert "data-silent" in alice.get("/chat").text
    assert "data-silent" not in alice.get("/chat").text


def test_it_comes_after_registering_with_a_password(client: FlaskClient) -> None:
    send_form(client, "/auth/register", email="ada@example.org", password=PASSWORD)

    assert is_offered(client)


def test_it_does_not_come_to_who_has_a_passkey(app: Flask, alice: Person) -> None:
    key = add_key(alice)
    assert not is_offered(alice.client)
    assert not is_offered(sign_in(app, alice.email))
    phone = app.test_client()
    sign_in_with(phone, key)
    assert not is_offered(phone)


def test_it_does_not_come_after_a_sign_up_by_passkey(client: FlaskClient) -> None:
    sign_up_with(client)

    assert not is_offered(client)


def test_who_says_not_now_is_asked_again_after_a_month(app: Flask, alice: Person, clock: Clock) -> None:
    data = {"csrf_token": csrf_token(alice.client)}
    response = alice.client.post("/settings/passkeys/not-now?next=/chat", data=data)

    assert (response.status_code, response.location) == (303, "/chat")
    assert not is_offered(alice.client)
    clock.advance(days=29)
    assert not is_offered(sign_in(app, alice.email))
    clock.advance(days=2)
    assert is_offered(sign_in(app, alice.email))


def test_it_does_not_come_where_passkeys_can_not_work(make_app: Callable[..., Flask], alice: Person) -> None:
    app = make_app(public_url="http://192.168.1.5:5000")

    assert not is_offered(sign_in(app, alice.email))

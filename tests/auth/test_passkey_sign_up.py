from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models.passkey import Passkey
from app.models.user import User
from tests.auth.ceremonies import begin, finish, kinds, refusal, send, sign_in_with, sign_up_with, state
from tests.parallel import at_once
from tests.people import Person, send_form
from tests.software_authenticator import BACKED_UP, ELIGIBLE, from_base64url, make_key

EMAIL = "ada@example.org"


def test_it_works(app: Flask, client: FlaskClient) -> None:
    response, key = sign_up_with(client, "Ada@Example.org", backup=ELIGIBLE | BACKED_UP)

    assert (response.status_code, response.get_json()) == (200, {"next": "/"})
    assert "Ada@Example.org" in client.get("/settings/account").text
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        assert (user.email_normalized, user.password_hash, user.role) == (EMAIL, None, "user")
        assert user.webauthn_handle == key.user_handle
        passkey = db.session.scalars(select(Passkey)).one()
        assert (passkey.credential_id, passkey.rp_id, passkey.name) == (key.credential_id, "localhost", "Passkey")
        assert (passkey.backup_eligible, passkey.backed_up) == (True, True)
        assert passkey.transports == ["hybrid", "internal"]
    assert kinds(app, user.id) == ["registered", "signed_in"]
    assert sign_in_with(app.test_client(), key).status_code == 200


def test_no_password_opens_the_account(app: Flask, client: FlaskClient) -> None:
    sign_up_with(client)
    for password in ("", "None", "correct horse battery"):
        assert send_form(app.test_client(), "/auth/login", email=EMAIL, password=password).status_code in (401, 422)


def test_the_options(client: FlaskClient) -> None:
    options = begin(client, "sign-up", email=f" {EMAIL} ")

    assert [offered["alg"] for offered in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["rp"] == {"id": "localhost", "name": "Password-less Chat"}
    assert options["user"]["name"] == EMAIL
    assert len(from_base64url(options["user"]["id"])) == 32
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"


def test_the_handle_tells_nothing(client: FlaskClient) -> None:
    handles = {begin(client, "sign-up", email=EMAIL)["user"]["id"] for _ in range(3)}

    assert len(handles) == 3


def test_the_options_do_not_tell_whether_there_is_an_account(client: FlaskClient, alice: Person) -> None:
    seen = []
    for email in (alice.email, "nobody@example.org"):
        options = begin(client, "sign-up", email=email)
        assert options["user"].pop("name") == options["user"].pop("displayName") == email
        del options["user"]["id"], options["challenge"]
        seen.append(options)

    assert seen[0] == seen[1]


@pytest.mark.parametrize("email", ["alice@example.org", "ALICE@example.org", "\uff21lice@example.org"])
def test_an_address_that_is_taken(app: Flask, client: FlaskClient, alice: Person, email: str) -> None:
    before = state(app)

    response, _ = sign_up_with(client, email)

    assert refusal(response)[:2] == (409, "conflict")
    assert state(app) == before
    assert client.get("/chat").status_code == 302


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a" * 300 + "@example.org", "ada@example.org\0"])
def test_what_is_no_address(app: Flask, client: FlaskClient, email: str) -> None:
    response = send(client, "sign-up/options", {"email": email})

    assert refusal(response)[:2] == (422, "invalid_field")
    assert response.get_json()["field"] == "email"


def test_an_answer_for_another_address(app: Flask, client: FlaskClient) -> None:
    """The address is the one that the ceremony began with, whatever is sent later."""
    options = begin(client, "sign-up", email=EMAIL)
    answer = make_key(options).register(options)

    assert finish(client, "sign-up", answer, email="root@example.org").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(User.email)).all() == [EMAIL]


def test_fifty_at_once_make_one_account_for_one_address(app: Flask) -> None:
    browsers = [app.test_client() for _ in range(50)]
    prepared = []
    for number, browser in enumerate(browsers):
        options = begin(browser, "sign-up", email=EMAIL)
        body = {"credential": make_key(options).register(options)}
        elsewhere = {"REMOTE_ADDR": f"192.0.2.{number}"}  # one address makes twenty accounts an hour
        prepared.append(partial(send, browser, "sign-up", body, environ_base=elsewhere))

    answers = at_once(prepared)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    with app.app_context():
        assert [(user.email, user.role) for user in db.session.scalars(select(User))] == [(EMAIL, "user")]
        assert len(db.session.scalars(select(Passkey)).all()) == 1


def test_one_network_makes_twenty_accounts_an_hour(client: FlaskClient, alice: Person) -> None:
    statuses = [sign_up_with(client, alice.email)[0].status_code for _ in range(21)]

    assert statuses == [409] * 20 + [429]


@pytest.mark.parametrize("registration", ["invitation", "closed"])
def test_where_registration_is_not_open(make_app: Callable[..., Flask], registration: str) -> None:
    client = make_app(registration=registration).test_client()

    assert refusal(send(client, "sign-up/options", {"email": EMAIL}))[:2] == (403, "not_allowed")
    assert refusal(send(client, "sign-up", {}))[:2] == (403, "not_allowed")


def test_the_page(client: FlaskClient, alice: Person) -> None:
    page = client.get("/auth/register/passkey?next=/settings/security").text

    assert 'data-origin="http://localhost:5000"' in page
    assert "data-obstacle" not in page
    assert alice.get("/auth/register/passkey").status_code == 302


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://192.168.1.5:5000", "Passkeys need a name, and 192.168.1.5 is a bare IP address."),
        ("http://127.0.0.1:5000", "What works: http://localhost:5000."),
        ("https://[::1]:5000", "What works: https://localhost:5000."),
        ("http://chat.lan", "Passkeys need https, and http://chat.lan is plain http. What works: https://chat.lan."),
    ],
)
def test_where_it_can_not_work_the_pages_say_so_before(make_app: Callable[..., Flask], url: str, words: str) -> None:
    client = make_app(public_url=url).test_client()
    for path in ("/auth/register/passkey", "/auth/login"):
        assert words in client.get(path).text


@pytest.mark.parametrize("remember", [True, False])
def test_staying_signed_in_is_a_choice(client: FlaskClient, remember: bool) -> None:
    options = begin(client, "sign-up", email=EMAIL)
    assert finish(client, "sign-up", make_key(options).register(options), remember=remember).status_code == 200
    cookie = client.get_cookie("session")

    assert cookie is not None
    assert (cookie.expires is not None) == remember

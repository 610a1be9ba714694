from __future__ import annotations

from flask import Flask

from tests.auth.ceremonies import add_key, begin, finish, kinds, refusal, send, state
from tests.moved_clock import Clock
from tests.people import Person, sign_in
from tests.software_authenticator import Answers, to_base64url


def needs_proof(person: Person) -> bool:
    return send(person.client, "add/options").status_code == 403


def test_passkey_it_works(app: Flask, alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    clock.advance(minutes=11)
    assert needs_proof(alice)
    options = begin(alice.client, "confirm")
    assert [one["id"] for one in options["allowCredentials"]] == [to_base64url(key.credential_id)]

    response = send(alice.client, "confirm?next=/settings/security", {"credential": key.sign(options)})

    assert (response.status_code, response.get_json()) == (200, {"next": "/settings/security"})
    assert not needs_proof(alice)
    assert kinds(app, alice.id)[-1] == "confirmed"


def test_passkey_a_key_need_not_say_whose_it_is_here(alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    clock.advance(minutes=11)

    answer = key.sign(begin(alice.client, "confirm"), Answers(user_handle=None))

    assert finish(alice.client, "confirm", answer).status_code == 200


def test_passkey_another_users_passkey_proves_nothing(app: Flask, alice: Person, bob: Person, clock: Clock) -> None:
    add_key(alice)
    bobs = add_key(bob)
    clock.advance(minutes=11)
    before = state(app)

    response = finish(alice.client, "confirm", bobs.sign(begin(alice.client, "confirm")))

    assert refusal(response) == (403, "passkey_refused", "unknown_credential")
    assert state(app) == before
    assert needs_proof(alice)


def test_passkey_another_users_handle_proves_nothing(app: Flask, alice: Person, bob: Person, clock: Clock) -> None:
    key, bobs = add_key(alice), add_key(bob)
    clock.advance(minutes=11)
    before = state(app)

    answer = key.sign(begin(alice.client, "confirm"), Answers(user_handle=bobs.user_handle))

    assert refusal(finish(alice.client, "confirm", answer)) == (403, "passkey_refused", "user_handle")
    assert state(app) == before


def test_passkey_a_sign_ins_challenge_proves_nothing(app: Flask, alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    clock.advance(minutes=11)

    answer = key.sign(begin(alice.client, "sign-in"))

    assert refusal(finish(alice.client, "confirm", answer)) == (403, "passkey_refused", "challenge")
    assert needs_proof(alice)


def test_passkey_a_proof_counts_for_this_browser_alone(app: Flask, alice: Person, clock: Clock) -> None:
    key = add_key(alice)
    phone = sign_in(app, alice.email)
    clock.advance(minutes=11)
    finish(alice.client, "confirm", key.sign(begin(alice.client, "confirm")))

    assert send(phone, "add/options").status_code == 403


def test_passkey_a_blocked_passkey_is_not_asked_for(app: Flask, alice: Person) -> None:
    key = add_key(alice)
    for _ in range(2):
        finish(alice.client, "confirm", key.sign(begin(alice.client, "confirm"), Answers(sign_count=5)))

    assert begin(alice.client, "confirm")["allowCredentials"] == []

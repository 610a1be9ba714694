from __future__ import annotations

from flask import Flask

from tests.people import HELLO, PASSWORD, Person, copy_browser, make_user, send_form, sign_in


def test_it_works(app: Flask, admin: Person, alice: Person, bob: Person) -> None:
    phone = sign_in(app, alice.email)
    assert [alice.get("/chat").status_code, phone.get("/chat").status_code] == [200, 200]
    response = admin.post(f"/admin/users/{alice.id}/suspend")

    assert (response.status_code, response.location) == (303, "/admin/users")
    assert "alice@example.org is suspended and signed out everywhere." in admin.get("/admin/users").text
    assert [alice.get("/api/models").status_code, phone.get("/api/models").status_code] == [401, 401]
    assert bob.get("/chat").status_code == 200
    assert send_form(app.test_client(), "/auth/login", email=alice.email, password=PASSWORD).status_code == 401


def test_restore_lets_the_person_sign_in_again_and_revives_no_session(app: Flask, admin: Person, alice: Person) -> None:
    thief = copy_browser(app, alice.client)
    admin.post(f"/admin/users/{alice.id}/suspend")
    admin.post(f"/admin/users/{alice.id}/restore")

    assert "alice@example.org can sign in again." in admin.get("/admin/users").text
    assert [alice.get("/chat").status_code, thief.get("/chat").status_code] == [302, 302]
    assert sign_in(app, alice.email).get("/chat").status_code == 200


def test_nothing_of_the_account_is_lost(app: Flask, admin: Person, alice: Person) -> None:
    answer = alice.ask(HELLO)
    admin.post(f"/admin/users/{alice.id}/suspend")
    admin.post(f"/admin/users/{alice.id}/restore")

    assert sign_in(app, alice.email).get(f"/chat/{answer['conversation_id']}").status_code == 200


def test_the_last_administrator_can_not_be_suspended(admin: Person) -> None:
    admin.post(f"/admin/users/{admin.id}/suspend")

    assert "This is the only administrator." in admin.get("/admin/users").text


def test_an_administrator_may_suspend_themselves_among_others(app: Flask, admin: Person) -> None:
    make_user(app, "second@example.org", role="admin")
    admin.post(f"/admin/users/{admin.id}/suspend")

    assert admin.get("/admin/users").location == "/auth/login?next=/admin/users"

"""The pages of the chat, as they are without JavaScript."""

from __future__ import annotations

from uuid import uuid4

from flask.testing import FlaskClient

from tests.people import Person


def test_home_leads_to_the_door_or_into_the_chat(client: FlaskClient, alice: Person) -> None:
    assert client.get("/").location == "/auth/login"
    assert alice.get("/").location == "/chat"


def test_a_new_chat_works(alice: Person) -> None:
    page = alice.get("/chat")

    assert page.status_code == 200
    assert 'action="/auth/logout"' in page.get_data(as_text=True)
    assert alice.get("/api/conversations").get_json()["conversations"] == []


def test_a_conversation_can_be_read_without_javascript(alice: Person) -> None:
    answer = alice.ask('/fake {"chunks": ["Use <b>this</b> & that"], "thinking": "Hm <i>"}')

    page = alice.get(f"/chat/{answer['conversation_id']}").get_data(as_text=True)

    assert "Use &lt;b&gt;this&lt;/b&gt; &amp; that" in page
    assert "<b>this" not in page
    assert "Hm &lt;i&gt;" in page


def test_a_search_shows_what_surrounds_the_words(alice: Person) -> None:
    first = alice.ask("Needles <b>grow</b> on trees. " + "More. " * 100 + "And there is one needle & no thread.")
    page = alice.get("/chat?q=thread").get_data(as_text=True)

    assert "one needle &amp; no <mark>thread</mark>." in page
    alice.call("PATCH", f"/api/conversations/{first['conversation_id']}", {"title": "A <i>thread</i>"})
    assert "A &lt;i&gt;<mark>thread</mark>&lt;/i&gt;" in alice.get("/chat?q=thread").get_data(as_text=True)


def test_absent_and_foreign_are_the_same(alice: Person, bob: Person) -> None:
    hers = alice.ask()["conversation_id"]
    assert alice.get(f"/chat/{hers}").status_code == 200

    assert bob.get(f"/chat/{hers}").status_code == bob.get(f"/chat/{uuid4()}").status_code == 404


def test_an_administrator_cannot_read_others(alice: Person, admin: Person) -> None:
    hers = alice.ask()

    assert admin.get(f"/chat/{hers['conversation_id']}").status_code == 404
    assert admin.get(f"/api/conversations/{hers['conversation_id']}").status_code == 404
    assert admin.get(f"/api/messages/{hers['message_id']}/events").status_code == 404

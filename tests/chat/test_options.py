"""Settings of a conversation, a person's defaults, and what is asked for: who wins, and what the model's server is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from app.chat.providers.base import ChatOptions, ModelRequest
from app.extensions import db
from app.models.user import User
from tests.people import HELLO, Person

OWN: dict[str, Any] = {"temperature": 0.5, "seed": 7, "stop": ["END"], "num_ctx": 512, "keep_alive": -1}


def last_request(app: Flask) -> ModelRequest:
    request: ModelRequest = app.extensions["chat"].directory.providers[0].requests[-1]
    return request


def make(person: Person, **fields: Any) -> str:
    response = person.call("POST", "/api/conversations", fields)
    assert response.status_code == 201, response.get_data(as_text=True)
    return str(response.get_json()["id"])


def test_it_works(app: Flask, alice: Person) -> None:
    conversation = make(alice)
    path = f"/api/conversations/{conversation}"
    changed = alice.call("PATCH", path, {"options": OWN, "model": "fake-thinking", "system_prompt": "Be brief."})

    assert changed.status_code == 200
    kept = alice.get(path).get_json()
    assert (kept["options"], kept["model"], kept["system_prompt"]) == (OWN, "fake-thinking", "Be brief.")
    alice.ask(HELLO, conversation_id=conversation)
    request = last_request(app)
    assert (request.model, request.options) == ("fake-thinking", ChatOptions(**OWN))
    assert request.turns[0].content == "Be brief."


def test_what_is_asked_for_wins(app: Flask, alice: Person) -> None:
    conversation = make(alice, options=OWN)
    alice.ask(HELLO, conversation_id=conversation, options={"seed": 8}, model="fake-thinking")

    assert last_request(app).options.seed == 8
    assert last_request(app).options.temperature == 0.5
    assert last_request(app).model == "fake-thinking"


def test_options_are_replaced_as_a_whole_and_others_stay(alice: Person) -> None:
    conversation = make(alice, options=OWN, title="Mine", system_prompt="Be brief.")

    changed = alice.call("PATCH", f"/api/conversations/{conversation}", {"options": {"seed": 1}}).get_json()

    assert (changed["options"], changed["title"], changed["system_prompt"]) == ({"seed": 1}, "Mine", "Be brief.")


def test_defaults_hold_where_a_conversation_has_none(app: Flask, alice: Person, bob: Person) -> None:
    alice.post(
        "/settings/chat", model="fake-thinking", system_prompt="Rhyme.", temperature="1.5", seed="3", keep_alive=""
    )
    alice.ask(HELLO)
    mine = last_request(app)
    alice.ask(HELLO, conversation_id=make(alice, options={"seed": 4}, system_prompt="Own.", model="fake"))
    own = last_request(app)
    bob.ask(HELLO)
    his = last_request(app)

    assert (mine.model, mine.options.temperature, mine.options.seed) == ("fake-thinking", 1.5, 3)
    assert mine.turns[0].content == "Rhyme."
    assert (own.model, own.options.temperature, own.options.seed) == ("fake", 1.5, 4)
    assert own.turns[0].content == "Own."
    assert (his.model, his.options.temperature, his.options.seed, len(his.turns)) == ("fake", None, None, 1)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 3},
        {"seed": -1},
        {"num_ctx": 1},
        {"stop": [""]},
        {"stop": ["x"] * 9},
        {"keep_alive": -2},
        {"x": 1},
        [],
    ],
)
def test_what_no_model_could_do_is_refused(alice: Person, method: str, options: Any) -> None:
    path = "/api/conversations" if method == "POST" else f"/api/conversations/{make(alice)}"

    assert alice.call(method, path, {"options": options}).status_code == 422


def test_the_form_shows_what_is_kept(alice: Person) -> None:
    sent = {
        "model": "fake",
        "system_prompt": "A\nB",
        "temperature": "0.5",
        "num_ctx": "512",
        "seed": "7",
        "keep_alive": "300",
    }
    answer = alice.post("/settings/chat", **sent, stop="one\n\ntwo")

    page = alice.get("/settings/chat").get_data(as_text=True)

    assert (answer.status_code, answer.location) == (303, "/settings/chat")
    for shown in ('value="fake"', "A\nB</textarea>", 'value="0.5"', 'value="512"', 'value="7"', "one\ntwo</textarea>"):
        assert shown in page
    assert '<option selected value="300">' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", "3"), ("num_ctx", "5"), ("seed", "x"), ("stop", "\n".join("123456789")), ("keep_alive", "7")],
)
def test_the_form_says_what_is_wrong_and_keeps_nothing(app: Flask, alice: Person, field: str, value: str) -> None:
    answer = alice.post("/settings/chat", **{"model": "fake-thinking", "keep_alive": "", field: value})
    alice.ask(HELLO)

    assert (answer.status_code, "field-error" in answer.get_data(as_text=True)) == (422, True)
    assert last_request(app).model == "fake"


def test_the_page_and_the_form_know_the_same_limits(alice: Person) -> None:
    page = alice.get("/chat").get_data(as_text=True)

    field = re.search("<input[^>]*setting-num_ctx[^>]*>", page)
    assert field
    assert {'min="256"', 'max="1048576"'} <= set(field[0].split())
    assert '<option value="3600">1 hour</option>' in page
    response = alice.post("/settings/chat", num_ctx="255", keep_alive="")
    assert response.status_code == 422


def test_a_time_that_is_not_on_the_list_stays(app: Flask, alice: Person) -> None:
    with app.app_context():
        user = db.session.get(User, alice.id)
        assert user
        user.chat_defaults = {"options": {"keep_alive": 600}}
        db.session.commit()
    assert '<option selected value="600">600 seconds</option>' in alice.get("/settings/chat").get_data(as_text=True)

    assert alice.post("/settings/chat", keep_alive="600", seed="3").status_code == 303
    alice.ask()
    assert last_request(app).options.keep_alive == 600

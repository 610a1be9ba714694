"""The model picker: it shows what will answer, and asks for a model only where somebody picked one."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.chatting import ask, script, send
from tests.e2e.conftest import Opens
from tests.people import Person

pytestmark = pytest.mark.browser


def list_models(page: Page, *names: str, default: str, **more: Any) -> None:
    """Load the page again with these models to pick from."""
    models = [{"name": name, "provider": "ollama", "parameter_size": None} for name in names]
    listing = {"models": models, "default": default, "unreachable": [], **more}
    page.route("**/api/models", lambda route: route.fulfill(json=listing))
    page.reload()


def chosen(page: Page) -> Locator:
    """Give the option that is selected."""
    return page.get_by_label("Model").locator(":checked")


def model_sent(page: Page, question: str) -> str | None:
    """Ask, and give the model that the request names."""
    with page.expect_request("**/api/chat/stream") as sent:
        send(page, question)
    model: str | None = (sent.value.post_data_json or {}).get("model")
    return model


def test_a_default_that_is_not_installed(chat: Page) -> None:
    list_models(chat, "mistral:7b", "qwen3:4b", default="llama3.2")
    expect(chosen(chat)).to_have_text("llama3.2 (not installed)")
    expect(chat.get_by_text("The model llama3.2 is not installed.")).to_be_visible()
    expect(chat.get_by_label("Model")).to_be_enabled()
    assert model_sent(chat, script(["Hi."])) is None


def test_another_one_instead(chat: Page) -> None:
    list_models(chat, "fake-thinking", default="llama3.2")
    expect(chosen(chat)).to_have_text("llama3.2 (not installed)")
    chat.get_by_label("Model").select_option("fake-thinking")
    expect(chat.get_by_text("The model llama3.2 is not installed.")).to_be_hidden()
    expect(chosen(chat)).to_have_text("fake-thinking")
    assert model_sent(chat, script(["Hi."])) == "fake-thinking"


def test_a_default_that_nobody_can_look_for(chat: Page) -> None:
    away = [{"provider": "ollama", "error": "Ollama can't be reached."}]
    list_models(chat, default="llama3.2", unreachable=away)
    expect(chosen(chat)).to_have_text("llama3.2 (not reachable)")


def test_a_name_without_a_tag_means_the_latest(chat: Page) -> None:
    list_models(chat, "mistral:7b", "llama3.2:latest", default="llama3.2")
    expect(chosen(chat)).to_have_text("llama3.2:latest")
    expect(chat.get_by_label("Model").locator("option")).to_have_count(2)


def test_what_nobody_picked_is_not_asked_for(chat: Page) -> None:
    expect(chosen(chat)).to_have_text("fake")
    assert model_sent(chat, script(["Hi."])) is None


def test_what_was_picked_is_asked_for(chat: Page) -> None:
    expect(chosen(chat)).to_have_text("fake")
    chat.get_by_label("Model").select_option("fake-thinking")
    assert model_sent(chat, script(["Hi."])) == "fake-thinking"
    chat.goto("/chat")
    expect(chosen(chat)).to_have_text("fake-thinking")
    assert model_sent(chat, script(["Hi."])) == "fake-thinking"


def test_a_remembered_model_that_is_gone_is_not_asked_for(chat: Page) -> None:
    chat.evaluate("localStorage.setItem('model', 'gone')")
    chat.reload()
    expect(chosen(chat)).to_have_text("fake")
    assert model_sent(chat, script(["Hi."])) is None


def test_a_conversation_keeps_its_model(open_page: Opens, alice: Person) -> None:
    conversation = alice.ask(model="fake-thinking")["conversation_id"]
    page = open_page(f"/chat/{conversation}", alice)
    expect(chosen(page)).to_have_text("fake-thinking")
    answer = ask(page, script(["Hi."]))
    expect(answer.locator('[data-part="model"]')).to_have_text("fake-thinking")


def test_a_provider_that_is_away_is_a_line_of_the_list_while_another_one_answers(chat: Page) -> None:
    away = [{"provider": "ollama", "error": "Ollama can't be reached."}]
    list_models(chat, "small", default="small", unreachable=away)

    expect(chosen(chat)).to_have_text("small")
    expect(chat.get_by_label("Model").locator("option:disabled")).to_have_text("ollama: not reachable")
    expect(chat.locator("#models-banner")).to_be_hidden()

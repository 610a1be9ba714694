"""The model picker: it shows what will answer, and asks for a model only where somebody picked one."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

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


def test_the_meter_is_of_the_model_that_was_picked(chat: Page) -> None:
    sizes = {"fake": 4096, "fake-thinking": 8192}

    def measure(route: Route) -> None:
        ((_, model),) = [pair for pair in parse_qsl(urlsplit(route.request.url).query) if pair[0] == "model"]
        context = {"context_length": sizes[model], "used_tokens": 10, "is_estimate": False, "dropped_messages": 0}
        route.fulfill(json={**context, "model": model, "room": 2000})

    chat.get_by_label("Model").select_option("fake")
    chat.route("**/context?*", measure)
    ask(chat, script(["Hi."]))
    expect(chat.locator("context-meter")).to_have_text("10 of 4,096 tokens used.")
    chat.get_by_label("Model").select_option("fake-thinking")
    expect(chat.locator("context-meter")).to_have_text("10 of 8,192 tokens used.")


def test_a_provider_that_is_away_is_a_line_of_the_list_while_another_one_answers(chat: Page) -> None:
    away = [{"provider": "ollama", "error": "Ollama can't be reached."}]
    list_models(chat, "small", default="small", unreachable=away)

    expect(chosen(chat)).to_have_text("small")
    expect(chat.get_by_label("Model").locator("option:disabled")).to_have_text("ollama: not reachable")
    expect(chat.locator("#models-banner")).to_be_hidden()


def test_the_list_tells_what_is_known_and_can_be_searched(chat: Page) -> None:
    eight = {"name": "qwen3:8b", "provider": "ollama", "parameter_size": "8.2B", "size_bytes": 5_200_000_000}
    able = {**eight, "context_length": 40_960, "capabilities": ["completion", "thinking", "tools"], "loaded": True}
    seeing = {"name": "llava", "provider": "ollama", "capabilities": ["vision"]}
    away = [{"provider": "openai", "error": "The server of “openai” can't be reached."}]
    listing = {"models": [able, seeing], "default": "qwen3:8b", "unreachable": away}
    chat.route("**/api/models", lambda route: route.fulfill(json=listing))
    chat.reload()
    expect(chat.locator("#pick-model")).to_contain_text("qwen3:8b")
    chat.keyboard.press("Control+Shift+M")
    dialog = chat.get_by_role("dialog", name="Who answers?")
    rows = dialog.get_by_role("listitem")
    known = "qwen3:8bollama · 8.2B · 5.2 GB · 40,960 tokens · thinks, uses tools · loaded"
    expect(rows).to_have_text([known, "llavaollama · sees"])
    expect(dialog).to_contain_text("“openai” can't be reached.")
    expect(rows.first.get_by_role("button")).to_have_attribute("aria-current", "true")
    chat.keyboard.type("sees")
    expect(rows).to_have_count(1)
    chat.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(chat.locator("#pick-model")).to_contain_text("llava")
    assert model_sent(chat, script(["Hi."])) == "llava"
    chat.locator("#pick-model").click()
    chat.keyboard.type("nothing like it")
    expect(dialog.get_by_text("None is called like that.")).to_be_visible()

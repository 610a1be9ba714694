"""A real model, from the page to the child process and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app.config import Settings
from tests.chat.embedded.real_model import real_models_dir
from tests.e2e.chatting import last_answer, send
from tests.people import PASSWORD, make_user
from tests.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.network]
ANSWER_MS = 90_000


def test_a_question_is_answered_by_the_built_in_model(
    request: pytest.FixtureRequest, app: Flask, settings: Settings, chromium: Browser
) -> None:
    make_user(app, "alice@example.org")
    folder = real_models_dir(request.config)
    # So small a model may ramble until its memory is full.
    small = replace(settings, embedded_model="smollm2-135m", models_dir=folder, context_length=512)
    server = Server(replace(small, llm_providers=("embedded",)))
    page = chromium.new_page()
    try:
        page.goto(f"{server.url}/auth/login")
        page.fill("input[name=email]", "alice@example.org")
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/chat")
        send(page, "Say hello.")
        answer = last_answer(page)
        expect(answer).to_have_attribute("data-status", "complete", timeout=ANSWER_MS)
        expect(answer).to_contain_text("smollm2-135m")
        assert len(answer.locator("message-body.prose").inner_text()) > 1
    finally:
        page.close()
        server.kill()

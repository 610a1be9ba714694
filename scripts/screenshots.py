"""Takes the pictures of docs/images again, with a scripted model: `make screenshots` (needs Chromium)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402  # the folder of the project has to be known first
from playwright.sync_api import BrowserContext, sync_playwright  # noqa: E402
from sqlalchemy import update  # noqa: E402

from app import create_app  # noqa: E402
from app.cli.migrations import upgrade_database  # noqa: E402
from app.config import Settings  # noqa: E402
from app.extensions import db  # noqa: E402
from app.models.message import Message  # noqa: E402
from tests.e2e.chatting import script  # noqa: E402
from tests.people import PASSWORD, Person, sign_up  # noqa: E402
from tests.serving import Server  # noqa: E402

IMAGES = ROOT / "docs/images"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
PICTURES: dict[str, tuple[Literal["light", "dark"], dict[str, Any]]] = {
    "chat-light": ("light", DESK),
    "chat-dark": ("dark", DESK),
    "phone-dark": ("dark", PHONE),
}
OTHER_TITLES = ("Sourdough that rises", "Letter to the landlord", "Names for a grey cat", "Weekend in the hills")
QUESTION = "How can I find the ten largest files in a folder with Python?"
ANSWER = """\
Walk through the folder, note every file with its size, and keep the ten largest. `heapq.nlargest` does the keeping \
without sorting everything:

```python
import heapq
from pathlib import Path

def largest_files(folder: str, count: int = 10) -> list[tuple[int, Path]]:
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return heapq.nlargest(count, ((p.stat().st_size, p) for p in paths))

for size, path in largest_files("."):
    print(f"{size / 1_000_000:8.1f} MB  {path}")
```

- It reads only names and sizes, so it is **quick** even in large folders.
- Links are followed where they lead to files; add `not path.is_symlink()` if they should not count.
"""


def main() -> int:
    """Start a server, talk to it, take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        settings = Settings(
            secret_key="only for the pictures, and long enough for that",  # noqa: S106
            database_url=f"sqlite:///{folder}/app.db",
            llm_providers=("fake",),
        )
        app = create_app(settings)
        with app.app_context():
            upgrade_database()
        ada = sign_up(app, "ada@example.org")
        path = f"/chat/{_talk(app, ada)}"
        server = Server(settings)
        try:
            _take_all(server.url, ada, path)
        finally:
            server.stop()
            app.extensions["chat"].engine.close()
    return 0


def _talk(app: Flask, ada: Person) -> str:
    for title in OTHER_TITLES:
        ada.call("POST", "/api/conversations", {"title": title})
    conversation = str(ada.ask(script([ANSWER]))["conversation_id"])
    ada.call("PATCH", f"/api/conversations/{conversation}", {"title": "The ten largest files"})
    with app.app_context():
        asked = (Message.conversation_id == UUID(conversation)) & (Message.role == "user")
        db.session.execute(update(Message).where(asked).values(content=QUESTION))
        db.session.execute(update(Message).where(Message.role == "assistant").values(model="qwen3:8b"))
        db.session.commit()
    return conversation


def _take_all(url: str, ada: Person, path: str) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (scheme, options) in PICTURES.items():
            context = browser.new_context(base_url=url, color_scheme=scheme, **options)
            _take(context, ada, path, IMAGES / f"{name}.png")
        browser.close()


def _take(context: BrowserContext, ada: Person, path: str, image: Path) -> None:
    page = context.new_page()
    page.goto("/auth/login")
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/chat")
    page.goto(path)
    page.locator(".hljs-keyword").first.wait_for()
    page.locator("message-list").evaluate("list => list.scrollTo(0, 0)")
    page.get_by_label("Model").evaluate("select => { select.options[0].text = 'qwen3:8b' }")
    page.screenshot(path=image)
    context.close()


if __name__ == "__main__":
    sys.exit(main())

"""What answers are made of, in a real browser: formulas, diagrams, notes, tables, code. The policy is never violated."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.chatting import ask, last_answer, script, send, words_of
from tests.e2e.conftest import Opens
from tests.people import Person
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

FORMULAS = r"""The roots of $ax^2 + bx + c = 0$ are

$$
x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$

with \(\vec{v} \cdot \pmb{w}\), and \[ \fcolorbox{red}{white}{$\overbrace{a + b}^{c}$} \] It costs $5, not $10."""
DIAGRAM = """Here:

```mermaid
flowchart LR
  A[Start] --> B{Is it?}
  B -->|yes| C[Good]
  B -->|no| D[Bad]
```
"""
REST = """Said[^1] and again[^2].

- [ ] to do
- [x] done

```python
print("x")
```

| a | b |
|---|---|
| 1 | 2 |

![a cat](https://evil.example/cat.png)

[^1]: The first note.
[^2]: The second.
"""
LAZY = ("languages", "formulas", "diagrams", "diagram-page", "KaTeX")


def loaded_parts(page: Page) -> list[str]:
    """Give a list that fills with the lazy parts that the page asks for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        name = request.url.rsplit("/", 1)[1]
        asked.extend(part for part in LAZY if name.startswith((f"{part}-", f"{part}_")))

    page.on("request", note)
    return asked


def test_formulas_are_drawn(chat: Page) -> None:
    asked = loaded_parts(chat)
    words = words_of(ask(chat, script([FORMULAS])))
    expect(words.locator(".katex")).to_have_count(4)
    expect(words).to_contain_text("It costs $5, not $10.")
    fraction, letter = words.locator(".mfrac > span > .vlist-t, .mfrac > .vlist-t").first, words.locator(".katex").first
    assert fraction.bounding_box()["height"] > 1.5 * letter.bounding_box()["height"]  # type: ignore[index]
    wait_until(lambda: chat.evaluate("document.fonts.check('1em KaTeX_Main')"))
    assert set(asked) == {"formulas", "KaTeX"}
    chat.reload()
    expect(words_of(last_answer(chat)).locator(".katex")).to_have_count(4)


def test_a_wrong_formula_is_shown_as_written(chat: Page) -> None:
    words = words_of(ask(chat, script(["Wrong: $\\frac{1}$, right: $x$."])))
    expect(words.locator(".katex")).to_have_count(1)
    expect(words).to_contain_text("Wrong: $\\frac{1}$, right:")


def test_a_diagram_is_an_image_with_its_source(chat: Page) -> None:
    asked = loaded_parts(chat)
    answer = ask(chat, script([DIAGRAM]))
    picture = words_of(answer).get_by_role("img", name="Diagram: flowchart")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.src.startsWith('blob:'))")
    assert picture.bounding_box()["width"] > 150  # type: ignore[index]
    code = words_of(answer).locator("code")
    expect(code).to_be_hidden()
    words_of(answer).get_by_text("Source").click()
    expect(code).to_contain_text("A[Start] --> B{Is it?}")
    assert set(asked) == {"diagrams", "diagram-page"}
    frame = chat.locator("iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    assert chat.frames[-1].evaluate("origin") == "null"


def test_a_diagram_follows_the_theme(open_page: Opens, alice: Person) -> None:
    page = open_page("/chat", alice, color_scheme="light")
    picture = words_of(ask(page, script([DIAGRAM]))).get_by_role("img")
    expect(picture).to_be_visible()
    light = picture.get_attribute("src") or ""
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(picture).not_to_have_attribute("src", light)
    expect(picture).to_be_visible()


def test_a_wrong_diagram_shows_its_source(chat: Page) -> None:
    answer = ask(chat, script(['```mermaid\nflowchart LR\n  A --> --> B[\n```\n\n```mermaid\npie\n  "a" : 3\n```\n']))
    expect(words_of(answer).get_by_text("could not be drawn")).to_have_count(1)
    expect(words_of(answer).get_by_text("A --> --> B[")).to_be_visible()
    expect(words_of(answer).get_by_role("img", name="Diagram: pie")).to_be_visible()


def test_a_huge_diagram_is_not_tried(chat: Page) -> None:
    chat.reload()
    answer = ask(chat, script(["```mermaid\nflowchart LR\n" + "  A --> B\n" * 2500 + "```\n"]))
    expect(words_of(answer).get_by_text("could not be drawn")).to_be_visible()
    expect(chat.locator("iframe")).to_have_count(0)


def test_footnotes_tasks_tables_and_pictures(chat: Page) -> None:
    words = words_of(ask(chat, script([REST])))
    expect(words.get_by_role("checkbox", name="Done")).to_be_checked()
    expect(words.get_by_role("checkbox", name="To do")).not_to_be_checked()
    words.get_by_role("link", name="2", exact=True).click()
    expect(words.locator(".footnotes > li").nth(1)).to_be_focused()
    words.get_by_role("link", name="Back to the text").nth(1).click()
    expect(words.get_by_role("link", name="2", exact=True)).to_be_focused()
    expect(words.get_by_role("link", name="a cat")).to_have_attribute("href", "https://evil.example/cat.png")
    expect(words.locator("img")).to_have_count(0)
    expect(words.get_by_role("group", name="Table")).to_have_attribute("tabindex", "0")


def test_code_can_be_saved(chat: Page) -> None:
    words = words_of(ask(chat, script([REST])))
    expect(words.locator("figcaption")).to_contain_text("python")
    with chat.expect_download() as saved:
        words.get_by_role("button", name="Download the code").click()
    assert saved.value.suggested_filename == "code.py"
    assert saved.value.path().read_text(encoding="utf-8") == 'print("x")\n'


def test_everything_while_it_is_written_and_afterwards(chat: Page) -> None:
    text = f"{FORMULAS}\n\n{DIAGRAM}\n\n{REST}"
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    send(chat, script(pieces, delay_ms=2))
    expect(last_answer(chat)).to_have_attribute("data-status", "complete")
    expect(words_of(last_answer(chat)).get_by_role("img", name="Diagram")).to_be_visible()
    expect(words_of(last_answer(chat)).locator("[data-coloured]")).to_have_count(1)
    inner = "body => body.innerHTML.replace(/blob:[^\"]+/g, '')"
    streamed = words_of(last_answer(chat)).evaluate(inner)
    chat.reload()
    expect(words_of(last_answer(chat)).get_by_role("img", name="Diagram")).to_be_visible()
    expect(words_of(last_answer(chat)).locator("[data-coloured]")).to_have_count(1)
    expect(words_of(last_answer(chat)).locator(".katex")).to_have_count(4)
    assert words_of(last_answer(chat)).evaluate(inner) == streamed


def test_plain_words_load_nothing_more(chat: Page) -> None:
    asked = loaded_parts(chat)
    ask(
        chat,
        script(["Plain **words**, a list:\n\n- one\n- [ ] two[^1]\n\n| a |\n|---|\n| $5 |\n\n[^1]: note\n\n> said"]),
    )
    chat.reload()
    expect(words_of(last_answer(chat))).to_contain_text("Plain words")
    expect(words_of(last_answer(chat)).locator("table")).to_be_visible()
    assert asked == []

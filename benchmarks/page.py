"""What a person waits for: the chat page in Chromium, and search, with a scripted stub that says how fast the model is."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from benchmarks import servers
from benchmarks.processes import LOAD_CORE, Program
from benchmarks.rows import VOCABULARY, add_conversations, add_talk, make_index
from tests.serving import Browser

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUESTIONS = 12
SEARCHES = (
    VOCABULARY[3],
    VOCABULARY[900],
    VOCABULARY[-1],
    f"{VOCABULARY[5]} {VOCABULARY[40]}",
    VOCABULARY[60][:3],
    "zzzzzz",
)
OBSERVE = """
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: 'longtask', buffered: true });
"""
# From the key to the first character of the answer in the page, and when the answer had ended, what the server saw of the model.
FIRST_TOKEN = """(wish) => new Promise((resolve) => {
  const field = document.querySelector('chat-composer textarea');
  const list = document.querySelector('message-list');
  const before = list.querySelectorAll('[data-role=assistant]').length;
  field.value = wish;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(() => {
    const begin = performance.now();
    new MutationObserver((_, observer) => {
      const answer = list.querySelectorAll('[data-role=assistant]')[before];
      if (!answer?.querySelector('[data-part=text]')?.textContent.trim()) return;
      observer.disconnect();
      resolve(performance.now() - begin);
    }).observe(list, { childList: true, subtree: true, characterData: true });
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  });
})"""
USABLE = """document.querySelector('message-item:last-of-type')?.innerText.trim() &&
  document.querySelector('chat-composer:defined textarea')"""
ENDED = "document.querySelector('message-item:last-of-type')?.dataset.status === 'complete'"


@dataclass
class PageFound:
    """What was measured: bytes and requests of the first load, milliseconds of the rest, KiB of the script's heap."""

    first_load_bytes: int
    first_load_requests: int
    first_token_ms: float
    long_tasks_ms: list[float]
    heap_kib: tuple[float, float]
    long_conversation_ms: float
    scroll_long_tasks_ms: list[float]
    search_ms: list[float]


class Visitor:
    """Somebody with a browser: signed in to the application, with the developer tools at hand."""

    def __init__(self, context: BrowserContext, signed_in: Browser) -> None:
        self._url = signed_in.url
        context.add_cookies(
            [{"name": name, "value": value, "url": self._url} for name, value in signed_in.cookies.items()]
        )
        context.add_init_script(OBSERVE)
        self.page: Page = context.new_page()
        self.tools: CDPSession = context.new_cdp_session(self.page)

    def _wait_until(self, condition: str, seconds: float = 30) -> None:
        """Ask the page again and again: Playwright's own waiting evaluates text in the page, which its policy forbids."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            time.sleep(0.002)

    def first_load(self) -> tuple[int, int]:
        """Give bytes on the wire and requests of the chat page with nothing in the cache."""
        sizes: list[int] = []
        self.tools.send("Network.enable")
        self.tools.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
        self.page.goto(f"{self._url}/chat", wait_until="networkidle")
        self.tools.send("Network.disable")
        return sum(sizes), len(sizes)

    def first_token_ms(self) -> float:
        """Give the median time from Enter to the first word on screen; the model says it at once."""
        self.page.goto(f"{self._url}/chat")
        times = []
        for _ in range(QUESTIONS):
            times.append(float(self.page.evaluate(FIRST_TOKEN, "bench:3:1000")))
            self._wait_until(ENDED)
        return statistics.median(times)

    def heap_kib(self) -> float:
        """Give the memory of the page's script after a collection."""
        self.tools.send("HeapProfiler.collectGarbage")
        return float(self.tools.send("Runtime.getHeapUsage")["usedSize"]) / 1024

    def stream(self, wish: str, seconds: float) -> tuple[list[float], float]:
        """Watch an answer to its end; gives the long tasks, and the heap afterwards."""
        self.page.goto(f"{self._url}/chat", wait_until="networkidle")
        self.page.evaluate("window.tasks.length = 0")
        self.page.evaluate(FIRST_TOKEN, wish)
        self._wait_until(ENDED, seconds + 30)
        tasks: list[float] = self.page.evaluate("window.tasks")
        return tasks, self.heap_kib()

    def open_ms(self, conversation_id: str) -> float:
        """Give the median time from the click on an address to the last message and a composer that can be typed into."""
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            self.page.goto(f"{self._url}/chat/{conversation_id}", wait_until="commit")
            self._wait_until(USABLE)
            times.append(1000 * (time.perf_counter() - begin))
        return statistics.median(times)

    def scroll_sidebar(self, count: int) -> list[float]:
        """Scroll through the list to its end; gives the long tasks that this made."""
        self.page.goto(f"{self._url}/chat", wait_until="networkidle")
        self.page.evaluate("window.tasks.length = 0")
        items = self.page.locator("conversation-list li[data-id]")
        deadline = time.monotonic() + 60
        while items.count() < count and time.monotonic() < deadline:
            items.last.scroll_into_view_if_needed()
            self.page.wait_for_timeout(30)
        tasks: list[float] = self.page.evaluate("window.tasks")
        return tasks


@contextmanager
def visitor(signed_in: Browser) -> Iterator[Visitor]:
    """Start Chromium for a signed-in person, on all cores: it is many processes, and nothing else runs."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        yield Visitor(browser.new_context(viewport={"width": 1280, "height": 800}), signed_in)
        browser.close()
    os.sched_setaffinity(0, {int(LOAD_CORE)})


def measure_page(database: Path, app: Program) -> PageFound:
    """Measure the page, then search with 100,000 messages in 5,000 conversations."""
    signed_in = servers.sign_in(app)
    (long,) = add_conversations(database, servers.EMAIL, 1, 2_000)
    with visitor(signed_in) as person:
        size, requests = person.first_load()
        first_token = person.first_token_ms()
        tasks, few = person.stream("bench:2000:200", 10)
        _, many = person.stream("bench:20000:1000", 20)
        opened = person.open_ms(long)
        add_talk(database, servers.EMAIL, 1_000, 2)
        scrolled = person.scroll_sidebar(1_000)
    add_talk(database, servers.EMAIL, 4_000, 24)
    make_index(database)
    found = _search(signed_in)
    return PageFound(size, requests, first_token, tasks, (few, many), opened, scrolled, found)


def _search(browser: Browser) -> list[float]:
    """Give the median milliseconds of each search, the request included."""
    medians = []
    for words in SEARCHES:
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            browser.request("GET", f"/api/search?q={words.replace(' ', '+')}")
            times.append(1000 * (time.perf_counter() - begin))
        medians.append(statistics.median(times))
    return medians

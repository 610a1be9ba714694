"""Streams through the proxies that people have, configured as docs/proxies.md says."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.cli.stream_check import check_stream
from tests.chat.faults.reading import numbers, question, text_of
from tests.people import HELLO, Event, parse_events
from tests.proxies.conftest import SILENCE_SECONDS, SecureBrowser, Site, Start
from tests.proxies.running import Proxy, find, nginx_buffering

pytestmark = [pytest.mark.proxy, pytest.mark.timeout(240)]
HTTP_2 = ("nginx", "caddy", "haproxy")
SAID = numbers(60)


def read_silent_stream(browser: SecureBrowser) -> list[tuple[float, Event]]:
    """Read an answer with a minute of silence before its end; gives the events with the moments of their arrival."""
    stream = browser.stream("Think about it", model="llama3:latest")
    return [(time.monotonic(), event) for event in stream]


def test_a_minute_of_silence_arrives_whole_and_word_by_word(
    site: Site, proxies: dict[str, Proxy], monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """All proxies at the same time; meanwhile `flask doctor` looks at them."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
    browsers = [SecureBrowser(proxy.url, site.certificate) for proxy in proxies.values()]
    with ThreadPoolExecutor(20) as pool:
        streams = [pool.submit(read_silent_stream, browser) for browser in browsers]
        # Two at a time: the stream that it reads is for a few.
        told = ThreadPoolExecutor(2).map(lambda proxy: list(check_stream(proxy.url)), proxies.values())
        arrivals = dict(zip(proxies, [stream.result() for stream in streams], strict=True))
        findings = dict(zip(proxies, told, strict=True))
    for browser in browsers:
        browser.close()

    for name, arrived in arrivals.items():
        with subtests.test(name):
            events = [event for _, event in arrived]
            assert text_of(events[1:-1]) == "Yes."
            assert (events[0].name, events[-1].name, events[-1].data["status"]) == ("start", "done", "complete")
            (first, _), (last, _) = arrived[1], arrived[-1]
            assert last - first > SILENCE_SECONDS / 2, "the first word came when it was said"
            assert [finding for finding in findings[name] if not finding.ok] == []


@pytest.mark.parametrize("name", ["nginx", "nginx-http-1.0", "caddy", "apache", "haproxy"])
def test_streaming_off(site: Site, proxies: dict[str, Proxy], name: str) -> None:
    browser = SecureBrowser(proxies[name].url, site.certificate)
    answer = browser.call("POST", "/api/chat", {"message": HELLO, "model": "fake"})
    browser.close()

    assert (answer.status, answer.json()["reply"]) == (200, "Hi")


@pytest.mark.parametrize("name", HTTP_2)
def test_http_2(site: Site, proxies: dict[str, Proxy], name: str) -> None:
    browser = SecureBrowser(proxies[name].url, site.certificate)
    answer = browser.call("POST", "/api/chat", {"message": question(SAID), "model": "fake"}).json()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    browser.close()

    address = f"{browser.url}/api/messages/{answer['message_id']}/events"
    command = [find("curl"), "-sN", "--http2", "--cacert", str(site.certificate), "-H", f"Cookie: {cookie}"]
    done = subprocess.run(
        [*command, "-w", "%{http_version}", address], capture_output=True, text=True, check=True, timeout=60
    )
    body, _, version = done.stdout.rpartition("\n\n")
    assert version == "2"
    assert text_of(parse_events(body)[1:-1]) == "".join(SAID)


def test_where_a_proxy_collects_all_the_same(site: Site, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
    proxy = start(nginx_buffering)
    browser = SecureBrowser(proxy.url, site.certificate)

    *_, finding = check_stream(proxy.url)
    assert not finding.ok
    assert "buffered" in finding.remark
    assert "nginx: proxy_buffering off" in finding.remark
    assert "apache" not in finding.remark, "it gave its name"
    late = list(browser.stream(question(SAID, 20), model="fake"))
    assert (text_of(late[1:-1]), late[-1].name) == ("".join(SAID), "done")
    answer = browser.call("POST", "/api/chat", {"message": HELLO, "model": "fake"})
    browser.close()
    assert (answer.status, answer.json()["reply"]) == (200, "Hi")

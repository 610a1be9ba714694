"""What the proxies between here and an installation do to a stream, measured from outside (`flask doctor --url`)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TookTooLong

from app.cli.finding import Finding

PATH = "/readyz/stream"
PATIENCE_SECONDS = 30.0  # more than the longest silence of a real answer
# What was sent over three seconds and arrives within less than half of them was kept back.
BUNCHED = 0.5

BUFFERING = {
    "nginx": "proxy_buffering off; and no proxy_ignore_headers X-Accel-Buffering",
    "apache": "flushpackets=on in its ProxyPass, and no mod_buffer",
    "caddy": "flush_interval -1 in its reverse_proxy",
    "haproxy": "no option http-buffer-response, and no compression",
    "cloudflare": "a cache rule that bypasses this host",
}
TIMEOUTS = {
    "nginx": "proxy_read_timeout 60s",
    "apache": "ProxyTimeout 60",
    "caddy": "read_timeout 60s in its transport http",
    "haproxy": "timeout server 60s",
}
COMPRESSION = {
    "nginx": "gzip_types without text/event-stream",
    "apache": "no SetOutputFilter DEFLATE for it (SetEnv no-gzip 1)",
    "caddy": "encode with a matcher that leaves text/event-stream out",
    "haproxy": "compression type without text/event-stream",
}


@dataclass
class Reading:
    """One stream as it came: when each event was sent and when it arrived, in seconds since the beginning."""

    headers: dict[str, str]
    sent: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    is_whole: bool = False
    cut_after: float = 0.0


class NoStream(Exception):
    """There is no stream to look at; its text says why, and what to do."""


def check_stream(url: str) -> Iterator[Finding]:
    """Read the stream twice: one that talks, and one that is silent for as long as a real answer may be."""
    try:
        reading = read(url)
        headers = _check_headers(reading)
        yield headers
        if not headers.ok:
            return
        flow = _check_flow(reading)
        yield flow
        if flow.ok:
            yield _check_silence(read(url, silence=True))
    except NoStream as error:
        yield Finding("stream", False, str(error))


def read(url: str, *, silence: bool = False) -> Reading:
    """Read the stream as a browser would; raises NoStream."""
    if not url.startswith(("http://", "https://")):
        raise NoStream(_unreachable(url, LocationValueError()))
    address = url.rstrip("/") + PATH + ("?silence=1" if silence else "")
    wishes = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, br"}
    with urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS) as pool:
        began = time.monotonic()
        try:
            response = pool.request("GET", address, headers=wishes, redirect=False, preload_content=False)
        except (HTTPError, LocationValueError) as error:
            raise NoStream(_unreachable(url, error)) from error
        with response:
            _check_status(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            if not headers.get("content-type", "").startswith("text/event-stream"):
                return Reading(headers)
            return _collect(response, headers, began)


def _collect(response: urllib3.BaseHTTPResponse, headers: dict[str, str], began: float) -> Reading:
    reading = Reading(headers)
    buffer = b""
    try:
        for piece in response.stream(decode_content=True):
            buffer += piece
            *blocks, buffer = buffer.split(b"\n\n")
            for block in blocks:
                _take(reading, block, time.monotonic() - began)
            if time.monotonic() - began > 2 * PATIENCE_SECONDS:  # whatever it is, it is not our stream
                break
    except HTTPError:  # cut in mid-stream: what came counts
        pass
    reading.cut_after = time.monotonic() - began
    return reading


def _take(reading: Reading, block: bytes, now: float) -> None:
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
    if fields.get(b"event") == b"done":
        reading.is_whole = True
    elif fields.get(b"event") == b"tick":
        reading.sent.append(json.loads(fields[b"data"])["sent_ms"] / 1000)
        reading.arrived.append(now)


def _unreachable(url: str, error: Exception) -> str:
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, LocationValueError):
        return f"{url} is no address: write it like https://chat.example"
    if isinstance(cause, SSLError):
        return f"{url} has no certificate that is trusted here ({cause}); SSL_CERT_FILE=FILE trusts another authority"
    if isinstance(cause, NewConnectionError):
        return f"{url} can't be reached: {cause}"
    if isinstance(cause, TookTooLong):
        return (
            f"{url} did not begin to answer within {PATIENCE_SECONDS:.0f} s: a proxy may wait for the end of the stream"
        )
    return f"{url} broke off: {cause}"


def _check_status(response: urllib3.BaseHTTPResponse) -> None:
    """Raise NoStream unless there is a stream."""
    status, target = response.status, response.headers.get("Location")
    if status == 200:
        return
    if target:
        where = target.partition(PATH)[0]
        raise NoStream(f"redirected to {where}: use that address, here and as PUBLIC_URL ({status})")
    meaning = {
        400: "it does not answer to this name: set PUBLIC_URL, or add the name to ALLOWED_HOSTS",
        401: "something in front of it asks for a password",
        403: "something in front of it refuses",
        404: "there is no Password-less Chat, or an older one, or under a path that the proxy cuts",
        429: "it was asked too often: try again in a minute",
        502: "the proxy can't reach the application: is it running, and on that port?",
        503: "it is busy, or its proxy can't reach it: try again in a moment",
        504: "the proxy waited for the application in vain",
    }
    raise NoStream(f"answered {status}: {meaning.get(status, 'no stream')}")


def _check_headers(reading: Reading) -> Finding:
    headers = reading.headers
    kind = headers.get("content-type", "")
    if not kind.startswith("text/event-stream"):
        return Finding("headers", False, f"Content-Type is {kind or 'missing'}: something in front answers instead")
    if encoding := headers.get("content-encoding"):
        return Finding(
            "headers", False, f"compressed ({encoding}), which holds words back: {_advice(reading, COMPRESSION)}"
        )
    if "no-transform" not in headers.get("cache-control", ""):
        return Finding("headers", False, "Cache-Control was changed on the way: leave the application's own")
    via = headers.get("via") or headers.get("server")
    return Finding("headers", True, f"a stream, not compressed (by {via})" if via else "a stream, not compressed")


def _check_flow(reading: Reading) -> Finding:
    if len(reading.sent) > 1 and _spread(reading.arrived) < BUNCHED * _spread(reading.sent):
        late = reading.arrived[0] - reading.sent[0]
        held = f"the first word came {late:.1f} s late, together with the others"
        return Finding("stream", False, f"buffered: {held}. {_advice(reading, BUFFERING)}")
    if not reading.is_whole:
        after = f"after {reading.cut_after:.1f} s and {len(reading.sent)} events"
        return Finding("stream", False, f"cut {after}. {_advice(reading, TIMEOUTS)}")
    return Finding("stream", True, f"{len(reading.sent)} events, each as it was sent")


def _check_silence(reading: Reading) -> Finding:
    if reading.is_whole:
        return Finding("silence", True, f"a pause of {_spread(reading.sent):.0f} s is bridged")
    advice = _advice(reading, TIMEOUTS)
    return Finding("silence", False, f"cut after {reading.cut_after:.1f} s without a word. {advice}")


def _spread(moments: list[float]) -> float:
    return moments[-1] - moments[0] if moments else 0.0


def _advice(reading: Reading, settings: dict[str, str]) -> str:
    """Name the setting of the proxy that gave its name, or those of all."""
    signs = f"{reading.headers.get('server', '')} {reading.headers.get('via', '')}".lower()
    fitting = {name: setting for name, setting in settings.items() if name in signs} or settings
    return "Set " + "; ".join(f"{name}: {setting}" for name, setting in fitting.items()) + " (docs/proxies.md)"

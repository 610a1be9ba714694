"""Where a model's server is, and how to speak of it to a person."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Url, make_headers, parse_url

from app.chat.providers.pool import IdleConnections

USER_AGENT = "password-less-chat"

# A host that vanishes without a word (its power, a cable) is noticed within half a minute, also while it reads a long prompt.
_VANISHED = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}
SOCKET_OPTIONS: list[tuple[int, int, int | bytes]] = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _VANISHED.items() if hasattr(socket, name)),
]


@dataclass(frozen=True)
class Endpoint:
    """A server's address. `label` names it in sentences, `advice` says what to do when it can't be reached."""

    label: str
    base_url: str = field(repr=False)  # may hold a user name and a password
    advice: str = ""
    api_key: str = field(default="", repr=False)

    @cached_property
    def shown_url(self) -> str:
        """The address without a secret in it."""
        return self._url._replace(auth=None, query=None, fragment=None).url.rstrip("/")

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
        if self._url.auth:
            headers |= make_headers(basic_auth=unquote(self._url.auth))
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers

    def path(self, path: str) -> str:
        """Give the path of a request: below the address's own, which may stand behind a proxy's prefix."""
        return (self._url.path or "").rstrip("/") + path

    def connection(self, seconds: float) -> HTTPConnection:
        """Give a connection that is not connected yet; certificates are checked."""
        host, port = self._url.host or "localhost", self._url.port
        if self._url.scheme == "https":
            context = self._ssl_context
            return HTTPSConnection(host, port, timeout=seconds, socket_options=SOCKET_OPTIONS, ssl_context=context)
        return HTTPConnection(host, port, timeout=seconds, socket_options=SOCKET_OPTIONS)

    @cached_property
    def idle(self) -> IdleConnections:
        """The connections that wait for their next request."""
        return IdleConnections()

    def unreachable(self, error: Exception) -> str:
        """Give the sentence for a failed attempt to connect."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{self.label} at {self.shown_url} shows a certificate that this machine does not trust."
        return f"{self.label} can't be reached at {self.shown_url}. {self.advice}".rstrip()

    @cached_property
    def _url(self) -> Url:
        return parse_url(self.base_url)

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # loading the authorities takes milliseconds: once

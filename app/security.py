"""What every response and every request must satisfy: headers, host and origin. The policies are constants."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError

from app.config import Settings
from app.errors import MalformedRequest

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types dompurify app",
    )
)
# The page that draws diagrams: a sandboxed frame of opaque origin, so that what its library does reaches nothing.
DIAGRAM_POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
YEAR_SECONDS = 31_536_000
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# What stands in these paths opens an account, or makes one: tokens are 43 characters.
TOKEN_PATH = re.compile(r"((?:/auth/(?:link|mail|reset|invitation)|/settings/email)/)[\w-]{43}")
READING_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def init_app(app: Flask, settings: Settings) -> None:
    """Check every request and dress every response."""
    # Not Flask's TRUSTED_HOSTS: it knows no IPv6 address, and no page can be made for the hosts that it refuses.
    allowed = (*LOCAL_HOSTS, *map(_host_name, settings.allowed_hosts), settings.public_host)
    app.extensions["allowed_hosts"] = frozenset(name for name in allowed if name)
    app.config["WTF_CSRF_SSL_STRICT"] = False  # would refuse whoever sends no Referer; _check_origin is the check here
    app.config["SESSION_COOKIE_SECURE"] = settings.public_url.startswith("https://")
    logging.getLogger("werkzeug").addFilter(
        hide_tokens
    )  # the development server writes down every path; adding it again does nothing
    app.before_request(_check_host)
    app.before_request(_check_origin)
    app.before_request(_check_form)
    app.after_request(_dress)


def hide_tokens(record: logging.LogRecord) -> bool:
    """Take the tokens of one-time links and invitations out of a line of the log; gives True, because the line itself stays."""
    if isinstance(record.args, tuple):
        record.args = tuple(TOKEN_PATH.sub(r"\1…", each) if isinstance(each, str) else each for each in record.args)
    return True


def _host_name(address: str) -> str | None:
    """Give the name in "name", "name:port", "[::1]:port" or "::1", in lower case; None when there is none."""
    is_bare_ipv6 = address.count(":") > 1 and not address.startswith("[")
    try:
        return urlsplit(f"//[{address}]" if is_bare_ipv6 else f"//{address}").hostname
    except ValueError:
        return None


def _check_host() -> None:
    """Refuse names that are not ours: another site's name may be made to point here (DNS rebinding)."""
    if _host_name(request.host) not in current_app.extensions["allowed_hosts"]:
        raise MalformedRequest(
            "This server does not answer to this name. Its administrator can add it to ALLOWED_HOSTS."
        )


def _check_origin() -> None:
    """Refuse a write that another site caused (OWASP CSRF cheat sheet, "verifying origin"); a second wall beside the CSRF token.

    A client that sends neither header is no browser, and has no cookies of one.
    """
    if request.method in READING_METHODS:
        return
    sender = request.headers.get("Origin") or request.headers.get("Referer")
    if sender is not None and _origin_of(sender) != f"{request.scheme}://{request.host}":
        raise CSRFError("This request came from another site.")


def _origin_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _check_form() -> None:
    """Refuse forms that are too large, and NUL in a form or an address: no keyboard types it, and PostgreSQL can't store it."""
    if request.mimetype == "application/x-www-form-urlencoded":  # MAX_FORM_MEMORY_SIZE limits the other kind alone
        request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]
    if any("\0" in text for fields in (request.args, request.form) for _, text in fields.items(multi=True)):
        raise MalformedRequest


def _dress(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}; includeSubDomains")
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response

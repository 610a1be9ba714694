"""What every response and every request must satisfy: headers, host and origin. The policies are constants."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError

from app.config import Settings

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
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
READING_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def init_app(app: Flask, settings: Settings) -> None:
    """Check every request and dress every response."""
    app.config["TRUSTED_HOSTS"] = [*LOCAL_HOSTS, *settings.allowed_hosts, settings.public_host]
    app.config["SESSION_COOKIE_SECURE"] = settings.public_url.startswith("https://")
    app.before_request(_check_origin)
    app.after_request(_dress)


def _check_origin() -> None:
    """Refuse a write that another site caused (OWASP CSRF cheat sheet, "verifying origin"); a second wall beside the CSRF token.

    A client that sends neither header is no browser, and has no cookies of one.
    """
    if request.method in READING_METHODS:
        return
    sender = request.headers.get("Origin") or request.headers.get("Referer")
    if sender is None:
        return
    parts = urlsplit(sender)
    if f"{parts.scheme}://{parts.netloc}" != request.host_url.rstrip("/"):
        raise CSRFError("This request came from another site.")


def _dress(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}; includeSubDomains")
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response

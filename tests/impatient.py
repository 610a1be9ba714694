"""The application, which waits one second for a request's body; `tests/test_request_body.py` serves it."""

from __future__ import annotations

from app import create_app, request_body

request_body.PATIENCE_SECONDS = 1.0
app = create_app()

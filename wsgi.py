"""The application for `flask …` and for gunicorn."""

from __future__ import annotations

import sys

from app import create_app
from app.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"password-less-chat: {error}")

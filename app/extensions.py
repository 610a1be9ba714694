"""Flask extensions, created without an application; `app.factory` binds them. And the running application's settings."""

from __future__ import annotations

from flask import current_app
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from app.config import Settings
from app.database import Base

# Objects live for one request and are not read again after the commit: expiring them would only cost queries.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()


def get_settings() -> Settings:
    """Give the running application's settings."""
    settings: Settings = current_app.extensions["settings"]
    return settings

"""The application, wired together."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

import app.models  # noqa: F401  # every table has to be known before the first query
from app import access, assets, cli, error_pages, health, mail, request_body, security, sessions, valkey
from app.admin import activity_routes  # noqa: F401  # it adds views to admin's
from app.admin.routes import bp as admin
from app.audit_log import METHODS, WARNINGS, describe
from app.auth import device_routes  # noqa: F401  # it adds views to account_settings
from app.auth.mail_routes import bp as mail_links
from app.auth.passkey_routes import bp as passkeys
from app.auth.recovery_routes import bp as recovery
from app.auth.routes import bp as auth
from app.auth.settings_routes import bp as account_settings
from app.chat import setup as chat
from app.config import Settings
from app.database import engine_options, prepare_engine
from app.email_address import accept_home_networks
from app.extensions import csrf, db
from app.face.routes import bp as face
from app.rate_limit import limiter

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_FORM_BYTES = 64 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """Give the application for these settings, by default those of the environment; raises ConfigError."""
    settings = settings or Settings.from_env()
    settings.check_production()
    app = Flask("app")
    _configure(app, settings)
    _bind_extensions(app, settings)
    sessions.init_app(app, timedelta(days=settings.session_days))
    error_pages.init_app(app)
    assets.init_app(app)
    mail.init_app(app, settings)
    for_mail = [mail_links] if settings.mail_url else []
    for blueprint in (auth, passkeys, recovery, *for_mail, account_settings, admin, face, health.bp):
        app.register_blueprint(blueprint)
    chat.init_app(app, settings)
    cli.init_app(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.sqlalchemy_url),
        **_rate_limit_storage(settings),
        RATELIMIT_HEADERS_ENABLED=False,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
    )
    app.jinja_env.globals.update(
        theme=_theme, registration=settings.registration, describe=describe, methods=METHODS, warnings=WARNINGS
    )
    accept_home_networks()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if settings.key_weakness:
        app.logger.warning("%s: fine for a try on your own machine, refused in production.", settings.key_weakness)


def _rate_limit_storage(settings: Settings) -> dict[str, object]:
    """Count over all processes where there is a server for it, and in this process while it is away."""
    if not settings.redis_url:
        return {"RATELIMIT_STORAGE_URI": "memory://"}
    return {
        "RATELIMIT_STORAGE_URI": re.sub("^unix", "redis+unix", settings.redis_url),
        "RATELIMIT_STORAGE_OPTIONS": {
            **valkey.options(),
            "key_prefix": f"{valkey.prefix_of(settings.secret_key)}limits",
        },
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    }


def _bind_extensions(app: Flask, settings: Settings) -> None:
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    if settings.sqlalchemy_url.startswith("sqlite:///"):
        Path(settings.sqlalchemy_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    # The order of the checks: where from, how often, who, and whether the person meant it. So a question counts even when nobody is
    # signed in or the CSRF token is wrong, but not when another site's page sent it: that could use up the visitor's questions.
    request_body.init_app(app)
    security.init_app(app, settings)
    limiter.init_app(app)
    access.init_app(app)
    csrf.init_app(app)


def _theme() -> str:
    chosen = request.cookies.get("theme", "system")
    return chosen if chosen in ("light", "dark") else "system"

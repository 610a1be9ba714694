"""The chat, wired: providers by the settings, one engine, its blueprints."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.chat import api, conversations_api, diagram_routes, preferences_routes, probe_routes, routes, search_api  # noqa: F401  # some add views to api's
from app.chat.answers.admission import Admission
from app.chat.answers.bus import Bus, NoBus
from app.chat.answers.engine import AnswerEngine
from app.chat.answers.store import AnswerStore
from app.chat.asking import Chat
from app.chat.directory import ModelDirectory
from app.chat.providers.configured import make_providers
from app.chat.searching import Searcher
from app.chat.titles import Titler
from app.config import Settings
from app.sessions import sessions_ended
from app.valkey import prefix_of


def init_app(app: Flask, settings: Settings) -> None:
    """Make the engine of this application; it starts with the first request that needs it."""
    engine = AnswerEngine(AnswerStore(settings.sqlalchemy_url), *_queue_and_bus(settings))
    directory = ModelDirectory(make_providers(settings), settings.ollama_model)
    app.extensions["chat"] = Chat(engine, directory, settings.context_length, settings.system_prompt)

    app.extensions["search"] = Searcher(settings.sqlalchemy_url)
    engine.attendants.append(app.extensions["search"])
    if settings.auto_title:
        engine.attendants.append(Titler(engine.store))

    def close_streams(_sender: Any, session_ids: set[Any]) -> None:
        engine.end_sessions(session_ids)

    # Weak: the receiver lives as long as its application, and a test's application takes it along when it goes.
    app.extensions["chat_session_end"] = close_streams
    sessions_ended.connect(close_streams)
    app.register_blueprint(routes.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(diagram_routes.bp)
    app.register_blueprint(probe_routes.bp)
    app.register_blueprint(preferences_routes.bp)


def _queue_and_bus(settings: Settings) -> tuple[Admission, Bus]:
    limits = settings.max_answers, settings.max_streams_per_user
    if not settings.redis_url:
        return Admission(*limits), NoBus()
    from app.chat.answers.shared_admission import SharedAdmission  # noqa: PLC0415  # their library is an extra
    from app.chat.answers.valkey_bus import ValkeyBus  # noqa: PLC0415

    server = settings.redis_url, prefix_of(settings.secret_key)
    return SharedAdmission(*limits, *server), ValkeyBus(*server)

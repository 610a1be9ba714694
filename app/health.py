"""Liveness and readiness, for whatever watches the process."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import valkey
from app.access import public
from app.errors import Unavailable
from app.extensions import db, get_settings

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Answer as long as the process runs; no I/O."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Answer 200 when the database answers, else 503; it works without the server of REDIS_URL, but says so."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise Unavailable("The database does not answer.", retry_after=5) from error
    url = get_settings().redis_url
    if not url:
        return jsonify(status="ok", database="ok")
    return jsonify(status="ok", database="ok", redis="ok" if valkey.is_reachable(url) else "away")

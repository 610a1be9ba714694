"""Face recognition: so far only whether it is there. Enrolment and verification will be further routes of this blueprint."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from app.access import public
from app.face.engine.base import FaceEngine
from app.face.engine.null import NullEngine

bp = Blueprint("face", __name__, url_prefix="/face")


@bp.record_once
def _choose_engine(state: BlueprintSetupState) -> None:
    engine: FaceEngine = NullEngine()
    state.app.extensions["face_engine"] = engine


@bp.get("/status")
@public
def status() -> ResponseReturnValue:
    """Say whether faces can be used to sign in."""
    return jsonify(implemented=current_app.extensions["face_engine"].is_ready)

"""The page that draws diagrams, for a frame with `sandbox="allow-scripts"` alone.

It is the same for everybody and holds nothing of anybody: a diagram's source comes in by `postMessage`, its picture goes
out the same way.
"""

from __future__ import annotations

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from app.access import public
from app.security import DIAGRAM_POLICY

bp = Blueprint("diagram", __name__)


@bp.get("/diagram")
@public
def diagram() -> ResponseReturnValue:
    """Show the empty page with its script; its policy is weaker than that of all others, and its origin opaque."""
    response = make_response(render_template("chat/diagram.html"))
    response.headers["Content-Security-Policy"] = DIAGRAM_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response

"""The built front end: `asset_url()` for the templates, and its files, served compressed and cached for ever.

Their names carry a hash of what is in them, so a browser never has to ask again.
"""

from __future__ import annotations

import json
import mimetypes
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, send_from_directory, url_for

from app.access import public

DIST = "static/dist"
HOW_TO_BUILD = "The front end is not built. Build it with: cd frontend && npm ci --ignore-scripts && npm run build"
YEAR_SECONDS = 31_536_000
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
FOR_OPAQUE_ORIGINS = "diagram-page.js"

bp = Blueprint("assets", __name__)


class FrontEndMissingError(RuntimeError):
    """The front end was not built; its text says how to."""


def init_app(app: Flask) -> None:
    """Offer the built files, and their addresses to every template."""
    app.register_blueprint(bp)
    app.jinja_env.globals["asset_url"] = asset_url


def asset_url(name: str) -> str:
    """Give the address of a built file by its plain name, like "main.js"; raises FrontEndMissingError."""
    try:
        return url_for("assets.dist", name=_manifest()[name])
    except KeyError:
        raise FrontEndMissingError(f"{name} is not among the built files. {HOW_TO_BUILD}") from None


def _manifest() -> dict[str, str]:
    """Give the plain names with their hashed ones: read once, in debug mode every time."""
    known: dict[str, str] | None = current_app.extensions.get("assets")
    if known is None or current_app.debug:
        path = Path(current_app.root_path, DIST, "manifest.json")
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FrontEndMissingError(HOW_TO_BUILD) from None
        current_app.extensions["assets"] = known
    return known


@bp.get("/static/dist/<path:name>")
@public
def dist(name: str) -> Response:
    """Serve a built file in the smallest form that the browser takes."""
    folder = Path(current_app.root_path, DIST)
    encoding, suffix = _best_encoding(folder, name)
    mimetype = mimetypes.guess_type(name)[0] or "text/plain"
    response = send_from_directory(folder, name + suffix, mimetype=mimetype, max_age=YEAR_SECONDS)
    if encoding:
        response.content_encoding = encoding
    response.vary.add("Accept-Encoding")
    if name == _manifest().get(FOR_OPAQUE_ORIGINS):  # a sandboxed frame is nobody's "same origin"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _best_encoding(folder: Path, name: str) -> tuple[str, str]:
    for encoding, suffix in ENCODINGS:
        # An accepted name alone says nothing of where it leads: send_from_directory refuses what leaves the folder.
        with suppress(OSError):  # a name longer than the file system knows
            if request.accept_encodings[encoding] > 0 and (folder / (name + suffix)).is_file():
                return encoding, suffix
    return "", ""

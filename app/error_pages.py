"""Answers to errors: JSON for an API call, a page for a person. One of the three borders that may catch everything."""

from __future__ import annotations

import math
import time
from urllib.parse import urlsplit

from flask import Flask, current_app, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.errors import (
    AppError,
    Conflict,
    MalformedRequest,
    NotAllowed,
    NotFound,
    NotSignedIn,
    PasskeyNeeded,
    ProofNeeded,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from app.extensions import db, login_manager
from app.rate_limit import limiter

TITLES = {
    400: "That did not work",
    401: "Please sign in",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not possible here",
    408: "Too slow",
    409: "Not possible now",
    413: "Too large",
    429: "One moment",
    500: "Something went wrong",
    503: "Not available right now",
}
PROGRAM_PATHS = ("/api/", "/healthz", "/readyz")
HTTP_ERRORS: dict[int, type[AppError]] = {
    400: MalformedRequest,
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    413: TooLarge,
    415: UnsupportedMediaType,
    429: TooManyRequests,
    503: Unavailable,
}


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(AppError, answer_error)
    app.register_error_handler(CSRFError, _answer_csrf)
    app.register_error_handler(RateLimitExceeded, _answer_limit)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(OperationalError, _answer_database)
    app.register_error_handler(PoolTimeoutError, _answer_database)
    app.register_error_handler(IntegrityError, _answer_gone)
    app.register_error_handler(ObjectDeletedError, _answer_gone)
    app.register_error_handler(StaleDataError, _answer_gone)
    app.register_error_handler(Exception, _answer_bug)


def wants_json() -> bool:
    """Whether the caller is a program: by path, by what it sent, or by what it prefers."""
    if request.path.startswith(PROGRAM_PATHS) or request.is_json:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def answer_error(error: AppError) -> ResponseReturnValue:
    """Answer with the error's status, as JSON or as a page."""
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if wants_json():
        return jsonify({"error": error.sentence, "code": error.code, **error.details}), error.status, headers
    if isinstance(error, NotSignedIn):
        next_path = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("auth.login", next=next_path if next_path != "/" else None))
    if isinstance(error, ProofNeeded):
        return _ask_for_proof()
    if isinstance(error, PasskeyNeeded):
        return redirect(url_for("passkeys.required"))
    return _page(error), error.status, headers


def _ask_for_proof() -> ResponseReturnValue:
    """Lead to where the person proves who they are, and then back: what was posted can't be repeated, so to its page."""
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("auth.confirm", next=request.full_path.rstrip("?")))
    flash("Confirm that it is you; then do it once more.", "info")
    return redirect(url_for("auth.confirm", next=_page_before()), code=303)


def _page_before() -> str | None:
    """Give the path of the page that a form stood on, where it was one of ours."""
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:
        return None
    if f"{page.scheme}://{page.netloc}" != f"{request.scheme}://{request.host}":
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


def _page(error: AppError) -> str:
    """Give the page of an error; a line of text where no page can be made, as when the front end is not built."""
    title = TITLES.get(error.status) or TITLES[400 if error.status < 500 else 500]
    wait = _say_wait(error.retry_after) if error.status == 429 and error.retry_after else ""
    try:
        return render_template("errors/error.html", status=error.status, title=title, message=error.sentence, wait=wait)
    except Exception:
        current_app.logger.exception("The page of an error can't be made")
        return error.sentence


def _say_wait(seconds: int) -> str:
    """Say how long to wait, rounded up: who waits that long is let in."""
    if seconds >= 120:
        return f"The next try is possible in {math.ceil(seconds / 60)} minutes."
    return f"The next try is possible in {seconds} second{'' if seconds == 1 else 's'}."


def _answer_csrf(error: CSRFError) -> ResponseReturnValue:
    answer = NotAllowed(
        "This page is out of date, or the request came from another site. Reload the page and try again."
    )
    answer.code = "csrf"
    return answer_error(answer)


def _answer_limit(error: RateLimitExceeded) -> ResponseReturnValue:
    limit = limiter.current_limit
    seconds = max(1, math.ceil(limit.reset_at - time.time())) if limit else 60
    return answer_error(TooManyRequests("You are sending messages faster than allowed here.", retry_after=seconds))


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    """Give Werkzeug's own errors our form; what has its own response (a redirect of the router) passes."""
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    answer = HTTP_ERRORS.get(status, AppError)()
    if status not in HTTP_ERRORS:
        answer.status, answer.code = status, error.name.lower().replace(" ", "_")
        answer.sentence = error.description or error.name
    response = make_response(answer_error(answer))
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _answer_database(error: OperationalError | PoolTimeoutError) -> ResponseReturnValue:
    """Answer that the database can't be asked: it is away, or was busy for too long."""
    current_app.logger.error("%s failed: %s", request.endpoint, error)
    _forget_user()
    return answer_error(Unavailable("The database does not answer. Please try again in a moment.", retry_after=5))


def _answer_gone(error: IntegrityError | ObjectDeletedError | StaleDataError) -> ResponseReturnValue:
    """Answer that somebody else deleted what this request worked on; logged, because a bug could look like it."""
    current_app.logger.warning("%s met a change at the same moment: %s", request.endpoint, error)
    _forget_user()
    return answer_error(Conflict("This was changed somewhere else at the same moment. Reload the page."))


def _answer_bug(error: Exception) -> ResponseReturnValue:
    """Answer a bug: log it whole, tell the caller nothing of it."""
    current_app.logger.exception("%s failed", request.endpoint, exc_info=error)
    _forget_user()
    return answer_error(AppError())


def _forget_user() -> None:
    """Make the page as for nobody: who asks stands in the database, which may be what failed."""
    db.session.rollback()
    g._login_user = login_manager.anonymous_user()  # where Flask-Login keeps it for the request

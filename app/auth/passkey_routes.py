"""Passkeys over HTTP: the ceremonies as JSON, because only a script can hold one, and the rest as plain forms."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from msgspec import Struct
from werkzeug.wrappers import Response as WerkzeugResponse

from app import invitations
from app.access import fresh_proof_required, open_without_passkey, public
from app.auth import passkey_list, passkeys
from app.auth.known_devices import client_of_anybody, mark_device
from app.auth.passkey_bodies import AddOptionsBody, NewPasskeyBody, SignInBody, SignUpOptionsBody, decode
from app.auth.passkey_checks import Site
from app.auth.passkey_providers import find_icon
from app.auth.routes import INVITATION, OFFER, UPGRADE, next_path, start_session
from app.errors import AppError, Conflict, InvalidField, NotFound, TooLarge, UnsupportedMediaType
from app.extensions import get_settings
from app.models.passkey import has_usable_passkey, requires_passkey
from app.models.user import User
from app.tokens import hash_token, new_token

B = TypeVar("B", bound=Struct)
bp = Blueprint("passkeys", __name__)
BROWSER_COOKIE = "ceremony"
COOKIE_PATH = "/auth/passkeys"
MAX_BODY_BYTES = 32 * 1024
DAY_SECONDS = 86_400


@bp.get("/auth/register/passkey")
@public
def sign_up_page() -> ResponseReturnValue:
    """Show the form of an account without a password."""
    if current_user.is_authenticated:
        return redirect(next_path())
    _invitation()
    return render_template("auth/register_passkey.html", next_url=next_path())


@bp.post("/auth/passkeys/sign-up/options")
@public
def sign_up_options() -> ResponseReturnValue:
    """Begin the sign-up with an address and a passkey."""
    _invitation()
    body = _read(SignUpOptionsBody)
    return _begin(lambda ceremony: passkeys.begin_sign_up(body.email, ceremony))


@bp.post("/auth/passkeys/sign-up")
@public
def sign_up() -> ResponseReturnValue:
    """Create the account and sign it in."""
    invitation = _invitation()
    body = _read(NewPasskeyBody)
    user = passkeys.sign_up(body, _ceremony(), invitation)
    return _welcome(user, remember=body.remember, is_new_account=True)


@bp.post("/auth/passkeys/sign-in/options")
@public
def sign_in_options() -> ResponseReturnValue:
    """Begin a sign-in."""
    return _begin(passkeys.begin_sign_in)


@bp.post("/auth/passkeys/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """Sign in who the passkey belongs to."""
    body = _read(SignInBody)
    return _welcome(passkeys.sign_in(body.credential, _ceremony()), remember=body.remember)


@bp.post("/auth/passkeys/confirm/options")
@open_without_passkey
def confirm_options() -> ResponseReturnValue:
    """Begin to prove once more who is there."""
    return _begin(lambda ceremony: passkeys.begin_confirm(_user(), ceremony))


@bp.post("/auth/passkeys/confirm")
@open_without_passkey
def confirm() -> ResponseReturnValue:
    """Note the proof, and say where to go on."""
    passkeys.confirm(_user(), _read(SignInBody).credential, _ceremony())
    return jsonify(next=next_path())


@bp.post("/auth/passkeys/add/options")
@fresh_proof_required
@open_without_passkey
def add_options() -> ResponseReturnValue:
    """Begin to add a passkey to the account."""
    is_silent = _read(AddOptionsBody).silent
    return _begin(lambda ceremony: passkeys.begin_add(_user(), ceremony, is_silent=is_silent))


@bp.post("/auth/passkeys/add")
@fresh_proof_required
@open_without_passkey
def add() -> ResponseReturnValue:
    """Add the passkey."""
    body = _read(NewPasskeyBody)
    passkey = passkeys.add(_user(), body, _ceremony())
    session.pop(OFFER, None)
    if not body.silent:
        flash(f"“{passkey.name}” is added. You can sign in with it from now on.", "success")
    return jsonify(id=passkey.id, name=passkey.name), 201


@bp.get("/auth/passkeys/required")
@open_without_passkey
def required() -> ResponseReturnValue:
    """Lead somebody to the passkey that this installation asks for."""
    if not requires_passkey(current_user) or has_usable_passkey(current_user.id, get_settings().public_host):
        return redirect(url_for("chat.home"))
    return render_template("auth/passkey_required.html")


@bp.get("/auth/passkeys/icons/<aaguid>")
@public
def icon(aaguid: str) -> ResponseReturnValue:
    """Give the picture of a passkey's provider; the same for everybody."""
    found = find_icon(aaguid)
    if found is None:
        raise NotFound
    response = Response(found[0], mimetype=found[1])
    response.cache_control.public = True
    response.cache_control.max_age = DAY_SECONDS
    return response


@bp.post("/settings/passkeys/<uuid:passkey_id>/rename")
def rename(passkey_id: UUID) -> ResponseReturnValue:
    """Call a passkey otherwise."""
    try:
        passkey_list.rename_passkey(_user(), passkey_id, request.form.get("name", ""))
    except InvalidField as error:
        return _back(error)
    flash("The passkey has another name now.", "success")
    return _back()


@bp.post("/settings/passkeys/<uuid:passkey_id>/remove")
@fresh_proof_required
def remove(passkey_id: UUID) -> ResponseReturnValue:
    """Delete a passkey."""
    user = _user()
    rp_id = get_settings().public_host
    try:
        name = passkey_list.remove_passkey(user, passkey_id, rp_id, is_required=requires_passkey(user))
    except Conflict as error:
        return _back(error)
    flash(f"“{name}” no longer opens your account.", "success")
    return _back()


@bp.post("/settings/password/remove")
@fresh_proof_required
def remove_password() -> ResponseReturnValue:
    """Live without a password from now on."""
    try:
        passkey_list.remove_password(_user(), get_settings().public_host)
    except Conflict as error:
        return _back(error)
    flash("Your password is gone. You sign in with a passkey from now on.", "success")
    response = _back()
    mark_device(response, _user())
    return response


@bp.post("/settings/passkeys/not-now")
def not_now() -> ResponseReturnValue:
    """Offer no passkey for a month."""
    passkey_list.postpone_offer(_user())
    session.pop(OFFER, None)
    return redirect(next_path(), code=303)


@bp.app_template_global()
def passkey_offer() -> dict[str, bool] | None:
    """Say to a page whether to offer a passkey, and, once, whether to try to make one silently."""
    if not session.get(OFFER) or get_settings().passkey_obstacle:
        return None
    return {"silent": bool(session.pop(UPGRADE, False))}


@bp.app_template_global()
def passkey_site() -> dict[str, str]:
    """Say to a page where passkeys work: our host, our origin, and what stands in the way, if anything."""
    settings = get_settings()
    return {
        "rp_id": settings.public_host,
        "origin": settings.public_origin,
        "obstacle": settings.passkey_obstacle or "",
    }


def _user() -> User:
    user: User = current_user._get_current_object()
    return user


def _invitation() -> str:
    """Give the invitation that this browser opened, or ''; raises NotAllowed where an account can't be made with it."""
    token: str = session.get(INVITATION, "")
    invitations.check(token)
    return token


def _read(kind: type[B]) -> B:
    if not request.is_json:
        raise UnsupportedMediaType
    body = request.get_data()
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    return decode(body, kind)


def _begin(options_for: passkeys.Begins) -> Response:
    """Answer with options, and give the browser the cookie that binds their challenge to it.

    A cookie that is there stays: another tab may be in the middle of a ceremony.
    """
    token = request.cookies.get(BROWSER_COOKIE, "")
    token = token if len(token) == len(new_token()) else new_token()
    response = jsonify(options_for(_ceremony(token)))
    secure = current_app.session_interface.get_cookie_secure(current_app)
    response.set_cookie(BROWSER_COOKIE, token, path=COOKIE_PATH, httponly=True, samesite="Strict", secure=secure)
    return response


def _ceremony(token: str = "") -> passkeys.Ceremony:
    settings = get_settings()
    browser_hash = hash_token(token or request.cookies.get(BROWSER_COOKIE, ""))
    return passkeys.Ceremony(Site(settings.public_host, settings.public_origin), browser_hash, client_of_anybody())


def _welcome(user: User, *, remember: bool, is_new_account: bool = False) -> Response:
    start_session(user, method="passkey", remember=remember, is_new_account=is_new_account)
    response = jsonify(next=next_path())
    mark_device(response, user)
    return response


def _back(error: AppError | None = None) -> WerkzeugResponse:
    if error:
        flash(error.sentence, "error")
    return redirect(url_for("settings.security"), code=303)

"""The doors: registration, sign-in, sign-out, one-time links."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from app import invitations, mail, sessions
from app.access import open_without_passkey, public
from app.auth import actions, browsers, known_devices
from app.auth.forms import ConfirmForm, LoginForm, ProveForm, RegisterForm
from app.auth.passkey_list import wants_offer
from app.errors import Conflict, InvalidField
from app.links import LIFETIME_MINUTES
from app.models.passkey import list_passkeys, must_prove_by_passkey
from app.models.user import User

bp = Blueprint("auth", __name__, url_prefix="/auth")
# In the session: to offer a passkey, and to try to make one silently.
OFFER, UPGRADE = "passkey_offer", "passkey_upgrade"
INVITATION = "invitation"  # what the cookie calls the token of an invitation that this browser opened


@bp.route("/register", methods=["GET", "POST"])
@public
def register() -> ResponseReturnValue:
    """Create an account and sign it in."""
    if current_user.is_authenticated:
        return redirect(next_path())
    invitation = session.get(INVITATION, "")
    invitations.check(invitation)
    form = RegisterForm()
    if not form.validate_on_submit():
        return render_template("auth/register.html", form=form, next_url=next_path()), _status(form)
    try:
        email = form.email.data or ""
        user = actions.register(email, form.password.data or "", known_devices.client_of(email), invitation)
    except Conflict as error:
        form.email.errors = [error.sentence]
        return render_template("auth/register.html", form=form, next_url=next_path()), error.status
    return welcome(user, method="password", remember=form.remember.data, is_new_account=True)


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> ResponseReturnValue:
    """Sign in by e-mail and password."""
    if current_user.is_authenticated:
        return redirect(next_path())
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("auth/login.html", form=form, next_url=next_path()), _status(form)
    email = form.email.data or ""
    try:
        user = actions.authenticate(email, form.password.data or "", known_devices.client_of(email))
    except InvalidField as error:
        form.password.errors = [error.sentence]
        return render_template("auth/login.html", form=form, next_url=next_path()), 401
    return welcome(user, method="password", remember=form.remember.data)


@bp.get("/invitation/<token>")
@public
def accept_invitation(token: str) -> ResponseReturnValue:
    """Keep an invitation in this browser and lead to registration; only registering uses it up."""
    if current_user.is_authenticated:
        return redirect(url_for("chat.home"))
    invitations.check(token)
    if invitations.are_needed():  # and so it was found: whatever else stands in the path would only fill the cookie
        session[INVITATION] = token
    return redirect(url_for("auth.register"))


@bp.route("/confirm", methods=["GET", "POST"])
@open_without_passkey
def confirm() -> ResponseReturnValue:
    """Let who is signed in prove once more that it is them, before what matters most."""
    user = current_user._get_current_object()
    form = ProveForm()
    passkeys = list_passkeys(user.id)
    takes_password = user.password_hash is not None and not must_prove_by_passkey(user)
    if takes_password and form.validate_on_submit():
        try:
            actions.confirm_password(user, sessions.get_current_session_id(), form.password.data or "")
        except InvalidField as error:
            form.password.errors = [error.sentence]
        else:
            return redirect(next_path(), code=303)
    shown = {"passkeys": passkeys, "takes_password": takes_password, "next_url": next_path()}
    return render_template("auth/confirm.html", form=form, **shown), _status(form)


@bp.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """End this browser's session; also answers to somebody whose session has ended already."""
    if current_user.is_authenticated:
        sessions.sign_out()
    return redirect(url_for("auth.login"), code=303)


@bp.get("/forgot")
@public
def forgot() -> ResponseReturnValue:
    """Say what to do without the password: which ways in there are, with mail and without."""
    return render_template("auth/forgot.html")


@bp.route("/link/<token>", methods=["GET", "POST"])
@public
def use_link(token: str) -> ResponseReturnValue:
    """Show a one-time link's button; only pressing it consumes the link, because mail scanners follow links."""
    form = ConfirmForm()
    link = actions.look_up_link(token, "link", known_devices.client_of_anybody())
    if form.validate_on_submit():
        answer = welcome(actions.use_link(link), method="link", target=url_for("settings.security"))
        flash("You are signed in. Add a passkey, or set a new password if you need one.", "info")
        return answer
    return render_template("auth/use_link.html", form=form, email=link.user.email, expires_minutes=LIFETIME_MINUTES)


def _status(form: LoginForm | ProveForm | RegisterForm) -> int:
    return 422 if form.is_submitted() else 200


def welcome(
    user: User, *, method: str, remember: bool = False, is_new_account: bool = False, target: str = ""
) -> WerkzeugResponse:
    """Sign this browser in, as `start_session` does, and lead it to `target`, or on."""
    start_session(user, method=method, remember=remember, is_new_account=is_new_account)
    response = redirect(target or next_path(), code=303)
    known_devices.mark_device(response, user)
    return response


def start_session(user: User, *, method: str, remember: bool = False, is_new_account: bool = False) -> None:
    """Sign this browser in; tells the person by mail when it is a new one, and has a passkey offered after a password."""
    is_known = is_new_account or known_devices.find_mark(user.email) is not None
    sessions.sign_in(user, method=method, remember=remember)
    if method == "password" and wants_offer(user):
        session[OFFER] = session[UPGRADE] = True
    if not is_known:
        mail.notify(user, "new_device", f"{browsers.describe(request.user_agent.string)}, from {request.remote_addr}")


def next_path() -> str:
    """Give the page to go on with: a path of our own, or the start page."""
    target = request.args.get("next", "")
    is_path = target.startswith("/") and not target.startswith("//")
    # Browsers read "\" as "/" and skip control characters: "/\site" and "/<tab>/site" lead to another site.
    is_plain = "\\" not in target and all(ord(character) > 32 for character in target)
    return target if is_path and is_plain else url_for("chat.home")

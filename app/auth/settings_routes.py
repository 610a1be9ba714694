"""The account's own settings."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import sessions
from app.access import check_freshly_proven, fresh_proof_required
from app.auth import actions
from app.auth.forms import DeleteForm, NewPasswordForm, ProfileForm
from app.auth.known_devices import mark_device
from app.auth.passkey_list import describe
from app.errors import InvalidField
from app.extensions import get_settings
from app.models.recovery_code import count_unused_recovery_codes

bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.get("")
def index() -> ResponseReturnValue:
    """Lead to the first page."""
    return redirect(url_for("settings.account"))


@bp.route("/account", methods=["GET", "POST"])
def account() -> ResponseReturnValue:
    """Show the account and change its name."""
    form = ProfileForm(obj=current_user)
    if form.validate_on_submit():
        actions.change_name(current_user, form.name.data or "")
        flash("Saved.", "success")
        return redirect(url_for("settings.account"), code=303)
    security = describe(
        current_user, get_settings().public_host
    )  # a new name or address is told to the password manager
    return render_template("settings/account.html", form=form, security=security), _status()


@bp.route("/security", methods=["GET", "POST"])
def security() -> ResponseReturnValue:
    """Show the ways in; set or change the password, which takes a fresh proof and no more: it is a way in like any other."""
    form = NewPasswordForm()
    if request.method == "POST":
        check_freshly_proven()
    if form.validate_on_submit():
        try:
            actions.set_password(current_user._get_current_object(), form.new_password.data or "")
        except InvalidField as error:
            form[error.field].errors = [error.sentence]
        else:
            flash("Your password is changed. All other browsers are signed out.", "success")
            response = redirect(url_for("settings.security"), code=303)
            mark_device(response, current_user)
            return response
    page = render_template(
        "settings/security.html",
        form=form,
        is_proven=sessions.is_freshly_proven(),
        security=describe(current_user, get_settings().public_host),
        codes_left=count_unused_recovery_codes(current_user.id),
    )
    return page, _status()


@bp.route("/account/delete", methods=["GET", "POST"])
@fresh_proof_required
def delete_account() -> ResponseReturnValue:
    """Delete the account and everything in it."""
    form = DeleteForm()
    if form.validate_on_submit():
        actions.delete_account(current_user._get_current_object())
        sessions.forget_browser()
        flash("Your account is deleted.", "info")
        return redirect(url_for("auth.login"), code=303)
    return render_template("settings/delete_account.html", form=form), _status()


def _status() -> int:
    return 422 if request.method == "POST" else 200

"""Recovery codes: making them, and signing in with one."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import fresh_proof_required, public
from app.auth import recovery
from app.auth.known_devices import client_of
from app.auth.recovery_forms import MakeCodesForm, RecoveryForm
from app.auth.routes import welcome
from app.errors import InvalidField
from app.extensions import get_settings
from app.models.recovery_code import count_unused_recovery_codes

bp = Blueprint("recovery", __name__)


@bp.route("/auth/recovery", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in with an e-mail address and a recovery code."""
    if current_user.is_authenticated and request.method == "GET":
        return redirect(url_for("settings.security"))
    form = RecoveryForm()
    if not form.validate_on_submit():
        return render_template("auth/recovery.html", form=form), 422 if form.is_submitted() else 200
    try:
        email = form.email.data or ""
        user, left = recovery.sign_in_with_code(email, form.code.data or "", client_of(email))
    except InvalidField as error:
        form.code.errors = [error.sentence]
        return render_template("auth/recovery.html", form=form), 401
    answer = welcome(user, method="recovery", target=url_for("settings.security"))
    flash(_say_left(left), "info")
    return answer


@bp.route("/settings/recovery-codes", methods=["GET", "POST"])
@fresh_proof_required
def codes() -> ResponseReturnValue:
    """Say how many codes are left; make new ones and show them, once."""
    form = MakeCodesForm()
    if not form.validate_on_submit():
        left = count_unused_recovery_codes(current_user.id)
        return render_template("settings/recovery_codes.html", form=form, left=left)
    made = recovery.make_codes(current_user._get_current_object())
    return render_template("settings/new_recovery_codes.html", codes=made, file=_file(made))


def _say_left(left: int) -> str:
    if left == 0:
        return "You are signed in. That was your last recovery code: make new ones below."
    return f"You are signed in. {left} recovery {'code is' if left == 1 else 'codes are'} left."


def _file(codes: list[str]) -> str:
    """Give the codes as the address of a text file, which is downloaded without asking the server again."""
    text = "\n".join(
        [
            "Recovery codes of Password-less Chat",
            f"{get_settings().public_url}/auth/recovery",
            current_user.email,
            "",
            *codes,
            "",
            "Each works once.",
            "",
        ]
    )
    return f"data:text/plain;charset=utf-8,{quote(text)}"

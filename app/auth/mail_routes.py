"""Signing in, a new password and a new address by mail. Registered only where MAIL_URL is set: without it there are no such pages."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import Field

from app import sessions
from app.access import fresh_proof_required, public
from app.auth import mail_links
from app.auth.actions import look_up_link
from app.auth.forms import ConfirmForm
from app.auth.known_devices import client_of, client_of_anybody
from app.auth.mail_links import LIFETIME_MINUTES, Asked
from app.auth.recovery_forms import AskMailForm, CodeForm, ResetCodeForm, ResetForm
from app.auth.routes import welcome
from app.errors import Conflict, InvalidField
from app.models.email_token import EmailToken
from app.tokens import new_token

bp = Blueprint("mail", __name__)
CHANGED = "Your e-mail address is changed. All other browsers are signed out."


@bp.route("/auth/mail", methods=["GET", "POST"])
@public
def ask_sign_in() -> ResponseReturnValue:
    """Ask for a mail that signs in; the answer is the same whether or not the address has an account."""
    form = AskMailForm()
    if not form.validate_on_submit():
        return render_template("auth/ask_mail.html", form=form), _status()
    asked = _remember("mail", form.email.data or "")
    mail_links.ask(asked, client_of(asked.email))
    return redirect(url_for("mail.sign_in_code"), code=303)


@bp.route("/auth/mail/code", methods=["GET", "POST"])
@public
def sign_in_code() -> ResponseReturnValue:
    """Sign in with the code of the mail."""
    asked = _asked("mail")
    if asked is None:
        return redirect(url_for("mail.ask_sign_in"))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            row = mail_links.check_code(asked, form.code.data or "", client_of(asked.email))
        except InvalidField as error:
            form.code.errors = [error.sentence]
        else:
            return _sign_in(row)
    return _code_page("auth/mail_code.html", form, asked), _status()


@bp.route("/auth/mail/<token>", methods=["GET", "POST"])
@public
def sign_in_link(token: str) -> ResponseReturnValue:
    """Show the button that signs in; only pressing it uses the link up."""
    row = look_up_link(token, "mail", client_of_anybody())
    if not _is_here(row):
        return _elsewhere(url_for("mail.ask_sign_in"))
    form = ConfirmForm()
    if form.validate_on_submit():
        return _sign_in(row)
    return render_template("auth/use_link.html", form=form, email=row.user.email, expires_minutes=LIFETIME_MINUTES)


@bp.route("/auth/reset", methods=["GET", "POST"])
@public
def ask_reset() -> ResponseReturnValue:
    """Ask for a mail that leads to a new password; the answer is the same whether or not the address has an account."""
    form = AskMailForm()
    if not form.validate_on_submit():
        return render_template("auth/ask_reset.html", form=form), _status()
    asked = _remember("reset", form.email.data or "")
    mail_links.ask(asked, client_of(asked.email))
    return redirect(url_for("mail.reset_code"), code=303)


@bp.route("/auth/reset/code", methods=["GET", "POST"])
@public
def reset_code() -> ResponseReturnValue:
    """Set a new password with the code of the mail."""
    asked = _asked("reset")
    if asked is None:
        return redirect(url_for("mail.ask_reset"))
    form = ResetCodeForm()
    if form.validate_on_submit():
        try:
            row = mail_links.check_code(asked, form.code.data or "", client_of(asked.email))
        except InvalidField as error:
            form.code.errors = [error.sentence]
        else:
            return _reset(row, form)
    return _code_page("auth/reset_code.html", form, asked), _status()


@bp.route("/auth/reset/<token>", methods=["GET", "POST"])
@public
def reset_link(token: str) -> ResponseReturnValue:
    """Set a new password with the link of the mail."""
    row = look_up_link(token, "reset", client_of_anybody())
    if not _is_here(row):
        return _elsewhere(url_for("mail.ask_reset"))
    form = ResetForm()
    if form.validate_on_submit():
        return _reset(row, form)
    return render_template("auth/reset.html", form=form, email=row.user.email), _status()


@bp.route("/settings/email", methods=["GET", "POST"])
@fresh_proof_required
def ask_email() -> ResponseReturnValue:
    """Ask for another address of the account, or to confirm the one that it has; a mail to it is the proof."""
    form = AskMailForm()
    if request.method == "GET" and current_user.email_confirmed_at is None:
        form.email.data = current_user.email
    if not form.validate_on_submit():
        return render_template("settings/email.html", form=form), _status()
    asked = _remember("email", form.email.data or "")
    mail_links.ask_new_email(current_user._get_current_object(), asked, client_of(asked.email))
    return redirect(url_for("mail.email_code"), code=303)


@bp.route("/settings/email/code", methods=["GET", "POST"])
@fresh_proof_required
def email_code() -> ResponseReturnValue:
    """Confirm the new address with the code of the mail."""
    asked = _asked("email")
    if asked is None:
        return redirect(url_for("mail.ask_email"))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            row = mail_links.check_code(asked, form.code.data or "", client_of(asked.email))
        except InvalidField as error:
            form.code.errors = [error.sentence]
        else:
            return _change_email(row)
    return _code_page("settings/email_code.html", form, asked), _status()


@bp.route("/settings/email/<token>", methods=["GET", "POST"])
@fresh_proof_required
def email_link(token: str) -> ResponseReturnValue:
    """Show the button that confirms the new address; only pressing it uses the link up."""
    row = look_up_link(token, "email", client_of_anybody())
    if not _is_here(row) or row.user_id != current_user.id:
        return _elsewhere(url_for("mail.ask_email"))
    form = ConfirmForm()
    if form.validate_on_submit():
        return _change_email(row)
    return render_template("settings/email_link.html", form=form, email=row.new_email)


def _sign_in(row: EmailToken) -> ResponseReturnValue:
    return welcome(mail_links.use_for_sign_in(row), method="mail")


def _reset(row: EmailToken, form: ResetForm) -> ResponseReturnValue:
    mail_links.use_for_password(row, form.new_password.data or "")
    sessions.sign_out()
    flash("Your password is changed, and all browsers are signed out. Sign in with the new one.", "success")
    return redirect(url_for("auth.login"), code=303)


def _change_email(row: EmailToken) -> ResponseReturnValue:
    try:
        is_changed = mail_links.use_for_email(current_user._get_current_object(), row)
    except Conflict as error:
        flash(error.sentence, "error")
    else:
        flash(CHANGED if is_changed else "Your e-mail address is confirmed.", "success")
    session.pop("asked-email", None)
    return redirect(url_for("settings.account"), code=303)


def _remember(purpose: str, email: str) -> Asked:
    """Keep in this browser what it asked for, with a secret; the same secret again, so that the first of two links works too."""
    before = _asked(purpose)
    browser = before.browser if before and before.email == email else new_token()
    session[f"asked-{purpose}"] = [email, browser]
    return Asked(purpose, email, browser)


def _asked(purpose: str) -> Asked | None:
    found = session.get(f"asked-{purpose}")
    return Asked(purpose, *found) if found else None


def _is_here(row: EmailToken) -> bool:
    asked = _asked(row.purpose)
    return asked is not None and mail_links.belongs_to(row, asked.browser)


def _elsewhere(again: str) -> ResponseReturnValue:
    """Say that the link belongs to another browser: a stranger may have asked, so that you press the button."""
    return render_template("auth/mail_elsewhere.html", again=again), 403


def _code_page(template: str, form: CodeForm | ResetCodeForm, asked: Asked) -> str:
    code: Field = form.code
    if code.errors:
        code.data = ""
    return render_template(template, form=form, email=asked.email, expires_minutes=LIFETIME_MINUTES)


def _status() -> int:
    return 422 if request.method == "POST" else 200

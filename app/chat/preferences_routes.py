"""The page of a person's own settings for the chat."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.chat import actions
from app.chat.forms import PreferencesForm
from app.chat.schemas import read_defaults

bp = Blueprint("preferences", __name__, url_prefix="/settings/chat")


@bp.route("", methods=["GET", "POST"])
def chat() -> ResponseReturnValue:
    """Show and change what holds for conversations without settings of their own."""
    user = current_user._get_current_object()
    form = PreferencesForm.of(read_defaults(user.chat_defaults))
    if form.validate_on_submit():
        actions.save_defaults(user, form.defaults())
        flash("Saved.", "success")
        return redirect(url_for("preferences.chat"), code=303)
    return render_template("settings/chat.html", form=form), 422 if request.method == "POST" else 200

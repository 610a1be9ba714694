"""The forms of the ways back in: recovery codes and mails."""

from __future__ import annotations

from wtforms import EmailField, StringField, SubmitField
from wtforms.validators import DataRequired, Length

from app.auth.forms import NewPasswordForm, TextForm, trimmed, valid_email


class RecoveryForm(TextForm):
    """Signing in with a recovery code."""

    email = EmailField("E-mail", validators=[DataRequired("Enter your e-mail address."), Length(max=320)])
    code = StringField("Recovery code", validators=[DataRequired("Enter one of your codes."), Length(max=100)])
    submit = SubmitField("Sign in")


class MakeCodesForm(TextForm):
    """The button that makes new codes."""

    submit = SubmitField("Make recovery codes")


class AskMailForm(TextForm):
    """Where a mail shall go to."""

    email = EmailField(
        "E-mail",
        filters=[trimmed],
        validators=[DataRequired("Enter your e-mail address."), valid_email],
    )
    submit = SubmitField("Send me a mail")


class CodeForm(TextForm):
    """The code of a mail that is read on another device."""

    code = StringField("Code", validators=[DataRequired("Enter the six digits of the mail."), Length(max=40)])
    submit = SubmitField("Continue")


class ResetForm(NewPasswordForm):
    """A new password, by a link."""

    submit = SubmitField("Set the new password")


class ResetCodeForm(ResetForm):
    """A new password, by a code."""

    code = StringField("Code", validators=[DataRequired("Enter the six digits of the mail."), Length(max=40)])

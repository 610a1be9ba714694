"""The forms of the account pages."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, PasswordField, StringField, SubmitField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from app.auth import passwords
from app.email_address import check_email
from app.errors import InvalidField
from app.models.user import EMAIL_LENGTH, normalize_email


def valid_email(_form: FlaskForm, field: EmailField) -> None:
    """Accept what can be an address, names of home networks (me@home.local, ada@localhost) included."""
    try:
        check_email(field.data or "", field.name)
    except InvalidField as error:
        raise ValidationError(error.sentence) from error
    if len(normalize_email(field.data or "")) > EMAIL_LENGTH:  # some characters become eighteen
        raise ValidationError("This address is too long.")


def acceptable_password(_form: FlaskForm, field: PasswordField) -> None:
    """Apply the rules of `app.auth.passwords`."""
    try:
        passwords.check_acceptable(field.data or "", field.name)
    except InvalidField as error:
        raise ValidationError(error.sentence) from error


def trimmed(text: str | None) -> str | None:
    """Take off the spaces that come along when an address is pasted."""
    return text.strip() if text else text


class TextForm(FlaskForm):
    """A form whose fields hold text and nothing else: Flask-WTF would also take uploaded files and the values of a JSON body."""

    class Meta(FlaskForm.Meta):
        """Where the values come from."""

        def wrap_formdata(self, _form: FlaskForm, _formdata: object) -> Any:
            """Give the fields of the sent form, or None when none was sent."""
            return request.form if request.method == "POST" else None


class RegisterForm(TextForm):
    """A new account."""

    email = EmailField(
        "E-mail",
        filters=[trimmed],
        validators=[DataRequired("Enter your e-mail address."), valid_email],
    )
    password = PasswordField("Password", validators=[InputRequired("Choose a password."), acceptable_password])
    remember = BooleanField("Stay signed in", default=True)
    submit = SubmitField("Create account")


class LoginForm(TextForm):
    """Signing in; says nothing of what a right password would look like."""

    email = EmailField("E-mail", validators=[DataRequired("Enter your e-mail address."), Length(max=320)])
    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])
    remember = BooleanField("Stay signed in")
    submit = SubmitField("Sign in")


class ConfirmForm(TextForm):
    """One button."""

    submit = SubmitField("Continue")


class ProveForm(TextForm):
    """The password, once more."""

    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])
    submit = SubmitField("Confirm")


class ProfileForm(TextForm):
    """How the person is called here."""

    name = StringField("Name", validators=[Length(max=100, message="Use at most 100 characters.")])
    submit = SubmitField("Save")


class NewPasswordForm(TextForm):
    """A first or a further password."""

    new_password = PasswordField("New password", validators=[InputRequired("Choose a password."), acceptable_password])
    submit = SubmitField("Change password")


class DeleteForm(TextForm):
    """Deleting the account."""

    confirm = BooleanField("Delete my account and all my conversations", validators=[DataRequired("Tick the box.")])
    submit = SubmitField("Delete account")

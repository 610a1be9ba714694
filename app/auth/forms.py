"""The forms of the account pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, PasswordField, StringField, SubmitField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from app.auth import passwords
from app.email_address import check_email
from app.errors import InvalidField


def valid_email(_form: FlaskForm, field: EmailField) -> None:
    """Accept what can be an address, names of home networks (me@home.local, ada@localhost) included."""
    try:
        check_email(field.data or "", field.name)
    except InvalidField as error:
        raise ValidationError(error.sentence) from error


def acceptable_password(_form: FlaskForm, field: PasswordField) -> None:
    """Apply the rules of `app.auth.passwords`."""
    try:
        passwords.check_acceptable(field.data or "", field.name)
    except InvalidField as error:
        raise ValidationError(error.sentence) from error


class RegisterForm(FlaskForm):
    """A new account."""

    email = EmailField("E-mail", validators=[DataRequired("Enter your e-mail address."), Length(max=254), valid_email])
    password = PasswordField("Password", validators=[InputRequired("Choose a password."), acceptable_password])
    submit = SubmitField("Create account")


class LoginForm(FlaskForm):
    """Signing in; says nothing of what a right password would look like."""

    email = EmailField("E-mail", validators=[DataRequired("Enter your e-mail address."), Length(max=320)])
    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])
    remember = BooleanField("Stay signed in")
    submit = SubmitField("Sign in")


class ConfirmForm(FlaskForm):
    """One button."""

    submit = SubmitField("Continue")


class ProfileForm(FlaskForm):
    """How the person is called here."""

    name = StringField("Name", validators=[Length(max=100, message="Use at most 100 characters.")])
    submit = SubmitField("Save")


class NewPasswordForm(FlaskForm):
    """A first or a further password, where the person has just proved themselves otherwise."""

    new_password = PasswordField("New password", validators=[InputRequired("Choose a password."), acceptable_password])
    submit = SubmitField("Change password")


class ChangePasswordForm(NewPasswordForm):
    """Another password."""

    current_password = PasswordField("Current password", validators=[InputRequired("Enter your current password.")])


class DeleteForm(FlaskForm):
    """Deleting an account that has no password."""

    confirm = BooleanField("Delete my account and all my conversations", validators=[InputRequired("Tick the box.")])
    submit = SubmitField("Delete account")


class DeleteWithPasswordForm(DeleteForm):
    """Deleting an account."""

    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])

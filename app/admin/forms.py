"""The forms of the administration."""

from __future__ import annotations

from flask_wtf import FlaskForm


class ActForm(FlaskForm):
    """A button: nothing but the CSRF token."""

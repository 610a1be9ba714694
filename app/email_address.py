"""What counts as an e-mail address here."""

from __future__ import annotations

import email_validator

from app.errors import InvalidField

# Reserved names that boxes at home really use: mDNS (RFC 6762), the machine itself, home.arpa (RFC 8375), and .test (RFC 2606).
MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
HOME_NETWORKS = {"local", "localhost", "arpa", "test"}


def accept_home_networks() -> None:
    """Take the names of home networks off the library's list of refused ones, as its documentation provides."""
    names = email_validator.SPECIAL_USE_DOMAIN_NAMES
    names[:] = [name for name in names if name not in HOME_NETWORKS]


def check_email(address: str, field: str = "email") -> None:
    """Raise InvalidField unless this can be an address. Nothing is looked up: the box may be offline."""
    if len(address) > MAX_LENGTH:  # before anything is normalised: that takes seconds for a long row of combining marks
        raise InvalidField(field, f"Use at most {MAX_LENGTH} characters.")
    try:
        email_validator.validate_email(address, check_deliverability=False, globally_deliverable=False)
    except email_validator.EmailNotValidError as error:
        raise InvalidField(field, "Enter an e-mail address, like ada@example.org.") from error

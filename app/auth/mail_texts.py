"""The words of the mails: subject and text."""

from __future__ import annotations

ELSEWHERE = """The link works in the browser in which you asked for it. Are you reading this on another device? Then type
this code there:"""
IGNORE = "If you did not ask for this, ignore it: nothing happens. Never tell the code to anybody."


def sign_in(link: str, code: str, minutes: int) -> tuple[str, str]:
    """Give the mail that signs in."""
    return "Your sign-in link", _with_link("Sign in with this link:", link, code, minutes)


def reset(link: str, code: str, minutes: int) -> tuple[str, str]:
    """Give the mail that leads to a new password."""
    lead = "Choose a new password with this link. All your browsers are signed out then; your passkeys stay."
    return "Choose a new password", _with_link(lead, link, code, minutes)


def new_email(link: str, code: str, minutes: int) -> tuple[str, str]:
    """Give the mail that confirms a new address, sent to that address."""
    lead = "Make this the address of your account with this link:"
    return "Confirm your new e-mail address", _with_link(lead, link, code, minutes)


def same_email(link: str, code: str, minutes: int) -> tuple[str, str]:
    """Give the mail that confirms the address that the account has."""
    lead = "Confirm with this link that this is the address of your account:"
    return "Confirm your e-mail address", _with_link(lead, link, code, minutes)


def unconfirmed(public_url: str) -> tuple[str, str]:
    """Give the mail to an address that is an account's and that nobody confirmed: anybody may have made that account."""
    text = f"""Somebody asked for a mail that opens the account with this address at {public_url}. There is such an account, but its
owner never confirmed the address, so this mail opens nothing.

If the account is yours: sign in with your password, a passkey or a recovery code, and confirm the address under Settings, Account.
Can't you? Ask the administrator for a sign-in link.

If it is not: somebody else made it with your address. Don't use it, and tell the administrator."""
    return "This address is not confirmed", text


def without_password(public_url: str) -> tuple[str, str]:
    """Give the mail to somebody who asked for a new password and has none to begin with."""
    text = f"""Somebody, probably you, asked for a new password. Your account has none, so there is nothing to forget.

Sign in with your passkey, or ask for a sign-in link: {public_url}/auth/mail"""
    return "Your account has no password", text


def _with_link(lead: str, link: str, code: str, minutes: int) -> str:
    spaced = f"{code[:3]} {code[3:]}"
    return f"{lead}\n\n{link}\n\n{ELSEWHERE}\n\n{spaced}\n\nBoth work once, within {minutes} minutes. {IGNORE}"

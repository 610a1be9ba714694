"""Proofs by mail: a link and six digits, for signing in, for a new password, and for a new e-mail address.

Both belong to the browser that asked for them: the link opens there, and the digits are typed there when the mail is read on another
device. Whether an address has an account is found out in the background, so neither the answer nor its time tells.

A mail opens an account only after its owner, signed in, confirmed the address. Anybody can make an account with an address that is not
theirs; who reads its mails shall not end up in that stranger's account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app import audit, mail, throttle
from app.auth import mail_texts, passwords
from app.auth.actions import TAKEN, USED, replace_password
from app.clock import utcnow
from app.errors import Conflict, InvalidField, NotFound, NotSignedIn
from app.extensions import db, get_settings
from app.models.email_token import (
    EmailToken,
    consume_email_token,
    delete_email_tokens,
    delete_expired_email_tokens,
    forget_codes,
    pay_code_tries,
)
from app.models.user import User, find_user, lock_unchanged, normalize_email
from app.sessions import end_sessions, keep_this_session_alone
from app.throttle import Client
from app.tokens import hash_token, new_token

LIFETIME = timedelta(minutes=10)  # NIST SP 800-63B-4, 3.1.3: at most ten
LIFETIME_MINUTES = int(LIFETIME.total_seconds() // 60)
CODE_DIGITS = 6
WRONG_CODE = "This code is not right, or it is too old. Ask for a new mail if the newest one does not help."


@dataclass(frozen=True)
class Asked:
    """What a browser asked for: "mail", "reset" or "email", for which address, and the secret that the browser keeps."""

    purpose: str
    email: str
    browser: str


def ask(asked: Asked, client: Client) -> None:
    """Have a mail sent that signs in or resets the password, if there is such an account; raises TooManyRequests."""
    throttle.pay(*throttle.charges_of_mail(client, _name(asked)))
    user = find_user(asked.email)
    audit.note(f"{asked.purpose}_link_asked", user, method="mail")
    db.session.commit()
    user_id = user.id if user else None
    mail.later(lambda: _write(asked, user_id), asked.email)


def ask_new_email(user: User, asked: Asked, client: Client) -> None:
    """Have a mail sent that makes `asked.email` the account's address, or confirms the one that it has; raises TooManyRequests."""
    throttle.pay((throttle.NEW_EMAIL_BY_ACCOUNT, str(user.id)))
    throttle.pay(*throttle.charges_of_mail(client, _name(asked)))
    audit.note("email_link_asked", user)
    db.session.commit()
    user_id = user.id
    mail.later(lambda: _write_new_email(asked, user_id), asked.email)


def belongs_to(row: EmailToken, browser: str) -> bool:
    """Tell whether this browser asked for the link."""
    return secrets.compare_digest(row.browser_hash, hash_token(browser))


def check_code(asked: Asked, code: str, client: Client) -> EmailToken:
    """Give the token whose six digits these are; raises InvalidField for every other case alike, TooManyRequests. Consumes a try."""
    charges = throttle.pay_for_proof("code", client, _name(asked))
    wanted = _hash_code(code, asked.browser)
    tried = pay_code_tries(hash_token(asked.browser), asked.purpose)
    found = next((row for row in tried if secrets.compare_digest(row.code_hash, wanted) and row.user.active), None)
    if found is None:
        # The same work for everybody: a note, without a name where there is no account. A new address is nobody's yet.
        audit.note("code_failed", find_user(asked.email) if asked.purpose != "email" else None, method="mail")
        db.session.commit()
        raise InvalidField("code", WRONG_CODE)
    throttle.refund(*charges)
    db.session.commit()
    return found


def use_for_sign_in(row: EmailToken) -> User:
    """Consume what signs in and give its account, when `sessions.sign_in` commits; raises NotFound when another one was faster."""
    _consume(row)
    return row.user


def use_for_password(row: EmailToken, password: str) -> None:
    """Consume what resets the password: ends every session and leaves passkeys alone.

    Raises InvalidField, and NotFound when another one was faster or the password was removed meanwhile: no mail makes a first one.
    """
    passwords.check_acceptable(password, "new_password")
    db.session.commit()  # hold no connection while hashing
    hashed = passwords.hash_password(password, row.user.email_normalized)
    _consume(row)
    user = row.user
    if user.password_hash is None:
        db.session.commit()
        raise NotFound(USED)
    replace_password(user, hashed)
    end_sessions(user.id)
    audit.note("password_changed", user, method="mail")
    db.session.commit()
    mail.notify(user, "password_changed")


def use_for_email(user: User, row: EmailToken) -> bool:
    """Consume what changes the account's address, or confirms the one that it has, and tell whether it has changed.

    After a change other browsers, and mails to the old address, are worth nothing. Raises NotFound for another account's, and Conflict
    when somebody took the address meanwhile.
    """
    if row.user_id != user.id:
        raise NotFound(USED)
    old, new, was_confirmed = user.email, row.new_email, user.email_confirmed_at is not None
    if not lock_unchanged(user):
        db.session.rollback()
        raise NotSignedIn
    _consume(row)
    user.email_confirmed_at = utcnow()
    if new == old:
        audit.note("email_confirmed", user)
        db.session.commit()
        return False
    _set_email(user, new)
    for address in (old, new) if was_confirmed else (new,):
        mail.notify(user, "email_changed", f"It was {old} and is {new} now.", to=address)
    return True


def _set_email(user: User, new: str) -> None:
    user.email, user.email_normalized = new, normalize_email(new)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(TAKEN) from error
    delete_email_tokens(user.id)
    keep_this_session_alone()
    audit.note("email_changed", user)
    db.session.commit()


def _name(asked: Asked) -> str:
    """Name what is asked for to the throttle: who signs in at an address is not in the way of whose new address it shall be."""
    return f"{'new ' if asked.purpose == 'email' else ''}{normalize_email(asked.email)}"


def _consume(row: EmailToken) -> None:
    # The account's row first, as where a password is changed: two who lock the same rows in another order wait for each other.
    if not lock_unchanged(row.user) or not consume_email_token(row):
        db.session.rollback()
        raise NotFound(USED)


def _write(asked: Asked, user_id: UUID | None) -> EmailMessage | None:
    """Write the mail, in the background; none where there is nobody to write to."""
    user = _lock(user_id) if user_id else None
    if user is None or not user.active:
        return None
    if user.email_confirmed_at is None:
        return mail.compose(user.email, *mail_texts.unconfirmed(get_settings().public_url))
    if asked.purpose == "reset" and user.password_hash is None:
        return mail.compose(user.email, *mail_texts.without_password(get_settings().public_url))
    link, code = _create(asked, user)
    write = mail_texts.reset if asked.purpose == "reset" else mail_texts.sign_in
    return mail.compose(user.email, *write(link, code, LIFETIME_MINUTES))


def _write_new_email(asked: Asked, user_id: UUID) -> EmailMessage | None:
    user, other = _lock(user_id), find_user(asked.email)
    if user is None or not user.active or (other is not None and other.id != user.id):
        return None
    write = mail_texts.same_email if asked.email == user.email else mail_texts.new_email
    link, code = _create(asked, user)
    return mail.compose(asked.email, *write(link, code, LIFETIME_MINUTES))


def _lock(user_id: UUID) -> User | None:
    """Give an account whose row stays locked until the commit: of two mails written at once, only the second one's code counts."""
    return db.session.get(User, user_id, with_for_update=True)


def _create(asked: Asked, user: User) -> tuple[str, str]:
    """Give a new link and its code, and commit; only hashes are stored. Older codes of that browser are worth nothing from then on."""
    delete_expired_email_tokens()
    forget_codes(hash_token(asked.browser), asked.purpose)
    token, code = new_token(), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    db.session.add(
        EmailToken(
            user_id=user.id,
            purpose=asked.purpose,
            token_hash=hash_token(token),
            browser_hash=hash_token(asked.browser),
            code_hash=_hash_code(code, asked.browser),
            new_email=asked.email if asked.purpose == "email" else "",
            expires_at=utcnow() + LIFETIME,
        )
    )
    db.session.commit()
    return f"{get_settings().public_url}{PATHS[asked.purpose]}/{token}", code


def _hash_code(code: str, browser: str) -> str:
    """Hash the digits together with the browser's secret: alone, they would be found in a stolen database in a second."""
    digits = "".join(character for character in code if character.isdecimal())
    return hash_token(f"{digits} {browser}")


PATHS = {"mail": "/auth/mail", "reset": "/auth/reset", "email": "/settings/email"}

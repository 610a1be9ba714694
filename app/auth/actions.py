"""What happens to accounts; each function is one transaction. They take plain arguments, so the command line calls them too."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app import audit, invitations, mail, throttle
from app.auth import passwords
from app.errors import Conflict, InvalidField, NotFound, NotSignedIn
from app.extensions import db
from app.models.email_token import EmailToken, consume_email_token, delete_email_tokens, find_email_token
from app.models.passkey import delete_passkeys, list_passkeys
from app.models.recovery_code import delete_recovery_codes
from app.models.user import User, find_user, lock_active_admins, lock_unchanged, normalize_email
from app.sessions import end_sessions, forget_proofs, keep_this_session_alone, note_proof
from app.throttle import Client

WRONG = "The e-mail address or the password is not right."
USED = "This link was used already, or it is too old. Ask for a new one."
TAKEN = "There is an account with this address already. Sign in instead."


def register(email: str, password: str, client: Client, invitation: str = "") -> User:
    """Create an account; raises Conflict when the address is taken, NotAllowed, TooManyRequests, InvalidField."""
    passwords.check_acceptable(password)
    throttle.pay((throttle.REGISTER_BY_ADDRESS, client.address), (throttle.REGISTER_OVERALL, ""))
    invitations.check(invitation)
    user = User.create(email, password_hash=passwords.hash_password(password))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise Conflict(TAKEN) from error
    invitations.use(invitation)
    audit.note("registered", user, method="password")
    db.session.commit()
    return user


def authenticate(email: str, password: str, client: Client) -> User:
    """Give the account that these prove; raises InvalidField for every other case alike, TooManyRequests before any hashing."""
    is_known, account = client.device is not None, normalize_email(email)
    passwords.check_room(account, is_known=is_known)
    charges, right = throttle.charges_of_proof("password", client, account), (throttle.SIGN_IN_BY_ACCOUNT, account)
    throttle.pay(*charges, right)
    user = find_user(email)
    db.session.commit()  # hold no connection while hashing
    stored = user.password_hash if user else None
    matches = passwords.verify_password(stored, password, account, is_known=is_known)
    if user is None or not matches or not user.active:
        throttle.refund(right)
        audit.note("sign_in_failed", user, method="password")  # where there is no account too: it takes its time
        db.session.commit()
        raise InvalidField("password", WRONG)
    throttle.refund(*charges)
    throttle.forget_stale()
    db.session.commit()
    return user


def confirm_password(user: User, session_id: UUID, password: str) -> None:
    """Note that the person in a signed-in browser proved once more who they are; raises InvalidField, TooManyRequests, NotSignedIn.

    The browser pays as a known device of its own: who stole another one's cookie can't use up its tries.
    """
    account = user.email_normalized
    charges, right = (
        throttle.charges_of_proof("password", Client("", f"session {session_id}")),
        (throttle.SIGN_IN_BY_ACCOUNT, account),
    )
    throttle.pay(*charges, right)
    if not passwords.verify_password(user.password_hash, password, account, is_known=True):
        throttle.refund(right)
        audit.note("proof_failed", user, method="password")
        db.session.commit()
        raise InvalidField("password", "This is not your password.")
    throttle.refund(*charges)
    note_proof()
    audit.note("confirmed", user, method="password")
    db.session.commit()


def look_up_link(token: str, purpose: str, client: Client) -> EmailToken:
    """Give a valid link and consume nothing; raises NotFound when it is unknown, used or too old, and TooManyRequests."""
    charges = throttle.pay_for_proof("link", client)
    link = find_email_token(token, purpose)
    if link is None:
        raise NotFound(USED)
    throttle.refund(*charges)
    db.session.commit()
    return link


def use_link(link: EmailToken) -> User:
    """Consume a one-time link and give its account; raises NotFound when another use was faster."""
    if not consume_email_token(link):
        db.session.rollback()
        raise NotFound(USED)
    audit.note("link_used", link.user, method="link")
    db.session.commit()
    return link.user


def change_name(user: User, name: str) -> None:
    """Set how the person is called."""
    user.name = " ".join(name.split())
    db.session.commit()


def set_password(user: User, password: str) -> None:
    """Give the account of who is signed in here a new password: other browsers are signed out, one-time links are worth nothing.

    Raises InvalidField, and NotSignedIn when the account has changed meanwhile.
    """
    passwords.check_acceptable(password, "new_password")
    account = user.email_normalized
    throttle.pay((throttle.SIGN_IN_BY_ACCOUNT, account))  # commits as well: no connection is held while hashing
    replace_password(user, passwords.hash_password(password, account, is_known=True))
    keep_this_session_alone()
    audit.note("password_changed", user)
    db.session.commit()
    mail.notify(user, "password_changed")


def replace_password(user: User, hashed: str) -> None:
    """Store a password that is hashed already and drop one-time links, when the caller commits; raises NotSignedIn."""
    if not lock_unchanged(user):  # of two changes at once the first one counts: the second one proved what is gone
        db.session.rollback()
        raise NotSignedIn
    user.password_hash = hashed
    delete_email_tokens(user.id)


def delete_account(user: User) -> None:
    """Delete the account with all it owns; raises NotSignedIn when it is gone already, and Conflict for the last administrator."""
    admins = lock_active_admins()  # before the account's own row: two who go at once would wait for each other
    if not lock_unchanged(user):
        db.session.rollback()
        raise NotSignedIn
    if admins == {user.id}:
        db.session.rollback()
        raise Conflict("You are the only administrator. Promote somebody else first.")
    end_sessions(user.id)
    audit.note("account_deleted", user)
    db.session.delete(user)
    db.session.commit()


def create_admin(email: str, password: str | None, *, takes_over: bool = False) -> User:
    """Promote the account of an address, or create it. A suspended one is opened; the password is for one that has none.

    `takes_over`: whoever made the account is not who it is for, and shall not get in again: its password, passkeys, recovery codes,
    links and sessions go. A new password alone would leave the rest.
    """
    hashed = passwords.hash_password(password, email) if password else None
    user = find_user(email)
    if user is None:
        user = User.create(email)
        db.session.add(user)
    if takes_over:
        _remove_ways_in(user)
    user.password_hash = user.password_hash or hashed
    was_suspended = user.active is False  # a new account has no value yet
    user.role, user.active = "admin", True
    db.session.flush()
    forget_proofs(user.id)
    if was_suspended:
        audit.note("restored", user)
    audit.note("promoted", user, detail="taken over" if takes_over else "")
    db.session.commit()
    return user


def _remove_ways_in(user: User) -> None:
    """Take away all that an account is signed in with, when the caller commits."""
    lock_unchanged(user)  # what is being added at this moment comes first, and goes with the rest
    if user.password_hash:
        user.password_hash = None
        audit.note("password_removed", user)
    for passkey in list_passkeys(user.id):
        audit.note("passkey_removed", user, detail=passkey.name)
    delete_passkeys(user.id)
    delete_recovery_codes(user.id)
    delete_email_tokens(user.id)
    end_sessions(user.id)

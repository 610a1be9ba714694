"""Recovery codes: ten, each for one sign-in when everything else is lost.

Sixteen characters of Crockford's base32 are 80 bits: nothing to guess, so a fast hash and no counting by account are right (NIST SP
800-63B-4, 3.1.2.2; OWASP ASVS 5.0, 6.5). The alphabet has no I, L, O and U, and what looks alike is taken for what is meant.
"""

from __future__ import annotations

import secrets
import unicodedata

from app import audit, mail, throttle
from app.database import new_id
from app.errors import InvalidField, NotSignedIn
from app.extensions import db
from app.models.recovery_code import RecoveryCode, count_unused_recovery_codes, delete_recovery_codes, use_recovery_code
from app.models.user import User, find_user, lock_unchanged
from app.throttle import Client
from app.tokens import hash_token

CODES = 10
CODE_LENGTH = 16
GROUP = 4
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKS_LIKE = str.maketrans("OIL", "011")
WRONG = "The e-mail address or the code is not right."


def make_codes(user: User) -> list[str]:
    """Give ten new codes, which replace all older ones; only hashes are stored. Raises NotSignedIn when the account has changed."""
    codes = [_new_code() for _ in range(CODES)]
    if not lock_unchanged(user):  # two who make codes at once: the last one's count, and no others
        db.session.rollback()
        raise NotSignedIn
    delete_recovery_codes(user.id)
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hash(code)) for code in codes)
    audit.note("recovery_codes_made", user)
    db.session.commit()
    mail.notify(user, "recovery_codes_made")
    return codes


def sign_in_with_code(email: str, code: str, client: Client) -> tuple[User, int]:
    """Use a code up and give its account and how many are left; raises InvalidField for every other case alike, TooManyRequests."""
    charges = throttle.pay_for_proof("recovery", client)
    user = find_user(email)
    # The same statements for everybody, so that their time does not tell whether there is an account.
    owner_id = user.id if user is not None and user.active else new_id()
    if not use_recovery_code(owner_id, _hash(code)) or user is None:
        audit.note("sign_in_failed", user, method="recovery")
        db.session.commit()
        raise InvalidField("code", WRONG)
    throttle.refund(*charges)
    audit.note("recovery_code_used", user, method="recovery")
    db.session.commit()
    left = count_unused_recovery_codes(user.id)
    mail.notify(user, "recovery_code_used", f"{left} of your recovery codes are left.")
    return user, left


def _new_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, CODE_LENGTH, GROUP))


def _hash(code: str) -> str:
    """Hash what was meant: whatever case, spaces, hyphens, and letters that look like digits."""
    plain = unicodedata.normalize("NFKC", code[:200]).upper()
    return hash_token("".join(character for character in plain if character.isalnum()).translate(LOOKS_LIKE))

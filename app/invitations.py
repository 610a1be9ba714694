"""Who may make an account: everybody, whoever is invited, or nobody (REGISTRATION). Shared by every way of registering.

An invitation is a link. Opening it puts its token into the browser's cookie, and registering in that browser uses it up.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urljoin

from app import audit
from app.clock import utcnow
from app.errors import NotAllowed
from app.extensions import db, get_settings
from app.models.invitation import Invitation, consume_invitation, delete_expired_invitations, find_invitation
from app.models.user import User
from app.tokens import hash_token, new_token

LIFETIME = timedelta(days=7)
CLOSED = "Nobody can make an account here by themselves. Ask the person who runs this server."
BY_INVITATION = "Accounts are made by invitation here. Ask the person who runs this server for a link."
USED = "This invitation was used already, or it is too old. Ask for a new one."


def check(token: str) -> None:
    """Raise NotAllowed unless an account may be made with this invitation ('' for none). Uses nothing up."""
    mode = get_settings().registration
    if mode == "closed":
        raise NotAllowed(CLOSED)
    if mode == "invitation" and not token:
        raise NotAllowed(BY_INVITATION)
    if mode == "invitation" and find_invitation(token) is None:
        raise NotAllowed(USED)


def are_needed() -> bool:
    """Whether accounts are made by invitation alone."""
    return get_settings().registration == "invitation"


def use(token: str) -> None:
    """Use an invitation up where one is needed, when the caller commits; raises NotAllowed, after rolling back what the caller did.

    To be called in the transaction that makes the account: of parallel uses one wins.
    """
    if not are_needed():
        return
    if not consume_invitation(token):
        db.session.rollback()
        raise NotAllowed(USED)


def create(creator: User | None, public_url: str) -> str:
    """Give a new invitation's link, valid once and for seven days, when the caller commits; only its hash is stored.

    `creator` is None for the command line.
    """
    delete_expired_invitations()
    token = new_token()
    db.session.add(
        Invitation(
            token_hash=hash_token(token), creator_id=creator.id if creator else None, expires_at=utcnow() + LIFETIME
        )
    )
    audit.note("invited", None)
    return urljoin(f"{public_url}/", f"auth/invitation/{token}")

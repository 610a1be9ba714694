"""What administrators do to accounts; each function is one transaction."""

from __future__ import annotations

from uuid import UUID

from app import audit, invitations, links
from app.errors import Conflict, NotFound
from app.extensions import db
from app.models.invitation import delete_invitation
from app.models.user import User, get_user, lock_active_admins
from app.sessions import end_sessions, end_sessions_elsewhere, forget_proofs

LAST_ADMIN = "This is the only administrator. Promote somebody else first."


def promote(user_id: UUID) -> User:
    """Make somebody an administrator, who proves anew who they are before they act as one; raises NotFound."""
    forget_proofs(user_id)
    return _change(user_id, "promoted", role="admin")


def demote(user_id: UUID) -> User:
    """Make an administrator an ordinary user and end their sessions, open streams included; who steps down keeps this one.

    Raises NotFound, and Conflict for the last one.
    """
    _keep_an_admin(user_id)
    end_sessions_elsewhere(user_id)
    return _change(user_id, "demoted", role="user")


def suspend(user_id: UUID) -> User:
    """Shut an account and end its sessions, open streams included; raises NotFound, and Conflict for the last administrator."""
    _keep_an_admin(user_id)
    end_sessions(user_id)
    return _change(user_id, "suspended", active=False)


def restore(user_id: UUID) -> User:
    """Open a suspended account again; raises NotFound."""
    return _change(user_id, "restored", active=True)


def make_sign_in_link(user_id: UUID, public_url: str) -> tuple[User, str]:
    """Give a one-time link for an account; raises NotFound, and Conflict for a suspended one."""
    user = get_user(user_id)
    if not user.active:
        raise Conflict("This account is suspended. Restore it first.")
    link = links.create_sign_in_link(user, public_url)
    db.session.commit()
    return user, link


def invite(creator: User, public_url: str) -> str:
    """Give the link of a new invitation."""
    link = invitations.create(creator, public_url)
    db.session.commit()
    return link


def withdraw_invitation(invitation_id: UUID) -> None:
    """Take an invitation back; raises NotFound when there is none, or when it was used."""
    if not delete_invitation(invitation_id):
        db.session.rollback()
        raise NotFound("This invitation was used already, or it is too old.")
    audit.note("invitation_withdrawn", None)
    db.session.commit()


def note_export(kind: str, q: str) -> None:
    """Note that the audit log is taken out of here, and how much of it."""
    audit.note("audit_exported", None, detail=" ".join(filter(None, (kind, q))))
    db.session.commit()


def _keep_an_admin(user_id: UUID) -> None:
    if lock_active_admins() == {user_id}:
        db.session.rollback()
        raise Conflict(LAST_ADMIN)


def _change(user_id: UUID, kind: str, **values: object) -> User:
    user = get_user(user_id)
    for name, value in values.items():
        setattr(user, name, value)
    audit.note(kind, user)
    db.session.commit()
    return user

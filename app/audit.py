"""Notes in the audit log; written with the act itself, in the same transaction."""

from __future__ import annotations

from flask import has_request_context, request
from flask_login import current_user

from app.addresses import whole_address
from app.extensions import db
from app.models.audit_event import DETAIL_LENGTH, AuditEvent
from app.models.user import User

# Who that was is not known, whoever may be signed in in that browser: somebody failed to prove it, or asked for a mail.
FAILURES = ("sign_in_failed", "proof_failed", "code_failed", "passkey_refused", "passkey_blocked")
UNKNOWN_ACTOR = (*FAILURES, "mail_link_asked", "reset_link_asked")


def note(kind: str, subject: User | None, *, method: str = "", detail: str = "") -> None:
    """Add an event when the caller commits: who did it and from where is read from the running request, if there is one.

    `method` is given where somebody proves just now that they are `subject`, as `LoginSession` lists it: they are the actor then, and
    nobody is where that is not known (UNKNOWN_ACTOR). Otherwise the actor is who is signed in, by the method of that session.
    `detail` names what it was about; never a secret, nor what a stranger typed.
    """
    actor_id = None
    address = ""
    if has_request_context():
        address = whole_address(request.remote_addr)
        if not method and current_user.is_authenticated:
            actor_id, method = current_user.id, current_user.session_method
        elif method and subject and kind not in UNKNOWN_ACTOR:
            actor_id = subject.id
    db.session.add(
        AuditEvent(
            kind=kind,
            actor_id=actor_id,
            subject_id=subject.id if subject else None,
            address=address,
            method=method,
            detail=detail[:DETAIL_LENGTH],
        )
    )

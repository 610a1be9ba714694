"""Notes in the audit log; written with the act itself, in the same transaction."""

from __future__ import annotations

from flask import has_request_context, request
from flask_login import current_user

from app.addresses import whole_address
from app.extensions import db
from app.models.audit_event import DETAIL_LENGTH, AuditEvent
from app.models.user import User


def note(kind: str, subject: User | None, *, method: str = "", detail: str = "") -> None:
    """Add an event when the caller commits: who did it and from where is read from the running request, if there is one.

    `method` is how they had proved who they are, `detail` what it was about; both may be empty.
    """
    actor_id = None
    address = ""
    if has_request_context():
        address = whole_address(request.remote_addr)
        actor_id = current_user.id if current_user.is_authenticated else None
    subject_id = subject.id if subject else None
    about = {"method": method, "detail": detail[:DETAIL_LENGTH]}
    db.session.add(AuditEvent(kind=kind, actor_id=actor_id, subject_id=subject_id, address=address, **about))

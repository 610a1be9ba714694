"""Signed-in browsers, as their owner sees and ends them; each function that changes something is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app import audit, sessions
from app.audit_log import METHODS
from app.auth import browsers
from app.extensions import db
from app.models.login_session import list_login_sessions
from app.models.user import User


@dataclass(frozen=True)
class Device:
    """A signed-in browser, in words."""

    id: UUID
    name: str
    is_handheld: bool
    is_this: bool
    method: str
    created_at: datetime
    last_seen_at: datetime


def list_devices(user_id: UUID, this_id: UUID) -> list[Device]:
    """Give the signed-in browsers of a user: this one first, then the one that was seen last."""
    found = [
        Device(
            row.id,
            browsers.describe(row.user_agent),
            browsers.is_handheld(row.user_agent),
            row.id == this_id,
            METHODS.get(row.method, row.method),
            row.created_at,
            row.last_seen_at,
        )
        for row in list_login_sessions(user_id)
    ]
    return sorted(found, key=lambda device: not device.is_this)


def sign_out_device(user: User, session_id: UUID) -> str:
    """End one browser of the user, its open streams too, and give its name; raises NotFound."""
    name = browsers.describe(sessions.end_session(user.id, session_id).user_agent)
    audit.note("session_ended", user, detail=name)
    db.session.commit()
    return name


def sign_out_others(user: User, this_id: UUID) -> int:
    """End every browser of the user but this one, and give how many they were."""
    count = sessions.end_other_sessions(user.id, this_id)
    audit.note("sessions_ended", user, detail=str(count))
    db.session.commit()
    return count

"""The tables. Importing the package imports every module, so that metadata and migrations see all of them."""

from app.models import search_tables  # noqa: F401  # it adds to what create_all makes
from app.models.audit_event import AuditEvent
from app.models.conversation import Conversation
from app.models.email_token import EmailToken
from app.models.invitation import Invitation
from app.models.login_session import LoginSession
from app.models.message import AnswerChunk, Message
from app.models.passkey import Passkey
from app.models.recovery_code import RecoveryCode
from app.models.throttle_bucket import ThrottleBucket
from app.models.user import User
from app.models.webauthn_challenge import WebAuthnChallenge

__all__ = [
    "AnswerChunk",
    "AuditEvent",
    "Conversation",
    "EmailToken",
    "Invitation",
    "LoginSession",
    "Message",
    "Passkey",
    "RecoveryCode",
    "ThrottleBucket",
    "User",
    "WebAuthnChallenge",
]

"""Who may call what: every page needs signing in, unless its view is marked public.

The marks are attributes of the view function, read by one gate before every request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask_login import current_user

from app.errors import NotAllowed, NotSignedIn, PasskeyNeeded, ProofNeeded
from app.extensions import get_settings, login_manager
from app.models.passkey import has_usable_passkey, requires_passkey
from app.sessions import is_freshly_proven

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Open a view to everybody."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def admin_required(view: View) -> View:
    """Open a view to administrators only; everybody else gets 403."""
    view.is_for_admins = True  # type: ignore[attr-defined]
    return view


def fresh_proof_required(view: View) -> View:
    """Open a view to who proved within the last ten minutes who they are; others are asked to do so first."""
    view.needs_fresh_proof = True  # type: ignore[attr-defined]
    return view


def check_freshly_proven() -> None:
    """Raise ProofNeeded unless the person proved within the last ten minutes who they are: for what is only a part of a view."""
    if not is_freshly_proven():
        raise ProofNeeded


def open_without_passkey(view: View) -> View:
    """Open a view also to who still has to add the passkey that this installation asks for (REQUIRE_PASSKEY)."""
    view.is_open_without_passkey = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    """Put the gate in front of every view."""
    login_manager.init_app(app)
    app.view_functions["static"] = public(app.view_functions["static"])
    app.before_request(_gate)


def _gate() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "is_public", False):
        return  # an unknown path answers 404 by itself
    request.get_data()  # all of it, before it is asked who this is: somebody signed out meanwhile could else keep a request open
    if not current_user.is_authenticated:
        raise NotSignedIn
    if not getattr(view, "is_open_without_passkey", False) and _lacks_passkey():
        raise PasskeyNeeded
    if getattr(view, "is_for_admins", False) and not current_user.is_admin:
        raise NotAllowed("Only administrators may open this page.")
    if getattr(view, "needs_fresh_proof", False):
        check_freshly_proven()


def _lacks_passkey() -> bool:
    return requires_passkey(current_user) and not has_usable_passkey(current_user.id, get_settings().public_host)

"""The pages of the administration. An administrator sees who is here and how much, never what was said."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.access import admin_required, fresh_proof_required
from app.admin import actions
from app.errors import Conflict
from app.extensions import get_settings
from app.invitations import LIFETIME
from app.links import LIFETIME_MINUTES, draw_qr
from app.models.invitation import list_invitations
from app.models.user import User
from app.models.user_overview import list_user_rows

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("")
@admin_required
def index() -> ResponseReturnValue:
    """Lead to the first page."""
    return redirect(url_for("admin.users"))


@bp.get("/users")
@admin_required
def users() -> ResponseReturnValue:
    """Show the accounts, searched and in pages."""
    q = request.args.get("q", "").strip()[:100]
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
    found = list_user_rows(q, page)
    return render_template("admin/users.html", users=found.rows, total=found.total, pages=found.pages, page=page, q=q)


@bp.post("/users/<uuid:user_id>/promote")
@admin_required
@fresh_proof_required
def promote(user_id: UUID) -> ResponseReturnValue:
    """Make somebody an administrator."""
    return _act(actions.promote, user_id, "{} is an administrator now.")


@bp.post("/users/<uuid:user_id>/demote")
@admin_required
@fresh_proof_required
def demote(user_id: UUID) -> ResponseReturnValue:
    """Make an administrator an ordinary user; who steps down stays signed in here, with a new token."""
    answer = _act(actions.demote, user_id, "{} is an ordinary user now.")
    return redirect(url_for("settings.account"), code=303) if not current_user.is_admin else answer


@bp.post("/users/<uuid:user_id>/suspend")
@admin_required
@fresh_proof_required
def suspend(user_id: UUID) -> ResponseReturnValue:
    """Shut an account."""
    return _act(actions.suspend, user_id, "{} is suspended and signed out everywhere.")


@bp.post("/users/<uuid:user_id>/restore")
@admin_required
@fresh_proof_required
def restore(user_id: UUID) -> ResponseReturnValue:
    """Open an account again."""
    return _act(actions.restore, user_id, "{} can sign in again.")


@bp.post("/users/<uuid:user_id>/sign-in-link")
@admin_required
@fresh_proof_required
def sign_in_link(user_id: UUID) -> ResponseReturnValue:
    """Make a one-time link and show it, once."""
    try:
        user, link = actions.make_sign_in_link(user_id, get_settings().public_url)
    except Conflict as error:
        flash(error.sentence, "error")
        return redirect(url_for("admin.users"), code=303)
    return render_template(
        "admin/sign_in_link.html",
        link=link,
        qr=None if get_settings().is_public_url_local else draw_qr(link),
        email=user.email,
        expires_minutes=LIFETIME_MINUTES,
    )


@bp.get("/invitations")
@admin_required
def invitations() -> ResponseReturnValue:
    """Show the invitations that were not used yet."""
    return _invitations_page()


@bp.post("/invitations")
@admin_required
@fresh_proof_required
def invite() -> ResponseReturnValue:
    """Make an invitation and show its link, once."""
    return _invitations_page(actions.invite(current_user._get_current_object(), get_settings().public_url))


@bp.post("/invitations/<uuid:invitation_id>/withdraw")
@admin_required
@fresh_proof_required
def withdraw_invitation(invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    actions.withdraw_invitation(invitation_id)
    flash("The invitation is worth nothing any more.", "success")
    return redirect(url_for("admin.invitations"), code=303)


def _invitations_page(link: str = "") -> str:
    return render_template("admin/invitations.html", invitations=list_invitations(), link=link, days=LIFETIME.days)


def _act(action: Callable[[UUID], User], user_id: UUID, sentence: str) -> ResponseReturnValue:
    try:
        user = action(user_id)
    except Conflict as error:
        flash(error.sentence, "error")
    else:
        flash(sentence.format(user.display_name), "success")
    return redirect(url_for("admin.users"), code=303)

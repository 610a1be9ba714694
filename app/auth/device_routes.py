"""Settings: the browsers that are signed in, and what happened to the account."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import sessions
from app.access import fresh_proof_required
from app.audit_log import FORMATS, for_person
from app.auth import devices
from app.auth.forms import ConfirmForm
from app.auth.settings_routes import bp
from app.models.audit_overview import AuditFilter, iterate_audit_rows, list_audit_rows


@bp.get("/sessions", endpoint="sessions")
def show_sessions() -> ResponseReturnValue:
    """Show the browsers that are signed in to the account."""
    found = devices.list_devices(current_user.id, sessions.get_current_session_id())
    return render_template("settings/sessions.html", devices=found, form=ConfirmForm())


@bp.post("/sessions/<uuid:session_id>/end")
def end_session(session_id: UUID) -> ResponseReturnValue:
    """Sign one browser out."""
    user = current_user._get_current_object()
    if session_id == sessions.get_current_session_id():
        devices.sign_out_device(user, session_id)
        sessions.forget_browser()
        return redirect(url_for("auth.login"), code=303)
    flash(f"{devices.sign_out_device(user, session_id)} is signed out.", "success")
    return redirect(url_for("settings.sessions"), code=303)


@bp.post("/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """Sign all other browsers out."""
    count = devices.sign_out_others(current_user._get_current_object(), sessions.get_current_session_id())
    flash("There was no other browser." if not count else "All other browsers are signed out.", "success")
    return redirect(url_for("settings.sessions"), code=303)


@bp.get("/activity")
def activity() -> ResponseReturnValue:
    """Show what happened to the account, the newest first."""
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
    found = list_audit_rows(AuditFilter(user_id=current_user.id), page)
    events = list(for_person(found.rows, current_user.id, is_admin=current_user.is_admin))
    return render_template("settings/activity.html", events=events, pages=found.pages, page=page)


@bp.get("/activity/export")
@fresh_proof_required
def export_activity() -> ResponseReturnValue:
    """Give all that happened to the account as a JSON file."""
    user_id = current_user.id
    rows = for_person(iterate_audit_rows(AuditFilter(user_id=user_id)), user_id, is_admin=current_user.is_admin)
    write, mimetype = FORMATS["json"]
    return (
        stream_with_context(write(rows)),
        200,
        {"Content-Type": mimetype, "Content-Disposition": 'attachment; filename="activity.json"'},
    )

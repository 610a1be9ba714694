"""The audit log of all accounts: what happened, never what was said."""

from __future__ import annotations

from flask import render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from app.access import admin_required, fresh_proof_required
from app.admin import actions
from app.admin.routes import bp
from app.audit_log import FORMATS, for_administrator
from app.errors import NotFound
from app.models.audit_overview import AuditFilter, iterate_audit_rows, list_audit_kinds, list_audit_rows


@bp.get("/activity")
@admin_required
def activity() -> ResponseReturnValue:
    """Show what happened, narrowed by event and by e-mail, in pages."""
    wanted = _wanted()
    page = min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
    found = list_audit_rows(wanted, page)
    return render_template(
        "admin/activity.html",
        events=list(for_administrator(found.rows)),
        total=found.total,
        pages=found.pages,
        page=page,
        wanted=wanted,
        kinds=list_audit_kinds(),
    )


@bp.get("/activity/export.<file_format>")
@admin_required
@fresh_proof_required
def export_activity(file_format: str) -> ResponseReturnValue:
    """Give all that is asked for as a file, csv or json, piece by piece."""
    if file_format not in FORMATS:
        raise NotFound
    wanted = _wanted()
    actions.note_export(wanted.kind, wanted.q)
    write, mimetype = FORMATS[file_format]
    headers = {"Content-Type": mimetype, "Content-Disposition": f'attachment; filename="activity.{file_format}"'}
    return stream_with_context(write(for_administrator(iterate_audit_rows(wanted)))), 200, headers


def _wanted() -> AuditFilter:
    return AuditFilter(kind=request.args.get("kind", "")[:40], q=request.args.get("q", "").strip()[:100])

"""passkeys, recovery codes, invitations; what mail links, sessions and the audit log need for them.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW_COLUMNS = {
    "email_token": ("purpose", "browser_hash", "code_hash", "tries", "new_email"),
    "login_session": ("proven_at",),
    "audit_event": ("method", "detail"),
    "user": ("passkey_offer_after", "email_confirmed_at"),
    "throttle_bucket": ("strikes",),
}


def upgrade() -> None:
    _add_columns()
    _create_passkey()
    _create_challenge()
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_recovery_code_user_id_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
        sa.UniqueConstraint("code_hash", name="uq_recovery_code_code_hash"),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["creator_id"], ["user.id"], name="fk_invitation_creator_id_user", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index("ix_invitation_creator_id", "invitation", ["creator_id"])


def _add_columns() -> None:
    with op.batch_alter_table("email_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.String(length=16), nullable=False, server_default="link"))
        batch_op.add_column(sa.Column("browser_hash", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("code_hash", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("new_email", sa.String(length=320), nullable=False, server_default=""))
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("method", sa.String(length=16), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("detail", sa.String(length=200), nullable=False, server_default=""))
        for column in ("actor_id", "subject_id"):
            batch_op.drop_constraint(f"fk_audit_event_{column}_user", type_="foreignkey")
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("passkey_offer_after", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("throttle_bucket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("strikes", sa.Integer(), nullable=False, server_default="0"))


def _create_passkey() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=2048), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("aaguid", sa.String(length=36), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("rp_id", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_passkey_user_id_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"])


def _create_challenge() -> None:
    op.create_table(
        "webauthn_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_webauthn_challenge_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webauthn_challenge"),
        sa.UniqueConstraint("challenge", name="uq_webauthn_challenge_challenge"),
    )
    for column in ("browser_hash", "user_id", "expires_at"):
        op.create_index(f"ix_webauthn_challenge_{column}", "webauthn_challenge", [column])


def downgrade() -> None:
    _bind_events_to_accounts()
    for table in ("invitation", "recovery_code", "webauthn_challenge", "passkey"):
        op.drop_table(table)
    for table, columns in NEW_COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)


def _bind_events_to_accounts() -> None:
    for column in ("actor_id", "subject_id"):
        op.execute(f'UPDATE audit_event SET {column} = NULL WHERE {column} NOT IN (SELECT id FROM "user")')
        with op.batch_alter_table("audit_event", schema=None) as batch_op:
            batch_op.create_foreign_key(f"fk_audit_event_{column}_user", "user", [column], ["id"], ondelete="SET NULL")

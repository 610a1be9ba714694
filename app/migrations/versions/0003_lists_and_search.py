"""lists and search.

Revision ID: 0003
Revises: 0002
"""

from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_conversation_user_id_updated_at_id", table_name="conversation")
    op.create_index("ix_conversation_listed", "conversation", ["user_id", "archived", "pinned", "updated_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_conversation_listed", table_name="conversation")
    op.create_index("ix_conversation_user_id_updated_at_id", "conversation", ["user_id", "updated_at", "id"])

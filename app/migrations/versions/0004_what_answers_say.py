"""what answers say of themselves, and where messages stand.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNT = """
WITH RECURSIVE counted(id, depth) AS (
  SELECT id, 0 FROM message WHERE parent_id IS NULL
  UNION ALL
  SELECT message.id, counted.depth + 1 FROM message JOIN counted ON message.parent_id = counted.id
)
UPDATE message SET depth = counted.depth FROM counted WHERE counted.id = message.id
"""


# One by one, and not in a batch, which on SQLite would make the table anew: the triggers of search would be lost.
def upgrade() -> None:
    op.add_column("message", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("tool_lines", sa.Text(), nullable=False, server_default=""))
    op.add_column("message", sa.Column("end_reason", sa.String(length=16)))
    op.add_column("message", sa.Column("thinking_ms", sa.Integer()))
    op.execute(COUNT)


def downgrade() -> None:
    for name in ("thinking_ms", "end_reason", "tool_lines", "depth"):
        op.drop_column("message", name)

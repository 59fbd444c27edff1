"""Students of tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "students",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("provenance", sa.Text, nullable=False),
        sa.Column("measured", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("certificate", sa.String(64)),
        sa.Column("previous", sa.String(64)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("promoted", sa.Float),
        sa.Column("ended", sa.Float),
        sa.PrimaryKeyConstraint("sha256", name="pk_students"),
    )
    op.create_index("ix_students_task_created", "students", ["task", "created"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("students")

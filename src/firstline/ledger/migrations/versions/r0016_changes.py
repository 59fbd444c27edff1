"""The audit log, which nobody alters: the database itself refuses to update and to delete its lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision: str | None = "0015"
branch_labels: str | None = None
depends_on: str | None = None

KEPT = (
    "CREATE TRIGGER changes_are_not_updated BEFORE UPDATE ON changes "
    "BEGIN SELECT RAISE(ABORT, 'the log of changes is append-only'); END",
    "CREATE TRIGGER changes_are_not_deleted BEFORE DELETE ON changes "
    "BEGIN SELECT RAISE(ABORT, 'the log of changes is append-only'); END",
)


def upgrade() -> None:
    """Make the table and what keeps it."""
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("at", sa.REAL, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_subject_id", "changes", ["subject", "id"])
    op.create_index("ix_changes_action_subject_id", "changes", ["action", "subject", "id"])
    for statement in KEPT:
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("changes")

"""Audits of what was served under a certificate, and the runs that asked the top rung for their sake."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table, and the column."""
    op.add_column("runs", sa.Column("audit_of", sa.String(64)))
    op.create_table(
        "audits",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("certificate_id", sa.String(64), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.Column("asks", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wrong", sa.Text),
        sa.Column("settled", sa.Float),
        sa.Column("settled_by", sa.Text),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("claim_ends", sa.Float),
        sa.PrimaryKeyConstraint("run_id", name="pk_audits"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_audits_run_id", ondelete="CASCADE"),
    )
    op.create_index("ix_audits_certificate_id_begun", "audits", ["certificate_id", "begun", "run_id"])
    op.create_index("ix_audits_state_asks_begun", "audits", ["state", "asks", "begun"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("audits")
    op.drop_column("runs", "audit_of")

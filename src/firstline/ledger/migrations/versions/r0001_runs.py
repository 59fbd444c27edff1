"""Runs, their attempts, and the entries that say what each call cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

NAMES = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("error_code", sa.String(64)),
        sa.Column("answer", sa.Text),
        sa.Column("fields", sa.Text),
        sa.Column("notes", sa.Text),
        sa.Column("input_sha256", sa.String(64), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("saved_nano_usd", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_created_id", "runs", ["created", "id"])
    op.create_index("ix_runs_task_created", "runs", ["task", "created"])
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("passed", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("skipped", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("confidences", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in NAMES),
        sa.Column("estimated", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("ms", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_attempts"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_attempts_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hold_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False, server_default="0"),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in NAMES),
        sa.Column("estimated", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
        sa.Column("ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_entries_run_id", ondelete="CASCADE"),
    )
    op.create_index("ix_entries_run_id_position", "entries", ["run_id", "position"])
    op.create_index("ix_entries_created", "entries", ["created"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("entries")
    op.drop_table("attempts")
    op.drop_table("runs")

"""Kept inputs, the queue of reviews, and the examples that their answers become."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

INDICES = (
    ("inputs", ("kept",), False),
    ("input_files", ("sha256",), False),
    ("reviews", ("created", "id"), False),
    ("reviews", ("state", "created"), False),
    ("reviews", ("run_id", "kind"), True),
    ("reviews", ("input_sha256",), False),
    ("examples", ("task", "created"), False),
    ("examples", ("input_sha256",), False),
    ("examples", ("created",), False),
    ("examples", ("run_id", "origin"), True),
)


def upgrade() -> None:
    """Make the tables."""
    op.add_column("runs", sa.Column("parameters", sa.Text))
    op.create_table(
        "inputs",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("kept", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_inputs"),
    )
    op.create_table(
        "input_files",
        sa.Column("input_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("input_sha256", "sha256", name="pk_input_files"),
        sa.ForeignKeyConstraint(
            ["input_sha256"], ["inputs.sha256"], name="fk_input_files_input_sha256", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(64)),
        sa.Column("input_sha256", sa.String(64), nullable=False),
        sa.Column("certificate_id", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reviewer", sa.Text),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("lease_ends", sa.Float),
        sa.Column("answer", sa.Text),
        sa.Column("findings", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reviews_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "examples",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("input_sha256", sa.String(64), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("expected", sa.Text, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_examples"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_examples_run_id", ondelete="CASCADE"),
    )
    for table, columns, unique in INDICES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique)


def downgrade() -> None:
    """Drop them."""
    for table in ("examples", "reviews", "input_files", "inputs"):
        op.drop_table(table)
    op.drop_column("runs", "parameters")

"""Jobs of fine-tuning and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "fine_tuning_jobs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64)),
        sa.Column("session", sa.String(64)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("form", sa.Text),
        sa.Column("made", sa.Text),
        sa.Column("trained_tokens", sa.BigInteger),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("finished", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_fine_tuning_jobs"),
    )
    op.create_index("ix_fine_tuning_jobs_created_id", "fine_tuning_jobs", ["created", "id"])
    op.create_index("ix_fine_tuning_jobs_state_created", "fine_tuning_jobs", ["state", "created"])
    op.create_index("ix_fine_tuning_jobs_model", "fine_tuning_jobs", ["model"], unique=True)
    op.create_table(
        "fine_tuning_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fine_tuning_events"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["fine_tuning_jobs.id"], name="fk_fine_tuning_events_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_fine_tuning_events_job_id_id", "fine_tuning_events", ["job_id", "id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("fine_tuning_events")
    op.drop_table("fine_tuning_jobs")

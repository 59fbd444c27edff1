"""Requests that may come twice, by their Idempotency-Key, and which runs belong to one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision: str | None = "0014"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table, and the column of runs."""
    op.create_table(
        "claims",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("bytes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sha256", sa.String(64)),
        sa.Column("cut", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("ix_claims_key_id_name", "claims", ["key_id", "name"], unique=True)
    op.create_index("ix_claims_expires", "claims", ["expires"])
    op.create_index("ix_claims_key_id_created", "claims", ["key_id", "created"])
    op.add_column("runs", sa.Column("claim", sa.String(64)))
    op.create_index("ix_runs_claim", "runs", ["claim"], sqlite_where=sa.text("claim IS NOT NULL"))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_runs_claim", "runs")
    op.drop_column("runs", "claim")
    op.drop_table("claims")

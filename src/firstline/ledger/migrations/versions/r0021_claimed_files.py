"""Which repeatable request made a file or a job of fine-tuning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision: str | None = "0020"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = ("files", "fine_tuning_jobs")


def upgrade() -> None:
    """Add the columns; what is there was made by a request that is answered."""
    for table in TABLES:
        op.add_column(table, sa.Column("claim", sa.Text))
        op.create_index(f"ix_{table}_claim", table, ["claim"], sqlite_where=sa.text("claim IS NOT NULL"))


def downgrade() -> None:
    """Drop them."""
    for table in TABLES:
        op.drop_index(f"ix_{table}_claim", table)
        op.drop_column(table, "claim")

"""The certificate that a run was served under, and the signals that its confidences were made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("runs", sa.Column("certificate", sa.String(64)))
    op.add_column("attempts", sa.Column("signals", sa.Text))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("attempts", "signals")
    op.drop_column("runs", "certificate")

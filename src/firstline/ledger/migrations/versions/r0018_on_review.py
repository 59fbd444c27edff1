"""What answers to a key say that are left to a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision: str | None = "0017"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; keys that are there say nothing, so their tasks and the settings do."""
    op.add_column("api_keys", sa.Column("on_review", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("api_keys", "on_review")

"""When the contents of a run were purged, and what its audit still counts by; stored responses by their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision: str | None = "0019"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns; nothing was purged before."""
    op.add_column("runs", sa.Column("purged", sa.REAL))
    op.add_column("audits", sa.Column("label", sa.Text))
    op.create_index("ix_stored_responses_created_id", "stored_responses", ["created", "id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_stored_responses_created_id", "stored_responses")
    op.drop_column("audits", "label")
    op.drop_column("runs", "purged")

"""What a key may do, when it ends, and the secret that it had before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None

KEPT = '["models","tasks","files","runs","usage","certificates","fine-tuning","reviews:own"]'
"""What every key could do before there were rights, less what reaches beyond its own runs: it audits no longer, because
an audit can withdraw a certificate, and answers the reviews of its own runs alone."""
ADDED = ("rights", "expires", "previous_digest", "previous_ends")


def upgrade() -> None:
    """Add the columns; keys that are there keep what they could do."""
    op.add_column("api_keys", sa.Column("rights", sa.Text, nullable=False, server_default="[]"))
    op.add_column("api_keys", sa.Column("expires", sa.REAL))
    op.add_column("api_keys", sa.Column("previous_digest", sa.Text))
    op.add_column("api_keys", sa.Column("previous_ends", sa.REAL))
    op.create_index("ix_api_keys_previous_digest", "api_keys", ["previous_digest"], unique=True)
    op.execute(sa.text("UPDATE api_keys SET rights = :kept").bindparams(kept=KEPT))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_api_keys_previous_digest", "api_keys")
    for name in ADDED:
        op.drop_column("api_keys", name)

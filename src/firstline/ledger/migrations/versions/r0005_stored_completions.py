"""Chat completions that were asked to be kept (`store`), and their metadata for filtering."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "stored_completions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64)),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stored_completions"),
    )
    op.create_index("ix_stored_completions_created_id", "stored_completions", ["created", "id"])
    op.create_index("ix_stored_completions_expires", "stored_completions", ["expires"])
    op.create_table(
        "stored_metadata",
        sa.Column("completion_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("completion_id", "name", name="pk_stored_metadata"),
        sa.ForeignKeyConstraint(
            ["completion_id"],
            ["stored_completions.id"],
            name="fk_stored_metadata_completion_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_stored_metadata_name_value", "stored_metadata", ["name", "value"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("stored_metadata")
    op.drop_table("stored_completions")

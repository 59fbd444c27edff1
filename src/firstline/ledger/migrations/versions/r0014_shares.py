"""What a key may read and store: its own limits, how many bytes it keeps, and indexes by key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None

COUNT = (
    "UPDATE stored_completions SET bytes = length(CAST(request AS BLOB)) + length(CAST(response AS BLOB)) + coalesce("
    "(SELECT sum(length(CAST(name AS BLOB)) + length(CAST(value AS BLOB))) FROM stored_metadata "
    "WHERE completion_id = stored_completions.id), 0)",
    "UPDATE stored_responses SET bytes = length(CAST(items AS BLOB)) + length(CAST(response AS BLOB))",
)
"""Counts the bytes of the rows that are there."""
SUM = """
    INSERT INTO key_storage (key_id, bytes)
    SELECT coalesce(key_id, '') AS owner, sum(bytes) FROM (
        SELECT key_id, bytes FROM files
        UNION ALL SELECT key_id, bytes FROM stored_completions
        UNION ALL SELECT key_id, bytes FROM stored_responses
    ) GROUP BY owner
"""
STORED = ("stored_completions", "stored_responses")
LISTED = ("files", "stored_completions", "fine_tuning_jobs", "reviews")
"""Tables of which a key lists its own rows by their time."""


def upgrade() -> None:
    """Add the columns, count what is there, and make the indexes."""
    op.add_column("api_keys", sa.Column("reads_per_minute", sa.Integer))
    op.add_column("api_keys", sa.Column("storage_bytes", sa.Integer))
    for table in STORED:
        op.add_column(table, sa.Column("bytes", sa.Integer, nullable=False, server_default="0"))
    for statement in COUNT:
        op.execute(statement)
    op.create_table(
        "key_storage",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_storage"),
    )
    op.execute(SUM)
    for table in LISTED:
        op.create_index(f"ix_{table}_key_id_created_id", table, ["key_id", "created", "id"])


def downgrade() -> None:
    """Drop them."""
    for table in LISTED:
        op.drop_index(f"ix_{table}_key_id_created_id", table)
    op.drop_table("key_storage")
    for table in STORED:
        op.drop_column(table, "bytes")
    for name in ("storage_bytes", "reads_per_minute"):
        op.drop_column("api_keys", name)

"""API keys, their credits and what a day counts against their budgets; runs and entries know their key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

SUMS = ("granted_nano_usd", "spent_nano_usd", "held_nano_usd")


def upgrade() -> None:
    """Make the three tables and the two columns."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("shown", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("tokens_per_minute", sa.Integer),
        sa.Column("day_nano_usd", sa.BigInteger),
        sa.Column("month_nano_usd", sa.BigInteger),
        sa.Column("prepaid", sa.Boolean(create_constraint=False), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in SUMS),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_table(
        "credits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("amount_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credits"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_credits_key_id"),
    )
    op.create_index("ix_credits_key_id", "credits", ["key_id"])
    op.create_table(
        "key_days",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("counted_nano_usd", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name="pk_key_days"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_key_days_key_id"),
    )
    for table in ("runs", "entries"):
        op.add_column(table, sa.Column("key_id", sa.String(64)))
        op.create_index(f"ix_{table}_key_id_created", table, ["key_id", "created"])
    op.create_index("ix_entries_state_held", "entries", ["run_id"], sqlite_where=sa.text("state = 'held'"))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_entries_state_held", "entries")
    for table in ("runs", "entries"):
        op.drop_index(f"ix_{table}_key_id_created", table)
        op.drop_column(table, "key_id")
    op.drop_table("key_days")
    op.drop_table("credits")
    op.drop_table("api_keys")

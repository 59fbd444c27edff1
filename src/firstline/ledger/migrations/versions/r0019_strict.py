# ruff: noqa: S608 - the statements are made of the names above
"""Every table is STRICT and refuses whole numbers out of their range, and what a model claims in excess is kept.

What does not fit into its column stops the migration, and is named with its row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from firstline.errors import LedgerError
from firstline.ledger.migrations.anew import columns_of, make_anew, strict_type

revision = "0019"
down_revision: str | None = "0018"
branch_labels: str | None = None
depends_on: str | None = None

AMOUNT = 10**15
CALL = 10**12
TOKENS = 10**9
TABLES: dict[str, dict[str, int]] = {
    "audits": {},
    "certificates": {},
    "changes": {},
    "claims": {"status": 999, "bytes": AMOUNT, "cut": 1},
    "examples": {},
    "files": {"bytes": AMOUNT},
    "fine_tuning_events": {},
    "fine_tuning_jobs": {"trained_tokens": AMOUNT},
    "input_files": {},
    "inputs": {},
    "key_storage": {"bytes": AMOUNT},
    "rate_buckets": {},
    "reviews": {},
    "stored_completions": {"bytes": AMOUNT},
    "stored_metadata": {},
    "stored_responses": {"bytes": AMOUNT},
    "students": {},
}
"""The tables that were not STRICT before, with the most of their whole numbers."""
SURPLUS = {"surplus_tokens": TOKENS, "surplus_nano_usd": CALL}
FITS = {"TEXT": ("text", "integer", "real"), "REAL": ("real", "integer"), "INTEGER": ("integer",), "BLOB": ("blob",)}
"""What SQLite keeps of each type without a loss."""


def upgrade() -> None:
    """Make each table anew, and add the columns of what is claimed. Runs without enforced foreign keys (`schema`)."""
    connection = op.get_bind()
    for table, ranges in TABLES.items():
        _refuse(connection, table, ranges)
        make_anew(connection, table, {name: f"{name} BETWEEN 0 AND {most}" for name, most in ranges.items()})
    for name, most in SURPLUS.items():
        rule = f"CONSTRAINT ck_entries_{name} CHECK ({name} BETWEEN 0 AND {most})"
        connection.exec_driver_sql(f"ALTER TABLE entries ADD COLUMN {name} INTEGER DEFAULT 0 NOT NULL {rule}")


def downgrade() -> None:
    """Make the tables anew without the rules, and forget what was claimed."""
    connection = op.get_bind()
    for table in TABLES:
        make_anew(connection, table, {}, strict=False)
    for name in SURPLUS:
        connection.exec_driver_sql(f"ALTER TABLE entries DROP COLUMN {name}")


def _refuse(connection: sa.Connection, table: str, ranges: dict[str, int]) -> None:
    """Raise LedgerError that names the first value that does not fit."""
    for column in columns_of(connection, table):
        name, kind = str(column["name"]), strict_type(str(column["type"]))
        kinds = ", ".join(f"'{one}'" for one in FITS[kind])
        fits = f"typeof({name}) IN ({kinds})"
        if name in ranges:
            fits += f" AND {name} BETWEEN 0 AND {ranges[name]}"
        query = f"SELECT rowid, {name} FROM {table} WHERE {name} IS NOT NULL AND NOT ({fits}) LIMIT 1"
        found = connection.exec_driver_sql(query).fetchone()
        if found is not None:
            raise LedgerError(
                f"{table}.{name} in row {found[0]} of the ledger is {str(found[1])[:40]!r}, which does not fit",
                hint=f"put a backup back (firstline ledger restore FILE), or put the right value there: "
                f"sqlite3 ledger.db 'UPDATE {table} SET {name} = VALUE WHERE rowid = {found[0]}'",
            )

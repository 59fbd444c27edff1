"""Examines the file of a ledger: pages, references, sums, JSON. Reads only, and needs no ledger that can be opened.

Each finding is said in words. Sums are those that `tables.py` and `wallet.py` promise, read from one snapshot.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Literal

from firstline.ledger import schema
from firstline.ledger.database import Database
from firstline.ledger.tables import metadata
from firstline.types import Value

FindingCode = Literal["lost", "unreadable", "version", "reference", "sum", "entry", "value", "missing", "damaged"]
Kind = Literal["files", "inputs", "students"]
"""What names bytes in a folder of the data folder."""

NAMED: Mapping[Kind, str] = {
    "files": "SELECT DISTINCT sha256 FROM files",
    "inputs": "SELECT DISTINCT sha256 FROM input_files",
    "students": "SELECT DISTINCT sha256 FROM students",
}
_SHOWN = 5
_AT_MOST = "CASE WHEN state IN ('held', 'failed') THEN hold_nano_usd ELSE cost_nano_usd END"
_SUMS = {
    "spent is not the sum of its entries' costs": """
        SELECT name, spent_nano_usd, (SELECT coalesce(sum(cost_nano_usd), 0) FROM entries WHERE key_id = api_keys.id)
        FROM api_keys""",
    "held is not the sum of its open holds": """
        SELECT name, held_nano_usd, (SELECT coalesce(sum(hold_nano_usd), 0) FROM entries
        WHERE key_id = api_keys.id AND state = 'held') FROM api_keys""",
    "granted is not the sum of its credits": """
        SELECT name, granted_nano_usd, (SELECT coalesce(sum(amount_nano_usd), 0) FROM credits
        WHERE key_id = api_keys.id) FROM api_keys""",
}
_DAYS = f"""
    SELECT key_id, day, sum(kept), sum(summed) FROM (
        SELECT key_id, day, counted_nano_usd AS kept, 0 AS summed FROM key_days
        UNION ALL SELECT key_id, CAST(created / 86400 AS INTEGER), 0, {_AT_MOST} FROM entries WHERE key_id IS NOT NULL
    ) GROUP BY key_id, day HAVING sum(kept) <> sum(summed)"""  # noqa: S608 - no text of others is in it
_ENTRIES = {
    "has a state that there is not": "state NOT IN ('held', 'settled', 'failed', 'refused')",
    "is held and has a cost": "state = 'held' AND cost_nano_usd <> 0",
    "costs or holds less than nothing": "cost_nano_usd < 0 OR hold_nano_usd < 0",
}


class Finding(Value, frozen=True, kw_only=True):
    """Something that is wrong, in words."""

    code: FindingCode
    what: str


class Examined(Value, frozen=True, kw_only=True):
    """What was found, and the bytes that rows name by kind (None: the rows could not be read)."""

    findings: tuple[Finding, ...]
    named: Mapping[Kind, frozenset[str]] | None


def examine(database: Database) -> Examined:
    """Examine a ledger; blocks for as long as reading the file takes."""
    if not database.path.exists():
        lost = database.marker.exists()
        what = f"{database.path} is gone, and it had API keys" if lost else f"there is no ledger at {database.path}"
        return Examined(findings=(Finding(code="lost", what=what),), named=None)
    try:
        with closing(read_only(database)) as connection:
            return _examine(connection, database)
    except sqlite3.Error as error:
        what = f"{database.path} cannot be read: {error}"
        return Examined(findings=(Finding(code="unreadable", what=what),), named=None)


def read_only(database: Database) -> sqlite3.Connection:
    """Open the file for reading. Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{database.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def pages(connection: sqlite3.Connection) -> list[str]:
    """Say which pages and indexes are broken; none is the answer of a file that is whole."""
    try:
        found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def _examine(connection: sqlite3.Connection, database: Database) -> Examined:
    connection.execute("BEGIN")
    broken = tuple(
        Finding(code="unreadable", what=f"{database.path} is damaged: {line}")
        for found in pages(connection)
        for line in found.splitlines()
    )
    if broken:
        return Examined(findings=broken, named=None)
    version, known = schema.revision(connection), schema.head()
    if version != known:
        what = f"the ledger has version {version}, this Firstline works with {known}: start it once, or upgrade it"
        return Examined(findings=(Finding(code="version", what=what),), named=None)
    findings = (
        *_keys(connection, database),
        *_references(connection),
        *_sums(connection),
        *_entries(connection),
        *_values(connection),
    )
    named = {kind: frozenset(row[0] for row in connection.execute(query)) for kind, query in NAMED.items()}
    return Examined(findings=findings, named=named)


def _keys(connection: sqlite3.Connection, database: Database) -> Iterator[Finding]:
    has_keys = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM api_keys)").fetchone()[0])
    if has_keys and not database.marker.exists():
        what = f"{database.marker} is missing, which says that keys were made: the next start writes it"
        yield Finding(code="lost", what=what)
    if not has_keys and database.marker.exists():
        yield Finding(code="lost", what=f"{database.path} has no API key, but keys were made")


def _references(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN):
        yield Finding(code="reference", what=f"{table}, row {row}: what it names in {parent} is not there")


def _sums(connection: sqlite3.Connection) -> Iterator[Finding]:
    for what, query in _SUMS.items():
        for name, kept, summed in connection.execute(query):
            if kept != summed:
                yield Finding(code="sum", what=f"the key {name!r}: {what}: {kept} and {summed} nano-USD")
    for key, day, kept, summed in connection.execute(_DAYS).fetchmany(_SHOWN):
        what = f"the key {key}: day {day} counts {kept} nano-USD, its entries {summed}"
        yield Finding(code="sum", what=what)


def _entries(connection: sqlite3.Connection) -> Iterator[Finding]:
    for what, condition in _ENTRIES.items():
        query = f"SELECT id FROM entries WHERE {condition}"  # noqa: S608 - the conditions above
        for (entry,) in connection.execute(query).fetchmany(_SHOWN):
            yield Finding(code="entry", what=f"the entry {entry} {what}")


def _values(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Look for JSON that does not parse. Money that is no whole number is refused by the database itself."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if not (column.comment or "").startswith("JSON"):
                continue
            wrong = f"{column.name} IS NOT NULL AND NOT json_valid({column.name})"
            query = f"SELECT count(*), min(rowid) FROM {table.name} WHERE {wrong}"  # noqa: S608 - names of our tables
            count, first = connection.execute(query).fetchone()
            if count:
                what = f"{table.name}.{column.name} is no JSON in {count} rows, the first is row {first}"
                yield Finding(code="value", what=what)

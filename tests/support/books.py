"""The books of a ledger, read with nothing but SQLite: what every test of money holds them to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def check_books(ledger: Path, *, at_rest: bool = True) -> None:
    """Check that every key's sums are those of its entries and credits; `at_rest`: no call is under way."""
    with closing(sqlite3.connect(ledger)) as connection:
        check_sums(connection, at_rest=at_rest)


def check_sums(connection: sqlite3.Connection, *, at_rest: bool = True) -> None:
    """Check the same through a connection that is open."""

    def one(query: str, *values: object) -> int:
        return int(connection.execute(query, values).fetchone()[0] or 0)

    keys = connection.execute(
        "SELECT id, prepaid, granted_nano_usd, spent_nano_usd, held_nano_usd FROM api_keys"
    ).fetchall()
    assert keys
    for key, prepaid, granted, spent, held in keys:
        of_key = "FROM entries WHERE key_id = ?"
        assert spent == one(f"SELECT sum(cost_nano_usd) {of_key}", key)
        assert held == one(f"SELECT sum(hold_nano_usd) {of_key} AND state = 'held'", key)
        assert granted == one("SELECT sum(amount_nano_usd) FROM credits WHERE key_id = ?", key)
        assert not prepaid or granted - spent - held >= 0
        at_most = "CASE WHEN state IN ('held', 'failed') THEN hold_nano_usd ELSE cost_nano_usd END"
        days = dict(connection.execute("SELECT day, counted_nano_usd FROM key_days WHERE key_id = ?", [key]))
        query = f"SELECT CAST(created / 86400 AS INTEGER), sum({at_most}) {of_key} GROUP BY 1"
        counted = dict(connection.execute(query, [key]))
        assert {day: sum_ for day, sum_ in days.items() if sum_} == {d: s for d, s in counted.items() if s}
    assert not at_rest or one("SELECT count(*) FROM entries WHERE state = 'held'") == 0


def entries_of(ledger: Path) -> list[tuple[str, int, str | None]]:
    """Return state, cost and error of every entry, oldest first."""
    with closing(sqlite3.connect(ledger)) as connection:
        return list(connection.execute("SELECT state, cost_nano_usd, error FROM entries ORDER BY id"))

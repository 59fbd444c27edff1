# ruff: noqa: S608 - the statements are made of the names above
"""The tables of money hold whole numbers in their range, and nothing else: the database itself refuses the rest.

SQLite keeps whatever it is given, and turns a sum past 64 bits into a float. Each table is made anew as STRICT with
its ranges as checks, and its rows are copied. What an earlier Firstline wrote out of range is put right where the
entries say what it should be; where nothing says it, the migration stops and names the row.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from alembic import op

from firstline.errors import LedgerError
from firstline.ledger.migrations.anew import make_anew

revision = "0017"
down_revision: str | None = "0016"
branch_labels: str | None = None
depends_on: str | None = None

CALL = 10**12
"""Nano-USD of one call: a thousand dollars."""
AMOUNT = 10**15
"""Nano-USD of a credit or a budget: a million dollars. Also the most of a limit, and of milliseconds."""
SUM = 4 * 10**18
"""Nano-USD of what a key has spent, holds or counts on a day: one amount more stays within 64 bits."""
TOKENS = 10**9

_LOG = logging.getLogger("firstline.ledger")

USED = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
RANGES: dict[str, dict[str, int]] = {
    "runs": {"cost_nano_usd": AMOUNT, "saved_nano_usd": AMOUNT, "ms": AMOUNT},
    "attempts": {
        "position": AMOUNT,
        "passed": 1,
        **dict.fromkeys(USED, AMOUNT),
        "estimated": 1,
        "cost_nano_usd": AMOUNT,
        "ms": AMOUNT,
    },
    "entries": {
        "position": AMOUNT,
        "hold_nano_usd": CALL,
        "cost_nano_usd": CALL,
        **dict.fromkeys(USED, TOKENS),
        "estimated": 1,
        "ms": AMOUNT,
    },
    "api_keys": {
        "requests_per_minute": AMOUNT,
        "tokens_per_minute": AMOUNT,
        "reads_per_minute": AMOUNT,
        "storage_bytes": AMOUNT,
        "day_nano_usd": AMOUNT,
        "month_nano_usd": AMOUNT,
        "prepaid": 1,
        "granted_nano_usd": AMOUNT,
        "spent_nano_usd": SUM,
        "held_nano_usd": SUM,
    },
    "credits": {"amount_nano_usd": AMOUNT},
    "key_days": {"day": AMOUNT, "counted_nano_usd": SUM},
}
"""The columns of whole numbers, each with the most that it holds; the least is 0."""
MORE = {"entries": ("cost_nano_usd <= hold_nano_usd",)}
LOOSE = ("saved_nano_usd",)
"""May be below zero: what a run costs beyond what it was to save."""

SUMS = {
    "granted_nano_usd": "SELECT coalesce(sum(amount_nano_usd), 0) FROM credits WHERE key_id = api_keys.id",
    "spent_nano_usd": "SELECT coalesce(sum(cost_nano_usd), 0) FROM entries WHERE key_id = api_keys.id",
    "held_nano_usd": """SELECT coalesce(sum(hold_nano_usd), 0) FROM entries
    WHERE key_id = api_keys.id AND state = 'held'""",
}
COUNTED = """
    SELECT coalesce(sum(CASE WHEN state IN ('held', 'failed') THEN hold_nano_usd ELSE cost_nano_usd END), 0)
    FROM entries WHERE entries.key_id = key_days.key_id AND CAST(entries.created / 86400 AS INTEGER) = key_days.day"""
COSTS = {
    "attempts": "entries.run_id = attempts.run_id AND entries.position = attempts.position",
    "runs": "entries.run_id = runs.id",
}


def upgrade() -> None:
    """Put values right, make each table anew and copy its rows. Runs without enforced foreign keys (`schema`)."""
    connection = op.get_bind()
    _mend(connection)
    for table, ranges in RANGES.items():
        _refuse(connection, table, ranges)
        make_anew(connection, table, _rules(table, ranges))


def downgrade() -> None:
    """Make the tables anew without the rules."""
    for table in RANGES:
        make_anew(op.get_bind(), table, {}, strict=False)


def _mend(connection: sa.Connection) -> None:
    """Put right what the entries say; what each call cost is known before the sums are made anew."""
    keys = _broken(connection)
    count = sum(connection.exec_driver_sql(one).rowcount for one in _statements())
    for key in keys:
        for name, summed in SUMS.items():
            connection.exec_driver_sql(f"UPDATE api_keys SET {name} = ({summed}) WHERE id = ?", (key,))
        connection.exec_driver_sql(f"UPDATE key_days SET counted_nano_usd = ({COUNTED}) WHERE key_id = ?", (key,))
    if count or keys:
        _LOG.warning(
            "the ledger held numbers out of their range: %d are put right, and the sums of %d keys are made anew of "
            "their entries and credits%s",
            count,
            len(keys),
            f": {', '.join(keys[:20])}" if keys else "",
        )


def _broken(connection: sa.Connection) -> list[str]:
    """Return the keys whose sums, or the costs and holds that make them, are out of range."""
    looked = {
        "api_keys": ("id", {name: RANGES["api_keys"][name] for name in SUMS}),
        "key_days": ("key_id", {"counted_nano_usd": SUM}),
        "entries": ("key_id", {"hold_nano_usd": CALL, "cost_nano_usd": CALL}),
    }
    found: set[str] = set()
    for table, (key, ranges) in looked.items():
        wrong = " OR ".join(f"NOT ({_within(name, most)})" for name, most in ranges.items())
        found.update(
            connection.exec_driver_sql(f"SELECT DISTINCT {key} FROM {table} WHERE {key} IS NOT NULL AND ({wrong})")
            .scalars()
            .all()
        )
    return sorted(found)


def _statements() -> list[str]:
    cost, hold = _within("cost_nano_usd", CALL), _within("hold_nano_usd", CALL)
    done = [_clamped("entries", name, RANGES["entries"][name]) for name in (*USED, "ms")]
    done += [
        # What a call has cost beyond what any may is a claim of its model: it costs what was held for it.
        f"UPDATE entries SET cost_nano_usd = hold_nano_usd WHERE state = 'settled' AND {hold} AND NOT ({cost})",
        f"UPDATE entries SET cost_nano_usd = 0 WHERE state <> 'settled' AND NOT ({cost})",
        # A hold was a guess before: a call that cost more has held that much.
        f"UPDATE entries SET hold_nano_usd = cost_nano_usd WHERE state IN ('settled', 'refused') AND {cost} "
        f"AND (NOT ({hold}) OR hold_nano_usd < cost_nano_usd)",
    ]
    for table, where in COSTS.items():
        done += [_clamped(table, name, RANGES[table][name]) for name in (*USED, "ms") if name in RANGES[table]]
        done.append(
            f"UPDATE {table} SET cost_nano_usd = (SELECT coalesce(sum(cost_nano_usd), 0) FROM entries WHERE {where}) "
            f"WHERE NOT ({_within('cost_nano_usd', AMOUNT)})"
        )
    done.append(f"UPDATE runs SET saved_nano_usd = 0 WHERE NOT ({_within('saved_nano_usd', AMOUNT)})")
    # A budget beyond a million dollars is none that anybody passes.
    done += [
        f"UPDATE api_keys SET {name} = {AMOUNT} WHERE typeof({name}) IN ('integer', 'real') AND {name} > {AMOUNT}"
        for name in ("day_nano_usd", "month_nano_usd")
    ]
    return done


def _within(name: str, most: int) -> str:
    least = -most if name in LOOSE else 0
    return f"typeof({name}) = 'integer' AND {name} BETWEEN {least} AND {most}"


def _clamped(table: str, name: str, most: int) -> str:
    """Take the nearest whole number in the range; what is no number stays, and is refused."""
    nearest = f"CAST(max(0, min({name}, {most})) AS INTEGER)"
    number = f"typeof({name}) IN ('integer', 'real')"
    return f"UPDATE {table} SET {name} = {nearest} WHERE {number} AND NOT ({_within(name, most)})"


def _refuse(connection: sa.Connection, table: str, ranges: dict[str, int]) -> None:
    """Raise LedgerError that names the first row with a number out of its range that nothing else says."""
    for name, most in ranges.items():
        query = f"SELECT rowid, {name} FROM {table} WHERE {name} IS NOT NULL AND NOT ({_within(name, most)}) LIMIT 1"
        found = connection.exec_driver_sql(query).fetchone()
        if found is not None:
            raise LedgerError(
                f"{table}.{name} in row {found[0]} of the ledger is {str(found[1])[:40]!r}, "
                f"which is no whole number from 0 to {most}",
                hint=f"put a backup back (firstline ledger restore FILE), or put the right number there: "
                f"sqlite3 ledger.db 'UPDATE {table} SET {name} = NUMBER WHERE rowid = {found[0]}'",
            )


def _rules(table: str, ranges: dict[str, int]) -> dict[str, str]:
    rules = {name: f"{name} BETWEEN {-most if name in LOOSE else 0} AND {most}" for name, most in ranges.items()}
    return rules | {str(number): rule for number, rule in enumerate(MORE.get(table, ()))}

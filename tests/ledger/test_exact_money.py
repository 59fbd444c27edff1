"""The tables of money hold whole numbers in range; a ledger of an earlier form is put right or refused in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from firstline.errors import LedgerError
from firstline.ledger import schema
from firstline.ledger.check import examine
from firstline.ledger.database import Database

TABLES = ("runs", "attempts", "entries", "api_keys", "credits", "key_days")
ROWS = """
INSERT INTO api_keys (id, name, digest, shown, state, scopes, prepaid, granted_nano_usd, spent_nano_usd, held_nano_usd,
    created) VALUES ('k', 'shop', 'd', 's', 'active', '[]', 1, 1000, 300, 70, 1.0);
INSERT INTO credits (key_id, amount_nano_usd, note, created) VALUES ('k', 1000, '', 1.0);
INSERT INTO runs (id, session, task, version, verdict, input_sha256, cost_nano_usd, created, key_id)
    VALUES ('r', 's', 't', 'v', 'accepted', 'x', 300, 1, 'k');
INSERT INTO attempts (run_id, position, model, passed, findings, fields, confidences, prompt_tokens, cached_tokens,
    completion_tokens, reasoning_tokens, estimated, cost_nano_usd, ms, notes)
    VALUES ('r', 0, 'm', 1, '[]', '[]', '{}', 1, 0, 1, 0, 0, 300, 5, '[]');
INSERT INTO entries (run_id, position, model, state, hold_nano_usd, cost_nano_usd, created, key_id)
    VALUES ('r', 0, 'm', 'settled', 400, 300, 1.0, 'k'), ('r', 0, 'm', 'held', 70, 0, 1.0, 'k');
INSERT INTO key_days (key_id, day, counted_nano_usd) VALUES ('k', 0, 370);
INSERT INTO reviews (id, kind, run_id, task, input_sha256, state, at, created)
    VALUES ('v', 'review', 'r', 't', 'x', 'open', 1.0, 1.0);
INSERT INTO changes (at, actor_kind, actor_id, actor_name, action, subject, details)
    VALUES (1.0, 'user', 'u', 'u', 'key.make', 'k', '{}');
"""


def earlier(folder: Path, more: str = "") -> Database:
    """A ledger of the version before, with rows."""
    database = Database(f"sqlite:///{folder / 'ledger.db'}")
    engine = database.engine("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0016")
    engine.dispose()
    database.mark()
    with using(database) as connection:
        connection.executescript(ROWS + more)
    return database


def migrated(database: Database) -> None:
    engine = database.engine("BEGIN IMMEDIATE")
    schema.migrate(engine)
    engine.dispose()


@contextmanager
def using(database: Database) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


def rows(database: Database, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    with using(database) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608


def made(database: Database) -> set[tuple[str, str, str]]:
    with using(database) as connection:
        query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        return {(kind, name, " ".join(sql.replace('"', "").split())) for kind, name, sql in connection.execute(query)}


def test_every_row_is_kept_with_what_refers_to_it(tmp_path: Path) -> None:
    database = earlier(tmp_path)
    names = (*TABLES, "reviews", "changes")
    before = rows(database, *names)
    migrated(database)
    after = rows(database, *names)
    # A column that came later is behind those that were there.
    assert {
        name: [row[: len(one)] for row, one in zip(after[name], before[name], strict=True)] for name in names
    } == before
    assert examine(database).findings == ()
    with using(database) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM changes")
    with using(database) as connection:
        connection.execute("DELETE FROM runs")
    assert rows(database, "attempts", "entries", "reviews") == {"attempts": [], "entries": [], "reviews": []}


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE api_keys SET spent_nano_usd = 9e15, held_nano_usd = -5",
        "UPDATE entries SET prompt_tokens = 4611686018427387904, cached_tokens = -1",
        "UPDATE entries SET hold_nano_usd = 10 WHERE state = 'settled'",
        "UPDATE key_days SET counted_nano_usd = 1.5e19",
        "UPDATE runs SET cost_nano_usd = 9e18; UPDATE attempts SET cost_nano_usd = -1",
    ],
)
def test_what_the_entries_say_is_put_right(tmp_path: Path, broken: str) -> None:
    database = earlier(tmp_path, broken)
    migrated(database)
    assert examine(database).findings == ()
    with using(database) as connection:
        query = "SELECT granted_nano_usd, spent_nano_usd, held_nano_usd FROM api_keys"
        assert connection.execute(query).fetchall() == [(1000, 300, 70)]
        assert connection.execute("SELECT cost_nano_usd FROM runs").fetchall() == [(300,)]


def test_a_claim_beyond_any_call_costs_what_was_held(tmp_path: Path) -> None:
    claimed = (
        "UPDATE entries SET cost_nano_usd = 9e15 WHERE state = 'settled'; UPDATE api_keys SET spent_nano_usd = 9e15"
    )
    database = earlier(tmp_path, claimed)
    migrated(database)
    with using(database) as connection:
        assert connection.execute("SELECT spent_nano_usd FROM api_keys").fetchall() == [(400,)]
        assert connection.execute("SELECT counted_nano_usd FROM key_days").fetchall() == [(470,)]


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("UPDATE credits SET amount_nano_usd = 'much'", "credits.amount_nano_usd in row 1 .* is 'much'"),
        ("UPDATE entries SET hold_nano_usd = -1 WHERE state = 'held'", "entries.hold_nano_usd in row 2 .* is '-1'"),
        ("UPDATE api_keys SET day_nano_usd = -1", "api_keys.day_nano_usd in row 1"),
    ],
)
def test_what_nothing_says_stops_with_the_row_and_changes_nothing(tmp_path: Path, broken: str, named: str) -> None:
    database = earlier(tmp_path, broken)
    before = made(database), rows(database, *TABLES)
    with pytest.raises(LedgerError, match=named) as raised:
        migrated(database)
    assert "UPDATE" in (raised.value.hint or "")
    assert (made(database), rows(database, *TABLES)) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys SET spent_nano_usd = 9e18",
        "UPDATE api_keys SET held_nano_usd = held_nano_usd - 71",
        "UPDATE api_keys SET spent_nano_usd = 0.5",
        "UPDATE api_keys SET day_nano_usd = 1e30",
        "UPDATE entries SET cost_nano_usd = hold_nano_usd + 1",
        "UPDATE entries SET hold_nano_usd = 1000000000001",
        "UPDATE entries SET prompt_tokens = 4611686018427387904",
        "UPDATE credits SET amount_nano_usd = -1",
        "UPDATE key_days SET counted_nano_usd = -1",
        "UPDATE runs SET cost_nano_usd = 'much'",
        "UPDATE attempts SET completion_tokens = -1",
    ],
)
def test_the_database_refuses_what_is_out_of_range(tmp_path: Path, statement: str) -> None:
    database = earlier(tmp_path)
    migrated(database)
    with using(database) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)

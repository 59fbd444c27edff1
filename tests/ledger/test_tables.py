"""A ledger is as its tables are declared, also one that an earlier Firstline made, and refuses what does not fit."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from firstline.errors import LedgerError
from firstline.ledger import schema
from firstline.ledger.database import Database
from firstline.ledger.tables import metadata

ROWS = """
INSERT INTO runs (id, session, task, version, input_sha256, created) VALUES ('r', 's', 't', 'v', 'x', 1);
INSERT INTO entries (run_id, position, model, state, hold_nano_usd, created) VALUES ('r', 0, 'm', 'settled', 9, 1.5);
INSERT INTO claims (id, key_id, name, request, session, state, status, body, bytes, cut, created, expires)
    VALUES ('c', '', 'n', 'POST /', 's', 'done', 200, x'00ff', 2, 1, 1, 2.5);
INSERT INTO files (id, sha256, bytes, filename, purpose, created) VALUES ('f', 'x', 4000000000, 'a', 'batch', 1);
INSERT INTO stored_completions (id, model, request, response, created, expires) VALUES ('s', 'm', '{}', '{}', 1, 2);
INSERT INTO stored_metadata (completion_id, name, value) VALUES ('s', 'n', '12');
INSERT INTO changes (at, actor_kind, actor_id, actor_name, action, subject, details)
    VALUES (1.0, 'user', 'u', 'u', 'key.make', 'k', '{}');
"""
FILLED = ("runs", "entries", "claims", "files", "stored_completions", "stored_metadata", "changes")


def facts(path: Path) -> dict[str, dict[str, Any]]:
    """What SQLite knows of each table, in no order: columns, keys, rules, indexes, and whether it is STRICT."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
        ).fetchall()
        return {name: _facts(connection, name, _plain(sql)) for name, sql in tables}


def _facts(connection: sqlite3.Connection, name: str, sql: str) -> dict[str, Any]:
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (name,))
    return {
        "strict": sql.endswith("STRICT"),
        "columns": sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({name})")),
        "references": sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")),
        "rules": sorted(re.findall(r"CONSTRAINT (\w+) CHECK \(([^)]*)\)", sql)),
        "names": sorted(re.findall(r"CONSTRAINT (\w+)", sql)),
        "indexes": sorted((one, _plain(made or "")) for one, made in indexes),
    }


def _plain(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())


def at_version(folder: Path, version: str, rows: str = "") -> Database:
    """A ledger as an earlier Firstline left it."""
    database = Database(f"sqlite:///{folder / 'ledger.db'}")
    engine = database.engine("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        connection.executescript(rows)
    return database


def migrated(database: Database) -> None:
    engine = database.engine("BEGIN IMMEDIATE")
    schema.migrate(engine)
    engine.dispose()


def kept(database: Database) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(database.path)) as connection:
        connection.row_factory = sqlite3.Row
        return {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in FILLED}  # noqa: S608


@pytest.mark.parametrize("version", ["", "0012", "0016", "0017", "0018"])
def test_a_migrated_ledger_is_as_the_tables_are_declared(tmp_path: Path, version: str) -> None:
    database = at_version(tmp_path, version or "base")
    migrated(database)
    declared = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    metadata.create_all(declared)
    declared.dispose()
    found, expected = facts(Path(database.path)), facts(tmp_path / "declared.db")
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name] == expected[name], name
        assert found[name]["strict"], name


def test_rows_come_through_and_what_was_claimed_is_nothing(tmp_path: Path) -> None:
    database = at_version(tmp_path, "0018", ROWS)
    before = kept(database)
    migrated(database)
    after = kept(database)
    assert [entry.pop("surplus_tokens") + entry.pop("surplus_nano_usd") for entry in after["entries"]] == [0]
    assert [run.pop("purged") for run in after["runs"]] == [None]
    assert [row.pop("claim") for row in after["files"]] == [None]
    assert after == before
    with closing(sqlite3.connect(database.path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append"):
        connection.execute("DELETE FROM changes")


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("UPDATE files SET bytes = -1", r"files.bytes in row 1 .* '-1'"),
        ("UPDATE files SET bytes = 1.5", r"files.bytes in row 1 .* '1.5'"),
        ("UPDATE claims SET expires = 'soon'", r"claims.expires in row 1 .* 'soon'"),
        ("UPDATE stored_completions SET request = x'ff'", r"stored_completions.request in row 1"),
    ],
)
def test_what_does_not_fit_stops_with_its_row_and_changes_nothing(tmp_path: Path, broken: str, named: str) -> None:
    database = at_version(tmp_path, "0018", ROWS + broken)
    before = facts(Path(database.path)), kept(database)
    with pytest.raises(LedgerError, match=named):
        migrated(database)
    assert (facts(Path(database.path)), kept(database)) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE files SET bytes = -1",
        "UPDATE files SET filename = x'00'",
        "UPDATE claims SET status = 'ok'",
        "UPDATE claims SET created = 'today'",
        "UPDATE stored_completions SET bytes = 2.5",
        "UPDATE entries SET surplus_tokens = 1000000001",
        "UPDATE entries SET surplus_nano_usd = -1",
    ],
)
def test_every_table_refuses_what_does_not_fit(tmp_path: Path, statement: str) -> None:
    database = at_version(tmp_path, "0018", ROWS)
    migrated(database)
    with closing(sqlite3.connect(database.path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)

"""Brings a ledger to the newest numbered migration, under a lock that keeps a second process waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from firstline.errors import LedgerError

MIGRATIONS = Path(__file__).parent / "migrations"


def head() -> str | None:
    """Return the newest version that this Firstline knows."""
    return _scripts().get_current_head()


def versions() -> frozenset[str]:
    """Return every version that this Firstline knows."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


def revision(connection: sqlite3.Connection) -> str | None:
    """Return the version of a ledger; None where there is none. Raises sqlite3.Error."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
    return None if found is None else str(found[0])


def migrate(engine: Engine) -> None:
    """Run what is missing, in one transaction. Raises LedgerError for a ledger that a newer Firstline has written."""
    config, scripts = _config(), _scripts()
    with engine.connect() as connection, _without_references(connection), connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        known = {script.revision for script in scripts.walk_revisions()}
        if current is not None and current not in known:
            raise LedgerError(
                f"the ledger has version {current}, which this Firstline does not know",
                hint="it was written by a newer Firstline: upgrade, or set data_dir to another folder",
            )
        _upgrade(config, connection)


@contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """Enforce no foreign keys: a table that is made anew would take with it what refers to it."""
    # Said to the driver, before the transaction: within one SQLite ignores it.
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _upgrade(config: Config, connection: Connection) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

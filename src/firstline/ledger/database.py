"""The file of the ledger: made for its owner alone, opened, and missed where it is lost.

Once an API key was made every request needs one. A ledger that was lost must not change that: a new, empty one would
let everybody in. So a marker lies beside the ledger from the first key on, and where it lies a ledger without keys is
not opened. A ledger that is taken away or replaced while it is open is refused from then on.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, exists, select
from sqlalchemy.engine import make_url

from firstline import disk
from firstline.errors import LedgerError, LedgerLostError
from firstline.ledger.tables import api_keys

BUSY_S = 10.0
"""How long a writer waits for another process."""

MARKER = "keys-were-made"
_MARKER_WORDS = """\
API keys were made with the ledger in this folder (ledger.db). As long as this file is here Firstline opens no ledger
without keys, because everybody could use it. To go on, put a backup back: firstline ledger restore FILE
To begin anew without keys, delete this file.
"""
_COMPANIONS = ("", "-wal", "-shm", "-journal")


class Database:
    """The file at an address such as `sqlite:////path/ledger.db`. Raises LedgerError for another address.

    `busy_s` is how long a write waits for another process, in seconds.
    """

    def __init__(self, url: str, *, busy_s: float = BUSY_S) -> None:
        self.busy_s = busy_s
        database = make_url(url).database
        if not url.startswith("sqlite:") or not database or database == ":memory:":
            raise LedgerError(f"not an address of a ledger: {url}", hint="it is a file: sqlite:////path/ledger.db")
        self.url = url
        self.path = Path(database)
        self.sessions = self.path.with_name(self.path.name + ".sessions")
        self.marker = self.path.with_name(MARKER)
        self._seen: tuple[int, int] | None = None

    @property
    def files(self) -> list[Path]:
        """The files of the database that exist: itself, and what SQLite keeps beside it."""
        paths = [self.path.with_name(self.path.name + suffix) for suffix in _COMPANIONS]
        return [path for path in paths if path.exists()]

    def make_folder(self) -> None:
        """Make the folder. Raises LedgerLostError where the file is missing although keys were made, and OSError."""
        disk.make_folder(self.path.parent)
        if self.marker.exists() and not (self.path.exists() and self.path.stat().st_size):
            raise self._lost(f"the ledger {self.path} is gone, and it had API keys")

    def make_file(self) -> None:
        """Make the file where it is missing; its owner alone may read it, also where others could. Raises OSError."""
        disk.make_file(self.path)
        for path in (*self.files, self.sessions, self.marker):
            disk.tighten(path)

    def admit(self, connection: Connection) -> None:
        """Compare the marker with the keys there are, and remember which file this is.

        Raises LedgerLostError where keys were made and none is there, and OSError.
        """
        has_keys = bool(connection.execute(select(exists(api_keys))).scalar_one())
        if has_keys:
            self.mark()
        elif self.marker.exists():
            raise self._lost(f"the ledger {self.path} has no API key, but keys were made")
        self._seen = self._identity()

    def mark(self) -> None:
        """Write down that keys were made. Raises OSError."""
        if not self.marker.exists():
            disk.write_file(self.marker, _MARKER_WORDS.encode())

    def check_present(self) -> None:
        """Raise LedgerLostError where the file is another one than was opened, or none."""
        if self._identity() != self._seen:
            raise LedgerLostError(
                "the ledger was taken away or replaced while it was open",
                hint="stop every Firstline process, put the file or a backup back (firstline ledger restore FILE) "
                "and start again",
            )

    def sync(self) -> None:
        """Wait until what is committed is on the disk. Raises OSError.

        It syncs the write-ahead log, as SQLite's `synchronous = FULL` does with every commit, those of free calls too.
        """
        with self.path.with_name(self.path.name + "-wal").open("rb+") as log:
            getattr(os, "fdatasync", os.fsync)(log.fileno())  # nothing depends on the times of the file

    def empty_log(self) -> bool:
        """Copy the write-ahead log into the file and empty it; returns False where others read or write just now.

        The log holds pages as they were before: what was overwritten in the file may still lie there. Raises
        sqlite3.Error.
        """
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def engine(self, begin: str | None) -> Engine:
        """Make an engine whose transactions begin with these words; None leaves it to who uses it."""
        engine = create_engine(self.url, pool_size=1, max_overflow=0, pool_reset_on_return=None)

        @event.listens_for(engine, "connect")
        def _connected(connection: sqlite3.Connection, _record: object) -> None:
            # The driver would begin transactions of its own, late and never IMMEDIATE.
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {int(self.busy_s * 1000)}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            # What is deleted is overwritten: inputs hold what people wrote.
            connection.execute("PRAGMA secure_delete = ON")

        if begin is not None:

            @event.listens_for(engine, "begin")
            def _begun(connection: Connection) -> None:
                connection.exec_driver_sql(begin)

        return engine

    def _identity(self) -> tuple[int, int] | None:
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_dev, seen.st_ino

    def _lost(self, what: str) -> LedgerLostError:
        hint = f"`firstline ledger restore FILE` puts a backup back; to begin anew without keys, delete {self.marker}"
        return LedgerLostError(f"{what}: without it everybody could ask", hint=hint)

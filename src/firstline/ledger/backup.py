"""A backup is one SQLite file: the tables of the ledger as they were at one moment, and the bytes that its rows name.

The bytes are in the table `stored_bytes`, in pieces. It is made while servers write, and put back while none is alive.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from firstline import disk
from firstline.errors import ConflictError, LedgerError, LedgerLostError, UsageError
from firstline.ledger import schema
from firstline.ledger.check import NAMED, Kind, pages, read_only
from firstline.ledger.database import BUSY_S, Database
from firstline.ledger.session import living, opening
from firstline.types import Value

_PIECE = 4_000_000
_TABLE = """
    CREATE TABLE stored_bytes (kind TEXT NOT NULL, name TEXT NOT NULL, piece INTEGER NOT NULL, data BLOB NOT NULL,
                               PRIMARY KEY (kind, name, piece))"""
_GONE: Mapping[Kind, str] = {
    "files": "DELETE FROM files WHERE sha256 = ?",
    "inputs": "DELETE FROM inputs WHERE sha256 IN (SELECT input_sha256 FROM input_files WHERE sha256 = ?)",
    "students": "DELETE FROM students WHERE sha256 = ?",
}


class BackedUp(Value, frozen=True, kw_only=True):
    """A backup that was made: how many contents and taught tasks are in it, and which that rows name are not, because
    they are missing or damaged."""

    contents: int
    bytes: int
    missing: tuple[str, ...]


class Restored(Value, frozen=True, kw_only=True):
    """A backup that was put back: how many contents came with it, and where the ledger before lies (None: there was
    none)."""

    contents: int
    aside: Path | None


Bytes = Callable[[Kind, str], Path]
"""Says where the bytes of a sha256 lie."""


def back_up(database: Database, target: Path, *, lies: Bytes, taught: Path) -> BackedUp:
    """Write a backup; a file of that name is replaced when the new one is whole. Blocks.

    Raises LedgerError where the ledger cannot be read, and UsageError where the file cannot be written.
    """
    if not database.path.exists():
        raise LedgerError(f"there is no ledger at {database.path}", hint="`firstline doctor` says where it lies")
    fresh = target.with_name(target.name + ".new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        disk.open_new(fresh).close()
        with closing(read_only(database)) as live, closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
            live.backup(copy)
            done = _add_bytes(copy, live, lies, taught)
            if broken := pages(copy):
                raise LedgerError(f"the ledger is damaged: {broken[0]}", hint="`firstline ledger check` says more")
        with fresh.open("rb+") as file:
            disk.sync(file)
        fresh.replace(target)
        disk.sync_folder(target.parent)
    except sqlite3.Error as error:
        raise LedgerError(f"the backup cannot be made: {error}", hint="`firstline ledger check` says more") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return done


def restore(
    database: Database, source: Path, *, put: Callable[[Kind, str, Path], None], taught: Path, stamp: str
) -> Restored:
    """Put a backup in the place of the ledger, which is kept aside under `stamp`. Blocks.

    `put` places the bytes of a sha256 from a file. Raises UsageError for a file that is no backup, ConflictError
    while a process has the ledger open, LedgerLostError for a backup without keys where keys were made, and
    LedgerError.
    """
    disk.make_folder(database.path.parent)
    try:
        with opening(database.sessions, BUSY_S), closing(_opened(source)) as backup:
            if alive := living(database.sessions):
                raise ConflictError(
                    f"{len(alive)} process(es) have the ledger open", hint="stop every Firstline process, then again"
                )
            has_keys = bool(backup.execute("SELECT EXISTS (SELECT 1 FROM api_keys)").fetchone()[0])
            if database.marker.exists() and not has_keys:
                hint = f"take a later backup; to serve without keys, delete {database.marker} first"
                raise LedgerLostError(f"{source} has no API key, but keys were made", hint=hint)
            count = _put_bytes(backup, put, taught)
            fresh = database.path.with_name(database.path.name + ".new")
            _copy_rows(backup, fresh)
            aside = _move_aside(database, stamp)
            fresh.replace(database.path)
            disk.sync_folder(database.path.parent)
            if has_keys:
                database.mark()
    except sqlite3.Error as error:
        raise LedgerError(f"the backup cannot be put back: {error}") from error
    except OSError as error:
        raise LedgerError(f"the backup cannot be put back: {error.strerror}", hint="make room in data_dir") from error
    return Restored(contents=count, aside=aside)


def _opened(source: Path) -> sqlite3.Connection:
    """Open a backup. Raises UsageError for a file that is none, or is damaged or of a newer Firstline."""
    hint = "`firstline ledger backup FILE` makes one"
    if not source.is_file():
        raise UsageError(f"{source} does not exist", hint=hint)
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        if broken := pages(connection):
            raise UsageError(f"{source} is no backup, or damaged: {broken[0]}", hint=hint)
        version = schema.revision(connection)
        if version is None:
            raise UsageError(f"{source} is no ledger", hint=hint)
        if version not in schema.versions():
            raise UsageError(f"{source} has version {version}, which this Firstline does not know", hint="upgrade it")
    except (UsageError, sqlite3.Error):
        connection.close()
        raise
    return connection


def _add_bytes(copy: sqlite3.Connection, live: sqlite3.Connection, lies: Bytes, taught: Path) -> BackedUp:
    copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
    copy.execute("PRAGMA foreign_keys = ON")
    copy.execute("BEGIN")
    copy.execute(_TABLE)
    count = size = 0
    missing = []
    for kind, query in NAMED.items():
        for (name,) in copy.execute(query).fetchall():
            written = _add_file(copy, kind, name, lies(kind, name), sha256=name)
            if written is not None:
                count, size = count + 1, size + written
            elif name in {row[0] for row in live.execute(f"{query} WHERE sha256 = ?", [name])}:
                missing.append(f"{kind}/{name}")
            else:
                copy.execute(_GONE[kind], [name])  # deleted since the copy was made, with its bytes
    for path in sorted(taught.glob("*.toml")):
        _add_file(copy, "taught", path.stem, path)
    copy.execute("COMMIT")
    return BackedUp(contents=count, bytes=size, missing=tuple(missing))


def _add_file(copy: sqlite3.Connection, kind: str, name: str, path: Path, *, sha256: str | None = None) -> int | None:
    """Add a file in pieces; returns its size. None where it is gone or has not the sha256: nothing is added then."""
    copy.execute("SAVEPOINT one")
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            for piece, data in enumerate(iter(lambda: file.read(_PIECE), b"")):
                digest.update(data)
                size += len(data)
                copy.execute("INSERT INTO stored_bytes VALUES (?, ?, ?, ?)", (kind, name, piece, data))
            if not size:
                copy.execute("INSERT INTO stored_bytes VALUES (?, ?, 0, x'')", (kind, name))
    except OSError:
        digest.update(b"unreadable")
    if sha256 in (None, digest.hexdigest()):
        copy.execute("RELEASE one")
        return size
    copy.execute("ROLLBACK TO one")
    copy.execute("RELEASE one")
    return None


def _put_bytes(backup: sqlite3.Connection, put: Callable[[Kind, str, Path], None], taught: Path) -> int:
    if not backup.execute("SELECT 1 FROM sqlite_master WHERE name = 'stored_bytes'").fetchone():
        return 0
    count = 0
    scratch = taught.with_name("restore.part")
    try:
        for kind in NAMED:
            for (name,) in backup.execute("SELECT DISTINCT name FROM stored_bytes WHERE kind = ?", [kind]).fetchall():
                with disk.open_new(scratch) as file:
                    file.writelines(_pieces(backup, kind, name))
                    disk.sync(file)
                put(kind, name, scratch)
                count += 1
    finally:
        scratch.unlink(missing_ok=True)
    for (name,) in backup.execute("SELECT DISTINCT name FROM stored_bytes WHERE kind = 'taught'").fetchall():
        if Path(name).name == name:  # a name, and no path
            disk.make_folder(taught)
            disk.write_file(taught / f"{name}.toml", b"".join(_pieces(backup, "taught", name)))
    return count


def _pieces(backup: sqlite3.Connection, kind: str, name: str) -> Iterator[bytes]:
    query = "SELECT data FROM stored_bytes WHERE kind = ? AND name = ? ORDER BY piece"
    return (row[0] for row in backup.execute(query, [kind, name]))


def _copy_rows(backup: sqlite3.Connection, fresh: Path) -> None:
    disk.open_new(fresh).close()
    with closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
        backup.backup(copy)
        copy.execute("DROP TABLE IF EXISTS stored_bytes")
        copy.execute("VACUUM")
    with fresh.open("rb+") as file:
        disk.sync(file)


def _move_aside(database: Database, stamp: str) -> Path | None:
    aside = database.path.with_name(f"{database.path.name}.before-{stamp}")
    there = database.files
    for path in there:
        shutil.move(path, aside.with_name(aside.name + path.name.removeprefix(database.path.name)))
    return aside if there else None

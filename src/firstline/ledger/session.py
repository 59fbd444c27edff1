"""Which process makes a run, and whether it still lives.

Several processes share one ledger file: the server's workers, the command line. Each holds a lock file of its own for
as long as it lives; the operating system lets go of the lock however the process ends, so a lock that can be taken
means that its runs were cut off. The lock is SQLite's own, which works the same on every platform.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from firstline import disk


class Session:
    """The lock file of one process, held until `close` or the end of the process."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder
        self._path = folder / f"{name}.lock"
        disk.make_folder(folder)
        disk.make_file(self._path)
        self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN EXCLUSIVE")

    def alive(self, name: str) -> bool:
        """Say whether the process of another session still lives."""
        return is_alive(self.folder, name)

    def close(self) -> None:
        """Let go of the lock and remove its file."""
        self._connection.close()
        _remove(self._path)


def is_alive(folder: Path, name: str) -> bool:
    """Say whether the process that holds this lock still lives. A lock that nobody holds is removed."""
    path = folder / f"{name}.lock"
    if not path.exists():
        return False
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    _remove(path)
    return False


def _remove(path: Path) -> None:
    """Remove a lock file, and the journal that SQLite left beside it where its process was killed."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def living(folder: Path) -> list[str]:
    """Return the sessions whose processes still live."""
    names = [path.stem for path in sorted(folder.glob("*.lock")) if path.stem != "opening"]
    return [name for name in names if is_alive(folder, name)]


@contextmanager
def opening(folder: Path, timeout_s: float) -> Iterator[None]:
    """Keep other processes from opening the same ledger meanwhile. Raises sqlite3.Error if they take too long.

    SQLite has no lock of its own for this: the first that open a new file together would turn it to WAL together,
    and that it refuses at once instead of waiting.
    """
    disk.make_folder(folder)
    disk.make_file(folder / "opening.lock")
    with closing(sqlite3.connect(folder / "opening.lock", timeout=timeout_s, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield

"""Bytes in a folder, each content once and named by its sha256.

Bytes go to a part file first and get their name when they are whole and on disk, so that what has a name is never half
there. They are placed before the row that names them is written, and removed after the commit that took the last such
row away (`ledger/contents.py`); what a crash leaves between the two is taken away by `sweep`. Bytes that are read are
held against their name each time; those that are sent from the disk once a change of the file. All methods block.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from firstline import disk, patterns
from firstline.errors import ContentsDamagedError
from firstline.ledger.contents import NamedBytes

ORPHAN_S = 3600.0
"""How long bytes that no row names are left alone: their row may be about to be written."""
PART_S = 86_400.0
"""How long a part file is left alone: an upload may take that long."""

_PART = ".part"
_NAME = patterns.compile(r"[0-9a-f]{64}")
_MOST_SEEN = 10_000
_LOG = logging.getLogger("firstline.contents")


class _Stamp(NamedTuple):
    """What of a file changes with its bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Contents:
    """The contents of one folder, which is made with the first of them.

    `noun` is what an error calls one of them, `mend` what a person does about a damaged one.
    """

    def __init__(self, root: Path, *, noun: str, mend: str) -> None:
        self._root = root
        self._noun = noun
        self._mend = mend
        self._right: dict[str, _Stamp] = {}

    def part(self) -> Path:
        """Name a new part file."""
        return self._root / f"{secrets.token_hex(16)}{_PART}"

    def begin(self, part: Path) -> BinaryIO:
        """Open a part file. Raises OSError."""
        disk.make_folder(self._root)
        return disk.open_new(part)

    def place(self, part: Path, sha256: str) -> None:
        """Return a whole part file, which is on disk, its name; the part stays as well. Raises OSError.

        Nothing happens where the bytes are there and right; damaged ones are replaced.
        """
        if self.holds(sha256):
            return
        path, named = self.path(sha256), self.part()
        disk.make_folder(self._root)
        disk.make_folder(path.parent)
        try:
            disk.copy_name(part, named)
            named.replace(path)
        finally:
            named.unlink(missing_ok=True)
        disk.sync_folder(path.parent)
        self._remember(sha256, _stamp(path.stat()))

    def put(self, data: bytes, sha256: str) -> None:
        """Write bytes unless they are there. Raises OSError."""
        if self.holds(sha256):
            return
        part = self.part()
        try:
            with self.begin(part) as handle:
                handle.write(data)
                disk.sync(handle)
            self.place(part, sha256)
        finally:
            part.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Say where the bytes of a sha256 lie."""
        return self._root / sha256[:2] / sha256

    def unchanged(self, sha256: str) -> bool:
        """Say by one look whether bytes are there as they were when they were last placed or found right."""
        try:
            return self._right.get(sha256) == _stamp(self.path(sha256).stat())
        except OSError:
            return False

    def holds(self, sha256: str) -> bool:
        """Say whether bytes are there and right."""
        try:
            self.checked(sha256)
        except (OSError, ContentsDamagedError):
            return False
        return True

    def checked(self, sha256: str) -> Path:
        """Say where bytes lie that are right; they are read once a change of the file.

        Raises FileNotFoundError and ContentsDamagedError.
        """
        path = self.path(sha256)
        try:
            with path.open("rb") as file:
                stamp = _stamp(os.fstat(file.fileno()))
                if self._right.get(sha256) != stamp:
                    self._compare(sha256, hashlib.file_digest(file, "sha256").hexdigest(), stamp.size)
                    self._remember(sha256, stamp)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unreadable(sha256, error) from error
        return path

    def read(self, sha256: str) -> bytes:
        """Read bytes. Raises FileNotFoundError and ContentsDamagedError."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unreadable(sha256, error) from error
        self._compare(sha256, hashlib.sha256(data).hexdigest(), len(data))
        return data

    def remove(self, sha256: str) -> None:
        """Take bytes away; nothing happens where they are not there. What cannot be removed is told in the log."""
        self._right.pop(sha256, None)
        try:
            self.path(sha256).unlink(missing_ok=True)
        except OSError as error:
            _LOG.error("%s cannot be removed: %s", self.path(sha256), error.strerror)

    def names(self) -> Iterator[str]:
        """Return the sha256 of everything that lies here."""
        found = (path.name for path in self._root.glob("??/*"))
        return (name for name in found if _NAME.fullmatch(name))

    def older(self, names: Iterable[str], before: float) -> list[str]:
        """Return those of some bytes that were written before a time (seconds since 1970)."""
        paths = {name: self.path(name) for name in sorted(names)}
        return [name for name, path in paths.items() if path.is_file() and path.stat().st_mtime < before]

    def drop_parts(self, before: float) -> None:
        """Take away part files that were last written before a time (seconds since 1970)."""
        for part in self._root.glob(f"*{_PART}"):
            if part.stat().st_mtime < before:
                part.unlink(missing_ok=True)

    def _compare(self, sha256: str, found: str, size: int) -> None:
        if found != sha256:
            self._right.pop(sha256, None)
            raise ContentsDamagedError(
                f"the bytes of a {self._noun} are damaged: {size:,} bytes with the sha256 {found[:12]}… lie where "
                f"those of {sha256[:12]}… should",
                hint=self._mend,
            )

    def _unreadable(self, sha256: str, error: OSError) -> ContentsDamagedError:
        return ContentsDamagedError(
            f"the bytes of a {self._noun} cannot be read: {sha256[:12]}…: {error.strerror}", hint=self._mend
        )

    def _remember(self, sha256: str, stamp: _Stamp) -> None:
        if len(self._right) >= _MOST_SEEN:
            self._right.clear()
        self._right[sha256] = stamp


async def sweep(contents: Contents, named: NamedBytes, now: float) -> int:
    """Take away bytes that no row names, and part files, where they are old; returns how many of the former.

    Raises LedgerError.
    """
    count, names = 0, await asyncio.to_thread(lambda: set(contents.names()))
    if unnamed := names - await named.all() if names else names:
        old = await asyncio.to_thread(contents.older, unnamed, now - ORPHAN_S)
        count = await named.let_go(old, contents.remove)
    await asyncio.to_thread(contents.drop_parts, now - PART_S)
    return count


def _stamp(seen: os.stat_result) -> _Stamp:
    return _Stamp(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)

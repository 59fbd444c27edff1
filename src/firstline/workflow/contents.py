"""Bytes in a folder, each content once and named by its sha256.

Bytes go to a part file first and get their name when they are whole, so that what has a name is never half there. A
part file that a crash left behind goes with `drop_parts`. All methods block.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PART = ".part"


class Contents:
    """The contents of one folder, which is made with the first of them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def part(self) -> Path:
        """Name a new part file."""
        return self._root / f"{secrets.token_hex(16)}{_PART}"

    def begin(self, part: Path) -> BinaryIO:
        """Open a part file. Raises OSError."""
        self._root.mkdir(parents=True, exist_ok=True)
        return part.open("wb")

    def place(self, part: Path, sha256: str) -> None:
        """Give a whole part file its name. Raises OSError."""
        path = self.path(sha256)
        path.parent.mkdir(exist_ok=True)
        part.replace(path)

    def put(self, data: bytes, sha256: str) -> None:
        """Write bytes unless they are there. Raises OSError."""
        if self.path(sha256).is_file():
            return
        part = self.part()
        try:
            with self.begin(part) as handle:
                handle.write(data)
            self.place(part, sha256)
        finally:
            part.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Say where the bytes of a sha256 lie."""
        return self._root / sha256[:2] / sha256

    def remove(self, sha256: str) -> None:
        """Take bytes away; nothing happens where they are not there."""
        self.path(sha256).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """Give the sha256 of everything that lies here."""
        return (path.name for path in self._root.glob("??/*"))

    def drop_parts(self, before: float) -> None:
        """Take away part files that were last written before a time (seconds since 1970)."""
        for part in self._root.glob(f"*{_PART}"):
            if part.stat().st_mtime < before:
                part.unlink(missing_ok=True)

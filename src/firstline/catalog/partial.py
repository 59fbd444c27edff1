"""A file on its way to disk: written and hashed at once, given its name only when the sha256 is right.

The bytes gather in `NAME.part` beside the target, so that a cut connection, Ctrl-C or a full disk leave something to
go on from, and a half-made file never bears the real name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from firstline import disk
from firstline.catalog.gguf import check_magic
from firstline.errors import WeightsDiskError, WeightsError, WeightsMismatchError

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SPARE = 16 << 20


class Partial:
    """The `.part` of one file; `limit` is the number of bytes past which it cannot be right (None: not known)."""

    def __init__(self, target: Path, *, limit: int | None) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.limit = limit
        self.size = 0
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def on_disk(self) -> int:
        """Bytes that an earlier try left."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, keep: int) -> None:
        """Open for writing after the first `keep` bytes, which are read once for the hash; the rest is dropped."""
        self.close()
        self._hash = hashlib.sha256()
        with disk_errors(self.target.parent):
            file = self.path.open("r+b" if self.path.exists() else "w+b")
            self._file = file
            file.truncate(keep)
            for chunk in iter(lambda: file.read(CHUNK), b""):
                self._hash.update(chunk)
        self.size = keep

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises WeightsDiskError for a full disk, WeightsMismatchError for more bytes than there can be."""
        assert self._file is not None, "begin() comes first"  # noqa: S101 - a mistake of ours, not of the input
        if self.limit is not None and self.size + len(chunk) > self.limit:
            self.discard()
            raise WeightsMismatchError(f"{self.target.name} is longer than the {self.limit:,} bytes it should have")
        with disk_errors(self.target.parent):
            self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def flush(self) -> None:
        """Hand what was written to the system, so that it outlives this process."""
        if self._file is not None:
            with disk_errors(self.target.parent):
                self._file.flush()

    def cut(self, size: int) -> None:
        """Drop what lies past `size`; `begin` must follow before more is written."""
        self.close()
        os.truncate(self.path, size)

    def finish(self, sha256: str) -> Path:
        """Check the sha256 and give the file its name.

        Raises WeightsMismatchError or, for a `.gguf` that is none, WeightsInvalidError; either way the file is gone.
        """
        assert self._file is not None, "begin() comes first"  # noqa: S101 - a mistake of ours, not of the input
        with disk_errors(self.target.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
        self.close()
        if (found := self._hash.hexdigest()) != sha256:
            self.discard()
            raise WeightsMismatchError(
                f"{self.target.name} has the sha256 {found}, not {sha256}; it was refused and removed",
                hint="the source serves other bytes, or the transfer was damaged; pull again or use another source",
            )
        if self.target.suffix == ".gguf":
            try:
                check_magic(self.path, self.target.name)
            except WeightsError:
                self.discard()
                raise
        with disk_errors(self.target.parent):
            self.path.replace(self.target)
            disk.sync_folder(self.target.parent)
        return self.target

    def discard(self) -> None:
        """Remove what was written."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what was written stays for the next try."""
        if self._file is not None:
            file, self._file = self._file, None
            with disk_errors(self.target.parent):
                file.close()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what a full or read-only disk raises into a WeightsDiskError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(folder) from error
        raise WeightsDiskError(
            f"{folder} cannot be written to: {error.strerror}",
            hint="`data_dir` says where the models lie; `firstline doctor` shows it",
        ) from error


def ensure_space(folder: Path, needed: int) -> None:
    """Raise WeightsDiskError when the disk has less room than `needed` bytes and a little to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise full(folder, f"{needed / 1e6:,.0f} MB more are needed, {free / 1e6:,.0f} MB are free")


def full(folder: Path, detail: str = "no room is left") -> WeightsDiskError:
    """Make the error of a full disk."""
    return WeightsDiskError(
        f"the disk of {folder} is full: {detail}",
        hint="make room, or set `data_dir` to another disk, and pull again: it goes on where it stopped",
    )


def digest(path: Path) -> str:
    """Return the sha256 of a file, read a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

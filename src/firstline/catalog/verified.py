"""Which weights were read and found right, so that a file is read again only once it has changed.

What is remembered lies beside each file as `NAME.verified`: the sha256, and what of a file changes with its bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from firstline import disk
from firstline.errors import WeightsMismatchError
from firstline.types import Value


class _Stamp(Value, frozen=True, kw_only=True):
    sha256: str
    bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Verified:
    """What is known of the files of one process. All methods block: a file of a gigabyte is read for seconds."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Stamp] = {}

    def check(self, path: Path, sha256: str, *, fresh: bool = False) -> None:
        """Read a file where it has changed since it was last found right, or `fresh`.

        Raises WeightsMismatchError where its bytes have another sha256, and OSError.
        """
        with path.open("rb") as file:
            stamp = _stamp(path, sha256)
            if not fresh and stamp in (self._seen.get(path), _kept(path)):
                self._seen[path] = stamp
                return
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise WeightsMismatchError(f"{path.name} is damaged: it has the sha256 {found}, not {sha256}")
        self._remember(path, stamp)

    def note(self, path: Path, sha256: str) -> None:
        """Remember a file that was read just now, and is right."""
        self._remember(path, _stamp(path, sha256))

    def _remember(self, path: Path, stamp: _Stamp) -> None:
        self._seen[path] = stamp
        try:
            disk.write_file(_beside(path), msgspec.json.encode(stamp))
        except OSError:
            return  # a folder that cannot be written to: this process remembers, the next one reads again


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _kept(path: Path) -> _Stamp | None:
    try:
        return msgspec.json.decode(_beside(path).read_bytes(), type=_Stamp)
    except (OSError, msgspec.DecodeError):
        return None


def _stamp(path: Path, sha256: str) -> _Stamp:
    seen = path.stat()
    return _Stamp(
        sha256=sha256,
        bytes=seen.st_size,
        mtime_ns=seen.st_mtime_ns,
        ctime_ns=seen.st_ctime_ns,
        inode=seen.st_ino,
    )

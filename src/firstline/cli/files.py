"""Files that commands write: as a whole or not at all, and what is wrong with their place said before the work."""

from __future__ import annotations

from pathlib import Path

from firstline.errors import UsageError


def replace_file(path: Path, data: bytes) -> None:
    """Write a file as a whole, with the folders that it stands in. Raises UsageError."""
    fresh = _fresh(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        raise _refused(path, error) from None


def check_place(path: Path) -> None:
    """Raise UsageError where a file could not be written, for work that takes long before it is."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    fresh = _fresh(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch()
        fresh.unlink()
    except OSError as error:
        raise _refused(path, error) from None


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _refused(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {error.strerror}")

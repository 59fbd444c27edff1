"""Folders and files that belong to their owner alone, written so that a power cut leaves them whole. All block.

What is made here may be read by its owner only, whatever the process's umask says. Windows has no such modes: there
the folder's own rules hold.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_OTHERS = 0o077
_NEW = os.O_CREAT | getattr(os, "O_BINARY", 0)
"""What is opened so is not handed on to child processes: Python sees to that."""


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, and those above it; one that exists is left as it is.

    Raises OSError.
    """
    if path.is_dir():
        return
    try:
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    restrict(path, FOLDER_MODE)
    sync_folder(path.parent)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner may read; one that exists is left as it is. Raises OSError."""
    if path.exists():
        return
    os.close(os.open(path, _NEW | os.O_WRONLY, FILE_MODE))
    restrict(path, FILE_MODE)


def open_new(path: Path) -> BinaryIO:
    """Open a file for writing from its beginning; only its owner may read it. Raises OSError."""
    handle = os.open(path, _NEW | os.O_WRONLY | os.O_TRUNC, FILE_MODE)
    restrict(path, FILE_MODE)
    return os.fdopen(handle, "wb")


def open_end(path: Path) -> BinaryIO:
    """Open a file for reading and for writing at its end; one that is made only its owner may read. Raises OSError."""
    make_file(path)
    return path.open("a+b")


def write_file(path: Path, data: bytes) -> None:
    """Write a file as a whole, in a folder that exists; it is on disk when this returns. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with open_new(fresh) as file:
        file.write(data)
        sync(file)
    fresh.replace(path)
    sync_folder(path.parent)


def sync(file: BinaryIO) -> None:
    """Wait until what was written to a file is on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk; systems that cannot sync a folder make renames durable alone."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_name(source: Path, target: Path) -> None:
    """Return a file a second name: the same file where the file system can, else a copy. Raises OSError."""
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as reading, open_new(target) as writing:
            shutil.copyfileobj(reading, writing)
            sync(writing)


def restrict(path: Path, mode: int) -> None:
    """Set the mode of what we own; of what another owns it stays. Raises OSError."""
    if sys.platform == "win32":
        return
    try:
        path.chmod(mode)
    except PermissionError:
        return


def is_open_to_others(path: Path) -> bool:
    """Say whether others than its owner may read or enter something that exists."""
    return sys.platform != "win32" and bool(path.stat().st_mode & _OTHERS)


def tighten(path: Path) -> None:
    """Take from others what they may read of a file, or of a folder with all that lies in it; links are not followed.

    A folder that is closed already is not looked into. Nothing happens where the path does not exist.
    """
    if path.is_symlink() or not path.exists() or not is_open_to_others(path):
        return
    if not path.is_dir():
        restrict(path, FILE_MODE)
        return
    for one in _inside(path):
        restrict(one, FOLDER_MODE if one.is_dir() else FILE_MODE)
    restrict(path, FOLDER_MODE)


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _inside(path)
        yield path

"""Files of JSON lines, one for each thing done, so that what was stopped goes on where it was. All functions block."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from firstline import disk
from firstline.errors import UsageError

T = TypeVar("T", bound=msgspec.Struct)


def read_kept(path: Path, kind: type[T], *, what: str) -> Iterator[T]:
    """Read the lines of a file, in order. Raises UsageError for one that is not `what` it should be.

    A last line that was cut is left out. A missing file holds none.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            if number == len(lines):
                continue
            hint = "delete the file and begin again"
            raise UsageError(f"{path.name}:{number}: not {what}: {error}", hint=hint) from None


def append_kept(path: Path, lines: Iterable[msgspec.Struct]) -> None:
    """Put lines at the end of a file, which is made where it is missing; a line cut before is let go.

    Raises OSError.
    """
    disk.make_folder(path.parent)
    with disk.open_end(path) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - 1, 0))
        if file.read(1) not in (b"", b"\n"):
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)

"""Builds what msgspec knows of our types before threads use them.

msgspec builds it when a type is decoded for the first time, without a lock: two threads that do so at once crash the
process (0.22). Built once, it is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def prepare_structs() -> None:
    """Build it for each struct that is loaded: about 50 ms for 600 of them. Call it before there are other threads."""
    for kind in {*_subclasses(msgspec.Struct)}:
        with suppress(TypeError, NameError):  # what cannot be decoded is decoded by nobody
            msgspec.json.Decoder(kind)


def _subclasses(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)

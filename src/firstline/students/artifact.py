"""A student as content: arrays and facts in one file, whose sha256 is its name. Pure.

The file is safetensors, so that reading it runs nothing, or that compressed (zlib). The same arrays and facts give the
same bytes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from firstline.errors import UsageError
from firstline.types import Json

FORMAT = 1
"""Raised by whoever changes what a student computes from its arrays: an older file is refused then."""

StudentKind = Literal["classify", "extract"]

_FACTS = "firstline"
_HEADER_BYTES = 8
_MOST_HEADER = 16_000_000
_COMPRESSED = b"firstline zlib\n"
"""Where a compressed file begins. No other one can: as the size of a header it would be beyond all bounds."""
_MOST_INFLATED = 256_000_000
_ANEW = "`firstline distill` makes it anew"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """What training gives and serving needs. `facts` are JSON: sizes, labels, the sha256 of an encoder; no dates."""

    kind: StudentKind
    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Json]


def pack(artifact: Artifact, *, compressed: bool = False) -> bytes:
    """Write a student's file; `compressed` for one that is to be small."""
    told = {"format": FORMAT, "kind": artifact.kind, **artifact.facts}
    facts = msgspec.json.encode(told, order="deterministic").decode()
    arrays = {name: np.ascontiguousarray(artifact.arrays[name]) for name in sorted(artifact.arrays)}
    data = save(arrays, metadata={_FACTS: facts})
    return _COMPRESSED + zlib.compress(data, 9) if compressed else data


def unpack(data: bytes) -> Artifact:
    """Read a student's file. Raises UsageError for one that is damaged, of another program or of another format."""
    try:
        if data.startswith(_COMPRESSED):
            data = _inflated(data[len(_COMPRESSED) :])
        size = int.from_bytes(data[:_HEADER_BYTES], "little")
        header = msgspec.json.decode(data[_HEADER_BYTES : _HEADER_BYTES + min(size, _MOST_HEADER)])
        facts = msgspec.json.decode(header["__metadata__"][_FACTS])
        arrays = load(data)
    except (SafetensorError, zlib.error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the student's file is damaged: {error}", hint=_ANEW) from None
    if facts.get("format") != FORMAT or facts.get("kind") not in ("classify", "extract"):
        raise UsageError(
            f"the student's file has format {facts.get('format')}, this version reads {FORMAT}", hint=_ANEW
        )
    kind: StudentKind = facts["kind"]
    rest = {name: value for name, value in facts.items() if name not in ("format", "kind")}
    return Artifact(kind=kind, arrays=arrays, facts=rest)


def _inflated(data: bytes) -> bytes:
    """Undo the compression. Raises ValueError for a file that ends early or would fill the memory."""
    reader = zlib.decompressobj()
    inflated = reader.decompress(data, _MOST_INFLATED)
    if not reader.eof:
        raise ValueError("it ends early or is too large")
    return inflated


def name_of(data: bytes) -> str:
    """Return the sha256 of a student's file."""
    return hashlib.sha256(data).hexdigest()

"""Tells a GGUF file from any other by its first bytes (the format's own document: docs/gguf.md of ggml)."""

from __future__ import annotations

from pathlib import Path

from firstline.errors import WeightsInvalidError

_MAGIC = b"GGUF"
_HEADER = 24  # magic, version (u32), number of tensors (u64), number of key-value pairs (u64)


def check_magic(path: Path, name: str) -> None:
    """Raise WeightsInvalidError for a file that is not a GGUF of a version llama.cpp reads (2 or 3)."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if not header.startswith(_MAGIC):
        raise WeightsInvalidError(
            f"{name} is not a GGUF file: it begins with {header[:4]!r}",
            hint="give the path of a .gguf file as llama.cpp's tools write it",
        )
    version = int.from_bytes(header[4:8], "little")
    if len(header) < _HEADER or version not in (2, 3):
        raise WeightsInvalidError(
            f"{name} is a GGUF file that cannot be read (version {version}, {path.stat().st_size:,} bytes)",
            hint="it may be cut short, of an old version or of the other byte order; convert or fetch it again",
        )

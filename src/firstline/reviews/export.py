"""Writes what people answered as a file of examples that `firstline eval` reads, pictures and PDFs beside it.

A line is `{"input": …, "expected": …}`. Of several answers to one input, asked with the same parameters, the last
counts: one input has one right answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from firstline.errors import ContentsDamagedError, NotFoundError, UsageError
from firstline.ledger.inputs import KeptFile, KeptInput, KeptText
from firstline.ledger.reviews import Example
from firstline.runs.inputs import Inputs
from firstline.types import Json, Value

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "application/pdf": ".pdf"}


class Exported(Value, frozen=True, kw_only=True):
    """How many examples and files were written; `without_source` are those whose input is not kept."""

    n: int
    files: int
    without_source: int


async def export(examples: Sequence[Example], inputs: Inputs, out: Path) -> Exported:
    """Write the examples whose input is kept. Raises UsageError for a path that cannot be written."""
    latest: dict[tuple[str, bytes], Example] = {}
    for example in examples:
        parameters = msgspec.json.encode(example.parameters, order="deterministic")
        latest[example.input_sha256, parameters] = example
    folder = f"{out.stem}_files"
    lines: list[bytes] = []
    files: dict[str, bytes] = {}
    for example in latest.values():
        kept = await inputs.find(example.input_sha256)
        if kept is None:
            continue
        try:
            read = {_name(file): await inputs.read(file) for file in kept.files}
        except (NotFoundError, ContentsDamagedError):
            continue
        files |= read
        lines.append(_line(example, _input(kept, folder)))
    await asyncio.to_thread(_write, out, folder, lines, files)
    return Exported(n=len(lines), files=len(files), without_source=len(latest) - len(lines))


def _line(example: Example, given: Json) -> bytes:
    line: dict[str, Json] = {"input": given, "expected": dict(example.expected)}
    parameters = {name: value for name, value in example.parameters.items() if value is not None}
    return msgspec.json.encode(line | ({"parameters": parameters} if parameters else {})) + b"\n"


def _input(kept: KeptInput, folder: str) -> Json:
    if len(kept.parts) == 1 and isinstance(kept.parts[0], KeptText):
        return kept.parts[0].text
    return [
        {"type": "text", "text": part.text}
        if isinstance(part, KeptText)
        else {"type": "image", "path": f"{folder}/{_name(part)}"}
        for part in kept.parts
    ]


def _name(file: KeptFile) -> str:
    return file.sha256 + _SUFFIXES.get(file.media_type, "")


def _write(out: Path, folder: str, lines: Sequence[bytes], files: Mapping[str, bytes]) -> None:
    """Write the files, then the lines that name them as a whole."""
    fresh = out.with_name(out.name + ".new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out.parent / folder).mkdir(exist_ok=True)
            (out.parent / folder / name).write_bytes(data)
        fresh.write_bytes(b"".join(lines))
        fresh.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None

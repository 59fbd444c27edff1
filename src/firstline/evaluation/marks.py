"""Marks of examples by which a student's lessons are known again, so that no promise is ever made by them. Pure.

An example is marked by the sha256 of its input and by that of its text, folded as near-duplicates are. So it is known
again however it is spaced, cased or punctuated, and a picture by its bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Set

from firstline.evaluation.examples import Row
from firstline.evaluation.folding import fold
from firstline.types import Text


def marks_of(rows: Iterable[tuple[Row, str]]) -> frozenset[int]:
    """Return the marks of rows, each with its text as it was read."""
    return frozenset(mark for row, text in rows for mark in (_of_input(row), *_of_text(text)))


def was_taught(row: Row, marks: Set[int]) -> bool:
    """Say whether a student with these marks learned from an example."""
    parts = row.given.parts
    text = "\n".join(part.text for part in parts if isinstance(part, Text))
    whole = all(isinstance(part, Text) for part in parts)
    return _of_input(row) in marks or (whole and not marks.isdisjoint(_of_text(text)))


def _of_input(row: Row) -> int:
    return int(row.given.sha256[:16], 16)


def _of_text(text: str) -> Iterator[int]:
    folded = fold(text)
    if folded:  # of nothing but signs and digits nothing is left that would tell texts apart
        yield int.from_bytes(hashlib.sha256(folded.encode()).digest()[:8])

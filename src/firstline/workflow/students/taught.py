"""Which examples a student learned from: marks in its file, so that no promise is ever made by them. Pure.

An example is marked by the sha256 of its input and by that of its text, folded as near-duplicates are. So it is known
again however it is spaced, cased or punctuated, and a picture by its bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Set

import numpy as np

from firstline.types import Text
from firstline.workflow.examples import Row
from firstline.workflow.folding import fold
from firstline.workflow.students.artifact import Artifact

_ARRAY = "taught"


def marked(artifact: Artifact, rows: Iterable[tuple[Row, str]]) -> Artifact:
    """Put the marks of what a student was taught, each row with its text as it was read, into what is kept of it."""
    marks = {mark for row, text in rows for mark in (_of_input(row), *_of_text(text))}
    told = np.array(sorted(marks), dtype=np.uint64)
    return dataclasses.replace(artifact, arrays={**artifact.arrays, _ARRAY: told})


def marks_in(artifact: Artifact) -> frozenset[int]:
    """Return the marks that a student's file has; a shipped one learned from no example of anybody's."""
    found = artifact.arrays.get(_ARRAY)
    return frozenset() if found is None else frozenset(found.tolist())


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

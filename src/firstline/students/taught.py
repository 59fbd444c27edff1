"""Which examples a student learned from: their marks (`evaluation/marks.py`) in its file. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from firstline.evaluation.examples import Row
from firstline.evaluation.marks import marks_of
from firstline.students.artifact import Artifact

_ARRAY = "taught"


def marked(artifact: Artifact, rows: Iterable[tuple[Row, str]]) -> Artifact:
    """Put the marks of what a student was taught, each row with its text as it was read, into what is kept of it."""
    told = np.array(sorted(marks_of(rows)), dtype=np.uint64)
    return dataclasses.replace(artifact, arrays={**artifact.arrays, _ARRAY: told})


def marks_in(artifact: Artifact) -> frozenset[int]:
    """Return the marks that a student's file has; a shipped one learned from no example of anybody's."""
    found = artifact.arrays.get(_ARRAY)
    return frozenset() if found is None else frozenset(found.tolist())

"""Boosted trees as arrays, evaluated with NumPy alone: a sum of one leaf a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """Nodes of all trees in one row, each tree's from its root on, a node's left child right behind it.

    feature (nodes,) uint16; skip (nodes,) uint16: how far behind a node its right child stands, 0 for a leaf; number
    (nodes,) float32: of an inner node its threshold (not above goes left), of a leaf what it adds; roots (trees,)
    int32. `depth` is the longest way to a leaf, `base` what a sum begins with.
    """

    feature: NDArray[np.uint16]
    skip: NDArray[np.uint16]
    number: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int
    base: float

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of every row; shape (rows,) from (rows, features)."""
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        row = np.arange(len(rows))[:, None]
        skip = self.skip.astype(np.int32)
        for _ in range(self.depth):
            goes_left = rows[row, self.feature[at]] <= self.number[at]
            far = skip[at]
            at += np.where(goes_left & (far > 0), 1, far)
        total: NDArray[np.float64] = self.number[at].sum(axis=1, dtype=np.float64) + self.base
        return total

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a student's file."""
        return {
            f"{name}.feature": self.feature,
            f"{name}.skip": self.skip,
            f"{name}.number": self.number,
            f"{name}.roots": self.roots,
            f"{name}.rest": np.array([self.depth, self.base]),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Trees:
        """Take the trees from a student's arrays. Raises KeyError where one is missing."""
        rest = arrays[f"{name}.rest"]
        return cls(
            feature=arrays[f"{name}.feature"],
            skip=arrays[f"{name}.skip"],
            number=arrays[f"{name}.number"],
            roots=arrays[f"{name}.roots"],
            depth=int(rest[0]),
            base=float(rest[1]),
        )

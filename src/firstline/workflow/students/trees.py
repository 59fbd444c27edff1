"""Boosted trees as arrays, evaluated with NumPy alone: a sum of one leaf a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """Nodes of all trees in one row; `roots` are the first nodes. A node without children has `left` of itself.

    feature (nodes,) int32, threshold (nodes,) float64: not above goes left; left, right (nodes,) int32; value (nodes,)
    float64, 0 for inner nodes. `depth` is the longest way to a leaf, `base` what a sum begins with.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]
    depth: int
    base: float

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the log-odds of every row; shape (rows,) from (rows, features)."""
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[row, self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        total: NDArray[np.float64] = self.value[at].sum(axis=1) + self.base
        return total

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Give the arrays of a student's file."""
        return {
            f"{name}.feature": self.feature,
            f"{name}.threshold": self.threshold,
            f"{name}.left": self.left,
            f"{name}.right": self.right,
            f"{name}.value": self.value,
            f"{name}.roots": self.roots,
            f"{name}.rest": np.array([self.depth, self.base]),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Trees:
        """Take the trees from a student's arrays. Raises KeyError where one is missing."""
        rest = arrays[f"{name}.rest"]
        return cls(
            feature=arrays[f"{name}.feature"],
            threshold=arrays[f"{name}.threshold"],
            left=arrays[f"{name}.left"],
            right=arrays[f"{name}.right"],
            value=arrays[f"{name}.value"],
            roots=arrays[f"{name}.roots"],
            depth=int(rest[0]),
            base=float(rest[1]),
        )

"""Recorded attempts as arrays: n examples, R rungs, F fields; what fitting, choosing and testing compute on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RIGHT, WRONG, UNLABELLED = 1, 0, -1


@dataclass(frozen=True, kw_only=True)
class Table:
    """What every rung made of every example, as if every field had come to it.

    `signals[r]` has shape (n, F, len(names[r])), NaN where a signal is missing. `passed` (n, R, F): the declared checks
    let the value stand, the rungs before having been asked; `signals_alone` and `passed_alone` are the same with no
    rung asked before: they hold as soon as an earlier rung was left out.
    `right` (n, R, F): RIGHT, WRONG or UNLABELLED. `answered` (n, R): the rung gave an answer. `money` (n, R) in
    nano-USD, `seconds` (n, R). `classes` (n, R): index into `labels` of the label a rung named (classify; else all 0);
    `outside` is the index of the label for out of scope (None: there is none); `truth` (n,): index of the right label
    (-1: unknown). `length` (n,): characters of the source. `groups` (n,): near-duplicates share a number.
    """

    models: tuple[str, ...]
    fields: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    signals: tuple[Floats, ...]
    signals_alone: tuple[Floats, ...]
    passed: Bools
    passed_alone: Bools
    right: Ints
    answered: Bools
    money: Floats
    seconds: Floats
    labels: tuple[str, ...]
    classes: Ints
    truth: Ints
    outside: int | None
    length: Floats
    groups: Ints

    @property
    def n(self) -> int:
        """How many examples."""
        return len(self.groups)

    @property
    def settleable(self) -> Bools:
        """Which values the checks of an answer let stand, shape (n, R, F)."""
        found: Bools = self.passed & self.answered[:, :, None]
        return found

    @property
    def labelled(self) -> Bools:
        """Which fields have a label in any example, shape (F,)."""
        found: Bools = (self.right != UNLABELLED).any(axis=(0, 1))
        return found

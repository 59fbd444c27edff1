"""Which examples fit, which choose and which certify: by group of near-duplicates, never mixed.

The certify part is a plain random draw of groups, not a stratified one: the binomial test is exact for independent
draws, and a part balanced against the others would not be independent of what was fitted on them. What is left is
shared between fit and choose class by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from firstline.certify.statistics.table import Ints

Part = Literal["fit", "choose", "certify"]
SHARES = (0.3, 0.1, 0.6)
"""Of the groups: fit, choose, certify."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Row numbers by part. `tested` are those of the certify part that count: one of every group.

    `repeated` counts certify rows left out because their group has one already, `straddling` those left out because a
    near-duplicate stands in another part (possible only where the examples name their part).
    """

    fit: Ints
    choose: Ints
    certify: Ints
    tested: Ints
    repeated: int
    straddling: int


def draw(groups: Ints, classes: Ints, *, seed: int, shares: tuple[float, float, float] = SHARES) -> Split:
    """Split at random by group; `classes` (n,) balances fit against choose."""
    random = np.random.default_rng(seed)
    numbers, first = np.unique(groups, return_index=True)
    shuffled = random.permutation(len(numbers))
    tested = round(shares[2] / sum(shares) * len(numbers))
    rest = shuffled[tested:]
    # By class, at random within: then every stretch gives its share to either part.
    rest = rest[np.argsort(classes[first[rest]], kind="stable")]
    share = shares[0] / (shares[0] + shares[1])
    steps = np.floor((np.arange(len(rest) + 1) + random.random()) * share)
    fits = np.diff(steps) > 0
    part = np.full(len(numbers), 2)
    part[rest] = np.where(fits, 0, 1)
    return _split(groups, part[np.searchsorted(numbers, groups)])


def named(groups: Ints, parts: Sequence[Part]) -> Split:
    """Split as the examples say; certify rows with a near-duplicate in another part are left out."""
    place = {"fit": 0, "choose": 1, "certify": 2}
    return _split(groups, np.array([place[part] for part in parts], dtype=np.int64))


def _split(groups: Ints, part: Ints) -> Split:
    certify = np.flatnonzero(part == 2)
    elsewhere = np.isin(groups[certify], groups[part != 2])
    alone = certify[~elsewhere]
    tested = alone[np.sort(np.unique(groups[alone], return_index=True)[1])]
    return Split(
        fit=np.flatnonzero(part == 0),
        choose=np.flatnonzero(part == 1),
        certify=certify,
        tested=tested,
        repeated=len(alone) - len(tested),
        straddling=int(elsewhere.sum()),
    )

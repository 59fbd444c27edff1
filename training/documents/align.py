"""Finds what became of each printed text when a page was read: which boxes were lost, parted or joined, which letters
were taken for others. The page as printed and the page as read need not lie alike: common texts tell how they lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firstline.types import Page, Segment
from firstline.values.texts import fold

_FEW = 5
"""Fewer common texts than this do not tell how two pages lie."""


@dataclass(kw_only=True)
class Fate:
    """Printed segments and the read ones that came of them; either may be empty."""

    printed: list[Segment] = field(default_factory=list)
    read: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A page's fates. Read boxes are given in the printed page's pixels; `drift` is how far (in heights) the middles of
    boxes lie from where the common turn and size of the page would have them."""

    fates: Sequence[Fate]
    drift: float


def align(printed: Page, read: Page) -> Aligned | None:
    """Align two pages; None where too little was read to say how they lie."""
    pairs = _common(printed, read)
    if len(pairs) < _FEW:
        return None
    matrix = _lie(pairs)
    moved = [_moved(segment, matrix) for segment in read.segments if segment.text.strip()]
    fates = _joined(printed.segments, moved)
    drifts = [
        abs((fate.printed[0].y0 + fate.printed[0].y1) - (fate.read[0].y0 + fate.read[0].y1))
        / 2
        / _tall(fate.printed[0])
        for fate in fates
        if len(fate.printed) == len(fate.read) == 1
    ]
    return Aligned(fates=fates, drift=float(np.median(drifts)) if drifts else 0.0)


def _common(printed: Page, read: Page) -> list[tuple[Segment, Segment]]:
    """Pairs of segments whose text stands once on each page."""
    ours, theirs = (Counter(fold(s.text) for s in page.segments) for page in (printed, read))
    by_text = {fold(s.text): s for s in read.segments}
    return [
        (segment, by_text[key])
        for segment in printed.segments
        if len(key := fold(segment.text)) >= 3 and ours[key] == 1 and theirs[key] == 1
    ]


def _middle(segment: Segment) -> tuple[float, float]:
    return (segment.x0 + segment.x1) / 2, (segment.y0 + segment.y1) / 2


def _lie(pairs: Sequence[tuple[Segment, Segment]]) -> NDArray[np.float64]:
    """Fit the affine map from read to printed places, twice: the second time without the pairs that lie far off."""
    source = np.array([[*_middle(theirs), 1.0] for _, theirs in pairs])
    target = np.array([_middle(ours) for ours, _ in pairs])
    matrix = np.linalg.lstsq(source, target, rcond=None)[0]
    off = np.abs(source @ matrix - target).sum(axis=1)
    keep = off <= max(float(np.median(off)) * 4, 1.0)
    if keep.sum() >= _FEW - 1:
        matrix = np.linalg.lstsq(source[keep], target[keep], rcond=None)[0]
    return np.asarray(matrix, dtype=np.float64)


def _moved(segment: Segment, matrix: NDArray[np.float64]) -> Segment:
    x, y = (float(value) for value in np.array([*_middle(segment), 1.0]) @ matrix)
    wide = (segment.x1 - segment.x0) * abs(float(matrix[0, 0]))
    tall = (segment.y1 - segment.y0) * abs(float(matrix[1, 1]))
    return Segment(
        text=segment.text,
        x0=x - wide / 2,
        x1=x + wide / 2,
        y0=y - tall / 2,
        y1=y + tall / 2,
        confidence=segment.confidence,
    )


def _joined(printed: Sequence[Segment], read: Sequence[Segment]) -> list[Fate]:
    """Group printed and read boxes that lie over one another."""
    group = list(range(len(printed)))
    theirs: list[list[int]] = []
    for segment in read:
        over = [index for index, ours in enumerate(printed) if _covers(ours, segment)]
        theirs.append(over)
        for index in over[1:]:
            old, new = group[index], group[over[0]]
            group = [new if one == old else one for one in group]
    fates = {number: Fate() for number in set(group)}
    for index, ours in enumerate(printed):
        fates[group[index]].printed.append(ours)
    extra = []
    for segment, over in zip(read, theirs, strict=True):
        if over:
            fates[group[over[0]]].read.append(segment)
        else:
            extra.append(Fate(read=[segment]))
    for fate in fates.values():
        fate.printed.sort(key=lambda s: s.x0)
        fate.read.sort(key=lambda s: s.x0)
    return [*fates.values(), *extra]


def _covers(a: Segment, b: Segment) -> bool:
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    middle = (b.y0 + b.y1) / 2
    return across > 0.4 * min(a.x1 - a.x0, b.x1 - b.x0) and abs(middle - (a.y0 + a.y1) / 2) < 0.55 * _tall(a)


def _tall(segment: Segment) -> float:
    return max(segment.y1 - segment.y0, 1e-6)


def edits(printed: str, read: str) -> list[tuple[str, str]]:
    """Return the cheapest way from one text to the other, letter by letter; empty on a side: left out or put in."""
    rows, columns = len(printed) + 1, len(read) + 1
    cost = [[row + column if not row or not column else 0 for column in range(columns)] for row in range(rows)]
    for row in range(1, rows):
        for column in range(1, columns):
            same = printed[row - 1] == read[column - 1]
            cost[row][column] = min(
                cost[row - 1][column - 1] + (0 if same else 1), cost[row - 1][column] + 1, cost[row][column - 1] + 1
            )
    out: list[tuple[str, str]] = []
    row, column = rows - 1, columns - 1
    while row or column:
        if row and column:
            step = 0 if printed[row - 1] == read[column - 1] else 1
            if cost[row][column] == cost[row - 1][column - 1] + step:
                out.append((printed[row - 1], read[column - 1]))
                row, column = row - 1, column - 1
                continue
        if row and cost[row][column] == cost[row - 1][column] + 1:
            out.append((printed[row - 1], ""))
            row -= 1
        else:
            out.append(("", read[column - 1]))
            column -= 1
    return out[::-1]

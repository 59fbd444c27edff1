"""What training aims at: which spans of a document are the expected value of a field, and which families hold them.

An expected value need not be spelled as printed: days and amounts are compared by meaning, texts folded. A text that
the document has almost (a letter read wrongly) is found by its spelling's likeness, so that its place still teaches.
"""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstline.schema.field import Field
from firstline.students.extract.grid import Grid
from firstline.students.extract.spans import TEXT_FAMILIES, Family, Span, of_cells, ranges, texts
from firstline.types import Json
from firstline.values.amounts import parse_amount
from firstline.values.dates import parse_dates
from firstline.values.texts import fold

ALIKE = 0.9
"""From this share of equal letters a span counts as the expected text, where no span is it exactly."""
_GAIN = 0.01
_GAIN_OF_ANY = 0.03
_WHOLE: tuple[Family, ...] = ("cell", "line", "run", "column")
_PARTS: tuple[Family, ...] = ("name", "rest", "piece", "head", "bare", "code")
_ANY: tuple[Family, ...] = ("words",)
"""From few spans a cell to many: the next are used only for what those before miss."""
_PLACES = 3
_ALL = 6000


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is expected of a field on one document: the keys that are right; none where it is not there.

    `places` are the cells of a text's exact occurrences with the families that give it there.
    """

    keys: frozenset[str]
    places: tuple[tuple[tuple[int, ...], frozenset[Family]], ...] = ()


def target_of(grid: Grid, field: Field, expected: Json) -> Target:
    """Say what is right for a field on a document."""
    if expected is None or expected == "":
        return Target(keys=frozenset())
    if field.type == "date":
        return Target(keys=frozenset(day.isoformat() for day in parse_dates(expected)) or frozenset(("?",)))
    if field.type in ("number", "integer"):
        return Target(keys=frozenset(str(one.normalize()) for one in parse_amount(expected)) or frozenset(("?",)))
    key = fold(str(expected))
    return Target(keys=frozenset((key or "?",)), places=tuple(_places(grid, key)) if key else ())


def right_spans(target: Target, found: Sequence[Span]) -> NDArray[np.bool_]:
    """Say of every span whether it is the expected value; of one mention's readings only the likeliest that is."""
    right = np.array([span.key in target.keys for span in found], dtype=bool)
    if right.any():
        least: dict[int, int] = {}
        for span, is_right in zip(found, right, strict=True):
            if is_right:
                least[span.number] = min(span.reading, least.get(span.number, span.reading))
        likeliest: NDArray[np.bool_] = np.array([one.reading == least.get(one.number, one.reading) for one in found])
        both: NDArray[np.bool_] = right & likeliest
        return both
    if not target.keys or not found or found[0].family not in TEXT_FAMILIES:
        return right
    likeness: NDArray[np.float64] = np.array([_likeness(span.key, next(iter(target.keys))) for span in found])
    near: NDArray[np.bool_] = np.greater_equal(likeness, max(ALIKE, float(likeness.max()) - 1e-9))
    return near


def families_of(targets: Iterable[Target]) -> tuple[Family, ...]:
    """Choose the families of a text field: from the simplest, each that finds at least one in a hundred values more
    (runs of any words: three)."""
    wanted = [frozenset[Family]().union(*(of for _, of in target.places)) for target in targets if target.places]
    chosen: list[Family] = []
    left = wanted
    for tier, gain in ((_WHOLE, _GAIN), (_PARTS, _GAIN), (_ANY, _GAIN_OF_ANY)):
        while left:
            counts = Counter(family for of in left for family in of if family in tier)
            family = max(tier, key=lambda one: counts[one])
            if counts[family] < max(2, gain * len(wanted)):
                break
            chosen.append(family)
            left = [of for of in left if family not in of]
    return tuple(family for family in TEXT_FAMILIES if family in chosen)


def marked_cells(grid: Grid, target: Target, families: Sequence[Family]) -> NDArray[np.bool_] | None:
    """Mark the cells inside, first and last of the expected text; shape (cells, 3). None where it stands nowhere."""
    cells = [cells for cells, of in target.places if of & set(families)]
    if not cells and target.keys:
        found = texts(grid, ranges(grid, families), families, _ALL)
        cells = [span.cells for span, right in zip(found, right_spans(target, found), strict=True) if right]
    if not cells and target.keys:
        return None
    marks = np.zeros((len(grid), 3), dtype=bool)
    for row in cells:
        marks[list(row), 0] = True
        marks[row[0], 1] = True
        marks[row[-1], 2] = True
    return marks


def _places(grid: Grid, key: str) -> list[tuple[tuple[int, ...], frozenset[Family]]]:
    """Find where a folded text stands: in reading order, else down a column."""
    starts = np.concatenate([[0], np.cumsum([len(one) for one in grid.folded])]).tolist()
    whole = "".join(grid.folded)
    found: list[tuple[tuple[int, ...], frozenset[Family]]] = []
    at = whole.find(key)
    while at >= 0 and len(found) < _PLACES:
        first = bisect_right(starts, at) - 1
        last = bisect_right(starts, at + len(key) - 1) - 1
        found.append(_giving(grid, tuple(range(first, last + 1)), key))
        at = whole.find(key, at + 1)
    if not any(of for _, of in found):
        columns = (cells for cells in ranges(grid, ("column",)) if len(cells) > 1)
        below: frozenset[Family] = frozenset(("column",))
        found += [(cells, below) for cells in columns if key == "".join(grid.folded[one] for one in cells)]
    return [(cells, of) for cells, of in found if of]


def _giving(grid: Grid, cells: tuple[int, ...], key: str) -> tuple[tuple[int, ...], frozenset[Family]]:
    """Say which families give the text at these cells, or at the whole lines that they stand on."""
    first, last = grid.places[cells[0]], grid.places[cells[-1]]
    lines = tuple(range(grid.of_line(first.line)[0], grid.of_line(last.line)[-1] + 1))
    for row in dict.fromkeys((cells, lines)):
        of = frozenset(span.family for span in of_cells(grid, row, TEXT_FAMILIES) if span.key == key)
        if of:
            return row, of
    return cells, frozenset()


def _likeness(left: str, right: str) -> float:
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()

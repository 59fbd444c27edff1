"""What each span looks like: numbers for the trees, and hashed rows of its text and its neighbours'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from firstline.interruption import asking
from firstline.reading.fields import Offer
from firstline.schema.field import Field
from firstline.students.extract.cell_features import NAMES as CELL
from firstline.students.extract.grid import Floats, Grid, Ints
from firstline.students.extract.ngrams import Grams, grams
from firstline.students.extract.spans import TEXT_FAMILIES, Span
from firstline.types import Json
from firstline.values.texts import fold

ROLES = ("own", "lead", "trail", "before", "after", "above", "below")
"""Whose text is hashed: the span's, what stands before and behind it on its line, and the cells around it: those before
and after in reading order, and those above and below where they are others."""
_NEAR = (
    "length", "letters", "digits", "ends_comma", "colon", "open", "form", "strong_form", "address", "registration",
    "other", "postcode", "not_address", "day", "money", "tall", "gap",
)  # fmt: skip
_NEAR_AT = [CELL.index(name) for name in _NEAR]
_READER = ("reader_rank", "reader_score", "reader_takes", "reader_margin", "reader_holds", "reader_within")
_SHAPE = (
    "family", "cells", "lines", "reading", "cut_before", "cut_behind", "length", "words", "digits", "letters", "upper",
    "marks", "copies", "of",
)  # fmt: skip
NAMES = (
    *_SHAPE, *(f"cell {name}" for name in CELL), *(f"before {name}" for name in _NEAR),
    *(f"after {name}" for name in _NEAR), *(f"mean {name}" for name in _NEAR), *_READER,
)  # fmt: skip
"""The columns of `span_features`."""
_UNRANKED = (20, -2.0)


def span_features(grid: Grid, found: Sequence[Span], table: Floats, offer: Offer) -> Floats:
    """Describe every span; shape (spans, len(NAMES)). `table` holds the cells' features."""
    padded = np.vstack([table, np.zeros((1, table.shape[1]))])
    first, _ = ends(found)
    before, after = neighbours(grid, found)
    copies = Counter(span.key for span in found)
    shape = np.array([_shape(grid, span, copies, len(found)) for span in asking(found)], dtype=np.float64)
    reader = np.array(_reader(found, offer), dtype=np.float64)
    near = padded[:, _NEAR_AT]
    return np.hstack([shape, padded[first], near[before], near[after], means(found, near), reader])


def means(found: Sequence[Span], table: Floats) -> Floats:
    """Average the cells' rows of every span; shape (spans, columns)."""
    counts = np.array([len(span.cells) for span in found])
    flat = np.array([at for span in found for at in span.cells], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    result: Floats = np.add.reduceat(table[flat], starts, axis=0) / counts[:, None]
    return result


def span_grams(grid: Grid, found: Sequence[Span], of_cells: Grams) -> list[tuple[Grams, Ints]]:
    """Return for every role the hashed texts and which of them is each span's; -1 for none.

    The cells' own rows are shared by the roles that look at neighbours.
    """
    amounts = grid.document.amounts
    own, lead, trail = [], [], []
    for span in asking(found):
        own.append(span.text)
        before, behind = around(grid, span)
        if span.family == "amount":
            before = " ".join(one.text for one in amounts[span.number].leads[:3][::-1])[-80:]
        lead.append(before)
        trail.append(behind)
    each = np.arange(len(found), dtype=np.int64)
    first, last = ends(found)
    before_at, after_at = neighbours(grid, found)
    above, below = grid.above[first], grid.below[last]
    return [
        (grams(own), each),
        (grams(lead), each),
        (grams(trail), each),
        (of_cells, before_at),
        (of_cells, after_at),
        (of_cells, np.where(above == before_at, -1, above)),
        (of_cells, np.where(below == after_at, -1, below)),
    ]


def role_scores(rows: Sequence[tuple[Grams, Ints]], weights: NDArray[np.float32]) -> Floats:
    """Score every role by itself; `weights` has shape (roles, BUCKETS), the result (spans, roles)."""
    columns = []
    for role, (hashed, at) in enumerate(rows):
        scores = np.append(hashed.scores(weights[role : role + 1])[:, 0], 0.0)
        columns.append(scores[at])
    return np.array(columns, dtype=np.float64).T


def ends(found: Sequence[Span]) -> tuple[Ints, Ints]:
    """Return the first and the last cell of every span."""
    first = np.array([span.cells[0] for span in found], dtype=np.int64)
    last = np.array([span.cells[-1] for span in found], dtype=np.int64)
    return first, last


def neighbours(grid: Grid, found: Sequence[Span]) -> tuple[Ints, Ints]:
    """Return the cells before and behind every span in reading order; -1 at the ends."""
    first, last = ends(found)
    behind = last + 1
    return first - 1, np.where(behind < len(grid), behind, -1)


def around(grid: Grid, span: Span) -> tuple[str, str]:
    """Return the words before and behind a span on its line."""
    first, last = span.cells[0], span.cells[-1]
    before, behind = _before(grid.texts[first], span.start), grid.texts[last][span.end : span.end + 60]
    if not before.strip() and grid.places[first].column:
        before = grid.texts[first - 1][-60:]
    if not behind.strip() and grid.places[last].column + 1 < grid.places[last].columns:
        behind = grid.texts[last + 1][:60]
    return before, behind


def _before(text: str, end: int) -> str:
    return text[max(0, end - 60) : end]


def key_of(field: Field, value: Json) -> str:
    """Return the key that a value of this field has among the spans."""
    if value is None:
        return ""
    if field.type in ("number", "integer"):
        return str(Decimal(str(value)).normalize())
    return str(value) if field.type == "date" else fold(str(value))


def _shape(grid: Grid, span: Span, copies: Mapping[str, int], of: int) -> list[float]:
    text, size = span.text, max(len(span.text), 1)
    letters = sum(map(str.isalpha, text))
    lines = grid.places[span.cells[-1]].line - grid.places[span.cells[0]].line + 1
    return [
        TEXT_FAMILIES.index(span.family) if span.family in TEXT_FAMILIES else -1,
        len(span.cells),
        lines,
        span.reading,
        span.start > 0,
        span.end < len(grid.texts[span.cells[-1]]),
        min(size, 200) / 10,
        text.count(" ") + 1,
        sum(map(str.isdigit, text)) / size,
        letters / size,
        sum(map(str.isupper, text)) / max(letters, 1),
        sum(not char.isalnum() and not char.isspace() for char in text) / size,
        copies[span.key],
        min(of, 200),
    ]


def _reader(found: Sequence[Span], offer: Offer) -> list[list[float]]:
    ranks: dict[str, tuple[int, float]] = {}
    for rank, candidate in enumerate(offer.candidates):
        ranks.setdefault(key_of(offer.field, candidate.value), (rank + 1, candidate.score))
    taken = key_of(offer.field, offer.reading)
    best = key_of(offer.field, offer.candidates[0].value) if offer.candidates else ""
    rows = []
    for span in asking(found):
        rank, score = ranks.get(span.key, _UNRANKED)
        rows.append(
            [
                float(rank),
                score,
                float(span.key == taken),
                min(offer.margin, 3.0),
                float(bool(best) and best in span.key),
                float(bool(best) and span.key in best),
            ]
        )
    return rows

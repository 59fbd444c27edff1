"""A document as an extract student weighs it, step by step: cells, the spans worth weighing, their features.

Training and serving walk the same steps, so that what was learned is what is computed later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from firstline.reading.document import Document
from firstline.reading.fields import offer
from firstline.schema.field import Field
from firstline.students.extract.cell_features import cell_features, cell_grams
from firstline.students.extract.grid import Floats, Grid, Ints
from firstline.students.extract.ngrams import Grams
from firstline.students.extract.span_features import around, span_features, span_grams
from firstline.students.extract.spans import Span, mentions, ranges, texts
from firstline.students.extract.value_features import Sums, amount_features, day_features

TAGS = ("inside", "first", "last")
TAG_ROLES = 3
_RANGES = 14
_MOST = 28
_MOST_WORDS = 160
_MENTIONS = 160
"""Days or amounts weighed for a field: the first half and the last half of them where there are more."""
_FLOOR = 1e-4
_SAID = 8
_CLIP = 30.0
_FAR = 20


class View:
    """A document's cells with their features, made once and shared by all fields."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.grid = Grid(document)

    @cached_property
    def table(self) -> Floats:
        """The features of every cell."""
        return cell_features(self.grid)

    @cached_property
    def grams(self) -> Grams:
        """The hashed row of every cell."""
        return cell_grams(self.grid, self.table)

    @cached_property
    def sums(self) -> Sums:
        """The arithmetic of its amounts."""
        return Sums(self.document)

    def tag_rows(self) -> list[tuple[Grams, Ints]]:
        """Return for every role (the cell, the ones before and behind it) the hashed rows and which is each cell's."""
        at = np.arange(len(self.grid), dtype=np.int64)
        behind = np.where(at + 1 < len(at), at + 1, -1)
        return [(self.grams, at), (self.grams, at - 1), (self.grams, behind)]


@dataclass(frozen=True, kw_only=True)
class Look:
    """A field's spans on one document, their features (spans, columns) and the hashed rows of every role."""

    spans: Sequence[Span]
    features: Floats
    rows: Sequence[tuple[Grams, Ints]]


def tag_scores(view: View, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> Floats:
    """Return each cell's chance of being inside, first and last of a field's value; shape (cells, len(TAGS)).

    `weights` has shape (TAG_ROLES, len(TAGS), BUCKETS), `bias` (len(TAGS),).
    """
    total = np.tile(bias.astype(np.float64), (len(view.grid), 1))
    for role, (hashed, at) in enumerate(view.tag_rows()):
        scores = np.vstack([hashed.scores(weights[role]), np.zeros((1, len(TAGS)), dtype=np.float32)])
        total += scores[at]
    result: Floats = 1 / (1 + np.exp(-np.clip(total, -_CLIP, _CLIP)))
    return result


def look(view: View, field: Field, families: Sequence[str], tags: Floats | None) -> Look:
    """Take the spans worth weighing for a field, and their features. `tags` are those of a text field's cells."""
    found, said = _of_texts(view, families, tags) if tags is not None else _of_mentions(view, field)
    if not found:
        return Look(spans=(), features=np.zeros((0, 0)), rows=())
    parts = [span_features(view.grid, found, view.table, offer(view.document, field)), said]
    if field.type in ("number", "integer"):
        parts.append(amount_features(view.document, field, found, view.sums))
    elif field.type == "date":
        behind = [around(view.grid, span)[1][:12] for span in found]
        parts.append(day_features(view.document, field, found, behind))
    return Look(spans=found, features=np.hstack(parts), rows=span_grams(view.grid, found, view.grams))


def context(field: Field, looks: Mapping[str, Look], scores: Mapping[str, Floats], others: Sequence[Field]) -> Floats:
    """What its rivals and the other fields' likeliest spans say of each span of a field; shape (spans, 3 + 6 · others).

    Its own score, its distance to the best other value, its rank; and for each other field how sure that is, whether it
    is the same value, overlaps, how many cells away it stands, whether it stands just before, and the ratio of numbers.
    """
    mine, own = looks[field.name].spans, scores[field.name]
    rank = np.empty(len(mine))
    rank[np.argsort(-own, kind="stable")] = np.arange(len(mine))
    columns = [own, own - _best_else(own, mine), rank]
    for other in others:
        columns += list(_beside(mine, looks[other.name].spans, scores[other.name]).T)
    return np.array(columns).T.reshape(len(mine), -1)


def best_of_keys(found: Sequence[Span], scores: Floats) -> dict[str, int]:
    """Return for every value the number of its best span, the best value first."""
    best: dict[str, int] = {}
    for at in np.argsort(-scores, kind="stable"):
        best.setdefault(found[at].key, int(at))
    return best


def _of_mentions(view: View, field: Field) -> tuple[list[Span], Floats]:
    found = mentions(view.grid, field)
    if len(found) > _MENTIONS:
        half = _MENTIONS // 2
        found = [*found[:half], *found[-half:]]
    return found, np.zeros((len(found), 0))


def _of_texts(view: View, families: Sequence[str], tags: Floats) -> tuple[list[Span], Floats]:
    """Take the text spans of the cells that the tags speak for most."""
    possible = ranges(view.grid, families)
    if not possible:
        return [], np.zeros((0, _SAID))
    order = np.argsort(-_said(possible, tags)[:, 0], kind="stable")[:_RANGES]
    most = _MOST_WORDS if "words" in families else _MOST
    found = texts(view.grid, [possible[at] for at in order], families, most)
    if not found:
        return [], np.zeros((0, _SAID))
    said = _said([span.cells for span in found], tags)
    return found, np.hstack([said, said[:, :1] - said[:, 0].max()])


def _said(cells: Sequence[tuple[int, ...]], tags: Floats) -> Floats:
    """What the tags say of rows of cells; shape (rows, 7).

    All together, then the first cell, the last, inside (mean, least) as logarithms, and the chances of being inside of
    the cells before and behind.
    """
    logs = np.log(np.clip(tags, _FLOOR, 1 - _FLOOR))
    outside = np.append(np.log(np.clip(1 - tags[:, 0], _FLOOR, 1 - _FLOOR)), 0.0)
    padded = np.append(tags[:, 0], 0.0)
    first = np.array([row[0] for row in cells])
    last = np.array([row[-1] for row in cells])
    before, after = first - 1, np.where(last + 1 < len(tags), last + 1, -1)
    counts = np.array([len(row) for row in cells])
    flat = np.array([at for row in cells for at in row])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    inside = logs[flat, 0]
    gain = np.add.reduceat(inside - outside[flat], starts)
    together = gain + logs[first, 1] + logs[last, 2] + outside[before] + outside[after]
    mean = np.add.reduceat(inside, starts) / counts
    least = np.minimum.reduceat(inside, starts)
    columns = [together, logs[first, 1], logs[last, 2], mean, least, padded[before], padded[after]]
    return np.array(columns).T


def _best_else(own: Floats, found: Sequence[Span]) -> Floats:
    """Return for every span the best score among those of another value."""
    best = list(best_of_keys(found, own).items())[:2]
    if not best:
        return own
    top = float(own[best[0][1]])
    second = float(own[best[1][1]]) if len(best) > 1 else -_CLIP
    return np.array([second if span.key == best[0][0] else top for span in found])


def _beside(mine: Sequence[Span], theirs: Sequence[Span], scores: Floats) -> Floats:
    out = np.zeros((len(mine), 6))
    if not len(theirs):
        out[:, 0] = -_CLIP
        return out
    top = theirs[int(np.argmax(scores))]
    value = _number(top)
    cells = set(top.cells)
    for at, span in enumerate(mine):
        gap = span.cells[0] - top.cells[-1] if span.cells[0] > top.cells[-1] else min(span.cells[-1] - top.cells[0], 0)
        own = _number(span)
        out[at] = (
            float(scores.max()),
            span.key == top.key,
            not cells.isdisjoint(span.cells),
            min(max(gap, -_FAR), _FAR),
            span.cells[0] - top.cells[-1] == 1,
            min(max(own / value, -10.0), 10.0) if own is not None and value else 0.0,
        )
    return out


def _number(span: Span) -> float | None:
    return float(span.value) if isinstance(span.value, int | float) else None

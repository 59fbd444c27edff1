"""Trains an extract student from documents and what is right of them. Imports scikit-learn; seconds to minutes.

Field by field: (1) linear models over hashed words tag the cells of text fields, (2) spans are proposed and those that
the tags speak for are kept, (3) linear models over hashed words score a span's text and surroundings, (4) boosted trees
weigh these scores with what else is known of a span, (5) shares and probabilities are fitted. What one step sees of
the step before comes from documents that the latter was not fitted on; near-duplicates stand in one fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from firstline.certify.statistics.groups import group
from firstline.errors import UsageError
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.students.artifact import Artifact
from firstline.students.extract.calibration import clearness
from firstline.students.extract.choice import is_choice, train_choice
from firstline.students.extract.fit import (
    Bools,
    Case,
    Fit,
    Weights,
    boosted,
    calibrated,
    linear,
    matrix,
)
from firstline.students.extract.grid import Floats, Grid, Ints
from firstline.students.extract.ngrams import BUCKETS
from firstline.students.extract.serve import weighed
from firstline.students.extract.span_features import ROLES
from firstline.students.extract.spans import Family, mentions
from firstline.students.extract.targets import Target, families_of, marked_cells, right_spans, target_of
from firstline.students.extract.view import TAG_ROLES, TAGS, Look, View, best_of_keys, look, tag_scores
from firstline.types import Json

LEAST_DOCUMENTS = 20
LEAST_VALUES = 10
"""A field whose values are found in fewer documents is left out."""
_LEAST_FOUND = 0.5
"""And one of whose values a smaller share stands in the documents: it is written, not read."""
_FOLDS = 3
_MOST_FOR_WORDS = 1500
"""Documents that linear models are fitted on; more add minutes and hardly anything else."""

OnProgress = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class _Lessons:
    """The documents that say something of a field: their views, folds and targets, in the same order."""

    field: Field
    views: Sequence[View]
    folds: Ints
    fit: Fit
    targets: Sequence[Target] = ()
    families: tuple[Family, ...] = ()

    def rows(self, fold: int | None) -> list[int]:
        """The documents outside a fold (None: all), at most so many as words are fitted on."""
        found = [at for at in range(len(self.views)) if self.folds[at] != fold]
        if len(found) <= _MOST_FOR_WORDS:
            return found
        drawn = np.random.default_rng(self.fit.seed).permutation(len(found))[:_MOST_FOR_WORDS]
        return [found[at] for at in sorted(drawn)]


@dataclass(kw_only=True)
class _Learned:
    """What training gives: arrays, facts of each field, and why fields were left out."""

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    facts: dict[str, Json] = field(default_factory=dict)
    left_out: dict[str, Json] = field(default_factory=dict)


def train(
    documents: Sequence[tuple[Document, Mapping[str, Json]]],
    *,
    fields: Sequence[Field],
    fit: Fit,
    on_progress: OnProgress | None = None,
) -> Artifact:
    """Train a student; the same documents, fields and seed give the same artifact.

    A key that a row does not expect says nothing, null says that the value is not there. Raises UsageError for too few
    documents, keys that are no fields, values outside a closed list, and where no field can be learned.
    """
    _check(documents, fields)
    views = [View(document) for document, _ in documents]
    folds = _folds(_groups([document.text for document, _ in documents]), fit.seed)
    learned = _Learned()
    for at, one in enumerate(fields):
        said = [
            place for place, (_, expected) in enumerate(documents) if one.name in expected and len(views[place].grid)
        ]
        expected = [documents[place][1][one.name] for place in said]
        lessons = _Lessons(field=one, views=[views[place] for place in said], folds=folds[said], fit=fit)
        _learn(learned, at, lessons, expected)
        if on_progress is not None:
            on_progress((at + 1) / len(fields))
    if not learned.facts:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in learned.left_out.items())
        raise UsageError(f"no field can be learned from these rows: {reasons}", hint="give more rows, or other ones")
    facts: dict[str, Json] = {
        "fields": {one.name: one.type for one in fields if one.name in learned.facts},
        "declared": msgspec.to_builtins(list(fields)),
        "learned": learned.facts,
        "left_out": learned.left_out,
        "rows": len(documents),
        "seed": fit.seed,
    }
    return Artifact(kind="extract", arrays=learned.arrays, facts=facts)


def _check(documents: Sequence[tuple[Document, Mapping[str, Json]]], fields: Sequence[Field]) -> None:
    if len(documents) < LEAST_DOCUMENTS:
        raise UsageError(
            f"{len(documents)} rows are too few to train on", hint=f"at least {LEAST_DOCUMENTS} are needed"
        )
    names = {one.name for one in fields}
    for number, (_, expected) in enumerate(documents, start=1):
        strange = sorted(set(expected) - names)
        if strange:
            raise UsageError(
                f"row {number} expects {strange[0]!r}, which is no field",
                hint=f"the fields are {', '.join(sorted(names))}",
            )


def _groups(texts: Sequence[str]) -> Ints:
    """Number the groups of near-duplicates; where most rows are one (a form filled in), those of equal texts."""
    near = group(texts)
    if np.bincount(near).max() <= len(texts) / 2:
        return near
    equal: Ints = np.unique(np.array(texts, dtype=object), return_inverse=True)[1]
    if equal.max() + 1 < LEAST_DOCUMENTS:
        raise UsageError(
            f"only {equal.max() + 1} of {len(texts)} rows are different", hint=f"at least {LEAST_DOCUMENTS} are needed"
        )
    return equal


def _folds(groups: Ints, seed: int) -> Ints:
    """Deal groups to folds, each to the smallest so far, in an order drawn by the seed; shape (documents,)."""
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    full = np.zeros(_FOLDS, dtype=np.int64)
    of_group = np.zeros(len(sizes), dtype=np.int64)
    for one in order:
        of_group[one] = int(np.argmin(full))
        full[of_group[one]] += sizes[one]
    result: Ints = of_group[groups]
    return result


def _learn(learned: _Learned, at: int, lessons: _Lessons, expected: Sequence[Json]) -> None:
    """Teach one field, or note why it is left out."""
    one = lessons.field
    if is_choice(one):
        outcome = train_choice(one, lessons.views, lessons.folds, expected, fit=lessons.fit)
        if isinstance(outcome, str):
            learned.left_out[one.name] = outcome
        else:
            learned.arrays.update({f"{at}.{name}": array for name, array in outcome.arrays.items()})
            learned.facts[one.name] = outcome.facts
        return
    lessons, reason = _aimed(lessons, expected)
    if reason:
        learned.left_out[one.name] = reason
        return
    arrays = _fit(lessons)
    learned.arrays.update({f"{at}.{name}": array for name, array in arrays.items()})
    learned.facts[one.name] = {"by": "span", "families": list(lessons.families), "rows": len(lessons.views)}


def _aimed(lessons: _Lessons, expected: Sequence[Json]) -> tuple[_Lessons, str]:
    """Find the values in the documents; the text says why the field cannot be learned from them."""
    one, views = lessons.field, lessons.views
    if one.type not in ("string", "date", "number", "integer") or one.schema:
        return lessons, f"its type is {one.type}: students read text, dates, numbers and choices"
    targets = [target_of(view.grid, one, value) for view, value in zip(views, expected, strict=True)]
    families = families_of(targets) if one.type == "string" else ()
    there = [bool(target.keys) for target in targets]
    if sum(there) < LEAST_VALUES:
        return lessons, f"{sum(there)} rows have a value, at least {LEAST_VALUES} are needed"
    printed = [_stands(view, one, target) for view, target in zip(views, targets, strict=True)]
    if sum(printed) < max(LEAST_VALUES, _LEAST_FOUND * sum(there)) or (one.type == "string" and not families):
        return lessons, f"only {sum(printed)} of {sum(there)} values stand in their documents"
    if len(set(lessons.folds[np.flatnonzero(printed)].tolist())) < _FOLDS:
        return lessons, "the rows that have it are near-duplicates of one another"
    return replace(lessons, targets=targets, families=families), ""


def _stands(view: View, one: Field, target: Target) -> bool:
    """Say whether the expected value stands in the document."""
    if one.type == "string":
        return bool(target.places)
    return any(span.key in target.keys for span in mentions(view.grid, one))


def _fit(lessons: _Lessons) -> dict[str, NDArray[Any]]:
    """Fit all steps of a field read from spans; gives its arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    looks = _looks(lessons, arrays)
    right = [right_spans(target, seen.spans) for target, seen in zip(lessons.targets, looks, strict=True)]
    usable = np.array(
        [
            bool(len(seen.spans)) and (not target.keys or good.any())
            for target, seen, good in zip(lessons.targets, looks, right, strict=True)
        ]
    )
    features: list[Floats] = [np.zeros((0, 0))] * len(looks)
    for fold in range(_FOLDS):
        words = _words(lessons, looks, right, [at for at in lessons.rows(fold) if usable[at]])
        for at in np.flatnonzero(lessons.folds == fold).tolist():
            if looks[at].spans:
                features[at] = weighed(looks[at], words)
    arrays["words"] = _words(lessons, looks, right, [at for at in lessons.rows(None) if usable[at]]).astype(np.float16)
    scores: list[Floats] = [np.zeros(0)] * len(looks)
    for fold in range(_FOLDS):
        told = np.flatnonzero(usable & (lessons.folds != fold))
        trees = boosted(*_stacked(features, right, told), fit=lessons.fit)
        for at in np.flatnonzero(lessons.folds == fold).tolist():
            if looks[at].spans:
                scores[at] = trees.scores(features[at])
    arrays.update(boosted(*_stacked(features, right, np.flatnonzero(usable)), fit=lessons.fit).arrays("trees"))
    grids = [view.grid for view in lessons.views]
    cases = [_case(*row) for row in zip(grids, lessons.targets, looks, right, scores, strict=True)]
    arrays["sure"] = calibrated(cases, may_lack=lessons.field.optional).array()
    return arrays


def _looks(lessons: _Lessons, arrays: dict[str, NDArray[Any]]) -> list[Look]:
    """Take every document's spans, those of texts by tags that were fitted on other folds."""
    one, families = lessons.field, lessons.families
    if one.type != "string":
        return [look(view, one, families, None) for view in lessons.views]
    marks = [
        marked_cells(view.grid, target, families) for view, target in zip(lessons.views, lessons.targets, strict=True)
    ]
    rows = [matrix(view.tag_rows()) for view in lessons.views]
    looks: dict[int, Look] = {}
    for fold in range(_FOLDS):
        weights, bias = _tags(lessons, rows, marks, fold)
        for at in np.flatnonzero(lessons.folds == fold).tolist():
            view = lessons.views[at]
            looks[at] = look(view, one, families, tag_scores(view, weights, bias))
    weights, bias = _tags(lessons, rows, marks, None)
    arrays["tags"] = weights.astype(np.float16)
    arrays["tag_bias"] = bias
    return [looks[at] for at in range(len(lessons.views))]


def _tags(
    lessons: _Lessons, rows: Sequence[sparse.csr_matrix], marks: Sequence[Bools | None], fold: int | None
) -> tuple[Weights, Weights]:
    told = [at for at in lessons.rows(fold) if marks[at] is not None]
    cells = sparse.vstack([rows[at] for at in told], format="csr")
    said = np.vstack([mark for at in told if (mark := marks[at]) is not None])
    fitted = [linear(cells, said[:, tag], fit=lessons.fit) for tag in range(len(TAGS))]
    weights = np.array([one.reshape(TAG_ROLES, BUCKETS) for one, _ in fitted]).transpose(1, 0, 2)
    return np.ascontiguousarray(weights), np.array([bias for _, bias in fitted], dtype=np.float32)


def _words(lessons: _Lessons, looks: Sequence[Look], right: Sequence[Bools], told: Sequence[int]) -> Weights:
    rows = sparse.vstack([matrix(looks[at].rows) for at in told], format="csr")
    weights, _ = linear(rows, np.concatenate([right[at] for at in told]), fit=lessons.fit)
    return weights.reshape(len(ROLES), BUCKETS)


def _stacked(features: Sequence[Floats], right: Sequence[Bools], told: Ints) -> tuple[Floats, Bools]:
    return np.vstack([features[at] for at in told]), np.concatenate([right[at] for at in told])


def _case(grid: Grid, target: Target, seen: Look, right: Bools, scores: Floats) -> Case:
    """Return the values' scores, best first, which of them is right, and how clearly the best was read."""
    best = list(best_of_keys(seen.spans, scores).values())
    good = {seen.spans[at].key for at in np.flatnonzero(right).tolist()} & target.keys
    if not target.keys:
        place = -1
    else:
        place = next((number for number, at in enumerate(best) if seen.spans[at].key in good), -2)
    clear = clearness(grid.least_confidence(seen.spans[best[0]].cells)) if best else 0.0
    return Case(scores=np.array([scores[at] for at in best]), right=place, clear=clear, page=clearness(grid.confidence))

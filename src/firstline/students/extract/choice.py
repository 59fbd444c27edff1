"""Trains what an extract student knows of a closed list, a yes or no, a currency: by the document's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from firstline.errors import UsageError
from firstline.schema.field import Field
from firstline.students.extract.calibration import clearness
from firstline.students.extract.fit import Case, Fit, calibrated, several
from firstline.students.extract.grid import Ints
from firstline.students.extract.ngrams import BUCKETS
from firstline.students.extract.serve import choice_row, choice_scores
from firstline.students.extract.view import View
from firstline.types import Json

LEAST_OF_VALUE = 3
"""A value that fewer rows have is not learned."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was learned: arrays and facts."""

    arrays: Mapping[str, NDArray[Any]]
    facts: dict[str, Json]


def is_choice(field: Field) -> bool:
    """Say whether a field's values are few and need not be printed."""
    return bool(field.enum) or field.type == "boolean" or (field.type == "string" and field.span == "currency")


def train_choice(
    field: Field, views: Sequence[View], folds: Ints, expected: Sequence[Json], *, fit: Fit
) -> Choice | str:
    """Teach a field, or say why it cannot be. Raises UsageError for a value outside its list."""
    _check(field, expected)
    counts: dict[Json, int] = {}
    for value in expected:
        counts[value] = counts.get(value, 0) + 1
    values = sorted((value for value, count in counts.items() if count >= LEAST_OF_VALUE), key=str)
    if len(values) < 2:
        return "all rows that have it say the same" if values else "too few rows have it"
    told = [at for at, value in enumerate(expected) if value in values]
    which = np.array([values.index(expected[at]) for at in told], dtype=np.int64)
    rows = sparse.vstack([_row(views[at], field, values) for at in told], format="csr")
    cases: list[Case] = []
    for fold in sorted(set(folds.tolist())):
        inside = np.array([folds[at] == fold for at in told])
        if inside.all() or not inside.any():
            continue
        weights, bias = several(rows[~inside], which[~inside], len(values), fit=fit)
        for place in np.flatnonzero(inside):
            scores = choice_scores(views[told[place]], field, values, weights, bias)
            order = np.argsort(-scores, kind="stable")
            page = clearness(views[told[place]].grid.confidence)
            right = int(np.flatnonzero(order == which[place])[0])
            cases.append(Case(scores=scores[order], right=right, clear=page, page=page))
    weights, bias = several(rows, which, len(values), fit=fit)
    return Choice(
        arrays={
            "weights": weights.astype(np.float16),
            "bias": bias,
            "sure": calibrated(cases, may_lack=False).array(),
        },
        facts={"by": "choice", "values": list(values), "rows": len(told)},
    )


def _check(field: Field, expected: Sequence[Json]) -> None:
    allowed: tuple[Json, ...] = field.enum or ((True, False) if field.type == "boolean" else ())
    for value in expected:
        if value is not None and allowed and value not in allowed:
            raise UsageError(
                f"{value!r} is no value of {field.name}", hint=f"it has {', '.join(str(one) for one in allowed)}"
            )


def _row(view: View, field: Field, values: Sequence[Json]) -> sparse.csr_matrix:
    """The document's words, each once, and what the second reader says; shape (1, BUCKETS + values + 1)."""
    buckets, read = choice_row(view, field, values)
    data = np.append(np.full(len(buckets), 1 / np.sqrt(max(len(buckets), 1))), 1.0).astype(np.float32)
    columns = np.append(buckets, BUCKETS + read)
    return sparse.csr_matrix((data, (np.zeros(len(data), dtype=int), columns)), shape=(1, BUCKETS + len(values) + 1))

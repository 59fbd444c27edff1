"""How far confidences are from the truth: expected calibration error, Brier score and the points of a reliability plot.

Two forms of the error: over bins that hold equally many values (less moved by where the confidences lie, Nixon et al.
2019), and over 15 bins of equal width as most papers print it (Guo et al. 2017).
"""

from __future__ import annotations

import numpy as np

from firstline.certify.result import Calibration, Interval, Reliability, ReliabilityPoint
from firstline.certify.statistics.bounds import interval
from firstline.certify.statistics.logistic import sigmoid
from firstline.certify.statistics.table import RIGHT, UNLABELLED, Bools, Floats, Ints, Table

_WIDTHS = 15
_MASSES = 15
_POINTS = 10


def calibrations(table: Table, confidence: Floats, rows: Ints) -> tuple[Calibration, ...]:
    """Measure every rung and field on rows that were not fitted on; `confidence` (n, R, F)."""
    found = []
    for place, model in enumerate(table.models):
        for at, field in enumerate(table.fields):
            used = rows[table.answered[rows, place] & (table.right[rows, place, at] != UNLABELLED)]
            if not len(used) or np.isnan(confidence[used, place, at]).any():
                continue
            right = table.right[used, place, at] == RIGHT
            own = _own(table, used, place, at)
            told = ~np.isnan(own)
            found.append(
                Calibration(
                    model=model,
                    field=field,
                    n=len(used),
                    before=reliability(own[told], right[told]) if told.all() else None,
                    after=reliability(confidence[used, place, at], right),
                )
            )
    return tuple(found)


def reliability(confidence: Floats, right: Bools) -> Reliability:
    """Measure confidences (n,) against what was right (n,)."""
    order = np.argsort(confidence, kind="stable")
    masses = np.array_split(order, min(_MASSES, len(order)))
    width = np.minimum((confidence * _WIDTHS).astype(np.int64), _WIDTHS - 1)
    widths = [np.flatnonzero(width == one) for one in range(_WIDTHS)]
    points = [
        ReliabilityPoint(confidence=float(confidence[bin].mean()), right=share_of(right[bin]))
        for bin in np.array_split(order, min(_POINTS, len(order)))
    ]
    return Reliability(
        ece=_gap(confidence, right, masses),
        ece_equal_width=_gap(confidence, right, widths),
        brier=float(((confidence - right) ** 2).mean()),
        points=tuple(points),
    )


def share_of(which: Bools) -> Interval:
    """Return the share that holds, with its 95 % interval; 0 of 0 is unknown: anything between 0 and 1."""
    n, count = len(which), int(which.sum())
    if not n:
        return Interval(n=0, share=0.0, low=0.0, high=1.0)
    low, high = interval(count, n, 0.05)
    return Interval(n=n, share=count / n, low=low, high=high)


def _gap(confidence: Floats, right: Bools, bins: list[Ints]) -> float:
    return float(sum(abs(confidence[one].sum() - right[one].sum()) for one in bins) / len(confidence))


def _own(table: Table, rows: Ints, place: int, at: int) -> Floats:
    """The model's own probability of its value: the signal `probability`, else that of its log-odds `odds`."""
    names = table.names[place]
    if "probability" in names:
        found: Floats = table.signals[place][rows, at, names.index("probability")]
        return found
    if "odds" in names:
        return sigmoid(table.signals[place][rows, at, names.index("odds")])
    return np.full(len(rows), np.nan)

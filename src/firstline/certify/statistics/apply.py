"""`policy.py` on arrays: the same sums in the same order, for thousands of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from firstline.certify.statistics.table import Bools, Floats, Table
from firstline.runs.policy import LABEL_RATE, Calibrator, Policy


class Learned(Protocol):
    """What a rung's confidences are made of: a `RungPolicy`, or a `RungFit` before there is one."""

    @property
    def calibrators(self) -> Mapping[str, Calibrator]:
        """The calibrators by field."""
        ...

    @property
    def label_rates(self) -> Mapping[str, float]:
        """How often the rung is right where it names a label."""
        ...


def confidences(table: Table, rungs: Sequence[Learned], *, alone: bool = False) -> Floats:
    """Return the calibrated confidence of every value of a table, shape (n, R, F); NaN where there is no calibrator."""
    found = np.full((table.n, len(rungs), len(table.fields)), np.nan)
    for place, rung in enumerate(rungs):
        signals = (table.signals_alone if alone else table.signals)[place]
        names = (*table.names[place], LABEL_RATE)
        for at, field in enumerate(table.fields):
            calibrator = rung.calibrators.get(field)
            if calibrator is not None:
                given = _with_rates(signals[:, at], table, place, rung.label_rates)
                found[:, place, at] = probabilities(calibrator, names, given)
    return found


def probabilities(calibrator: Calibrator, names: Sequence[str], signals: Floats) -> Floats:
    """Return `Calibrator.probability` for every row of `signals` (n, len(names)), NaN where one is missing."""
    columns = {name: signals[:, at] for at, name in enumerate(names)}
    return probabilities_by_name(calibrator, columns, len(signals))


def probabilities_by_name(calibrator: Calibrator, columns: Mapping[str, Floats], n: int) -> Floats:
    """Return `Calibrator.probability` for n rows whose signals stand in columns by name."""
    total = np.full(n, calibrator.intercept)
    for place, name in enumerate(calibrator.names):
        column = columns.get(name)
        if column is None:
            total = total + calibrator.missing[place]
            continue
        scaled = calibrator.weights[place] * (column - calibrator.means[place]) / calibrator.scales[place]
        total = total + np.where(np.isfinite(column), scaled, calibrator.missing[place])
    found: Floats = np.where(total > -700, 1 / (1 + np.exp(-np.maximum(total, -700))), 0.0)
    return found


def _with_rates(signals: Floats, table: Table, place: int, rates: Mapping[str, float]) -> Floats:
    """Add the column `label_rate` to a rung's signals (n, S): the rate of the label it named, NaN where unknown."""
    known = np.array([rates.get(label, np.nan) for label in table.labels] or [np.nan])
    return np.column_stack([signals, known[table.classes[:, place]]])


def worth_asking(policy: Policy, place: int, state: Mapping[str, Floats], n: int) -> Bools:
    """Return `Policy.worth_asking` for n states whose signals stand in columns by name."""
    rung = policy.rungs[place]
    if rung.benefit is None:
        return np.ones(n, dtype=np.bool_)
    value = np.full(n, policy.review_nano_usd)
    for later in reversed(policy.rungs[place + 1 :]):
        settles = 1.0 if later.benefit is None else probabilities_by_name(later.benefit, state, n)
        value = np.minimum(value, later.price_nano_usd + (1 - settles) * value)
    found: Bools = rung.price_nano_usd <= probabilities_by_name(rung.benefit, state, n) * value
    return found

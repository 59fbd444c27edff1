"""Calibrated confidences from recorded attempts: per rung and field one logistic regression on its signals.

How strongly the weights are held back is chosen by cross-validation; the regression is then calibrated on its
predictions for rows that it had not seen (Platt 1999) and folded into one `Calibrator`. Where nearly all rows are
wrong, there is nothing to learn from them but their rate. Where nearly all are right, the model's own probability still
ranks them: what it is far less sure of than of anything seen must not count as seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from firstline.certify.statistics.apply import confidences
from firstline.certify.statistics.logistic import fit_many, fit_one, log_losses, sigmoid
from firstline.certify.statistics.table import RIGHT, UNLABELLED, Floats, Ints, Table
from firstline.runs.policy import LABEL_RATE, Calibrator

PENALTIES = (0.3, 3.0, 30.0, 300.0)
_FOLDS = 5
_LEAST_OF_EACH = 3
"""Fewer right or fewer wrong rows than this teach a rate and nothing else."""
_ODDS = "odds"
"""The signal that is the model's own probability of a value, as log-odds (`signals.py`)."""
_EVEN = 1e-9
_PRIOR = 4.0
"""How many rows of the average a label's rate begins with."""


@dataclass(frozen=True, kw_only=True)
class RungFit:
    """What was learned of one rung."""

    calibrators: Mapping[str, Calibrator]
    label_rates: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was learned from the rows `fitted`, and the confidences of all rows of the table.

    `confidence` and `confidence_alone` have shape (n, R, F), NaN for fields without a calibrator; in the fitted rows
    each value comes from a regression that had not seen it.
    """

    rungs: tuple[RungFit, ...]
    fitted: Ints
    confidence: Floats
    confidence_alone: Floats


def fit(table: Table, rows: Ints, *, seed: int) -> Fit:
    """Fit every rung's calibrators on these rows."""
    random = np.random.default_rng(seed)
    folds = _folds(table.groups[rows], random)
    rungs, unseen = [], []
    for place in range(len(table.models)):
        calibrators: dict[str, Calibrator] = {}
        for at, field in enumerate(table.fields):
            if table.labelled[at]:
                calibrators[field], *states = _field(table, place, at, rows, folds)
                unseen.append((place, at, states))
        rungs.append(RungFit(calibrators=calibrators, label_rates=_label_rates(table, place, rows)))
    kept = [confidences(table, rungs, alone=alone) for alone in (False, True)]
    for place, at, states in unseen:
        for confidence, held_out in zip(kept, states, strict=True):
            learned = ~np.isnan(held_out)
            confidence[rows[learned], place, at] = held_out[learned]
    return Fit(rungs=tuple(rungs), fitted=rows, confidence=kept[0], confidence_alone=kept[1])


def _field(table: Table, place: int, at: int, rows: Ints, folds: Ints) -> tuple[Calibrator, Floats, Floats]:
    """Fit one field's calibrator; beside it every row's confidence unseen, and alone (NaN: not learned from)."""
    known = table.answered[rows, place] & (table.right[rows, place, at] != UNLABELLED)
    used, fold = rows[known], folds[known]
    y = (table.right[used, place, at] == RIGHT).astype(np.float64)
    unseen, unseen_alone = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    names = (*table.names[place], LABEL_RATE)
    rates = _unseen_rates(table, place, used, y, fold)
    signals = np.column_stack([table.signals[place][used, at], rates])
    alone = np.column_stack([table.signals_alone[place][used, at], rates])
    if np.array_equal(signals, alone, equal_nan=True):
        calibrator, scores = calibrate(names, signals, y, fold)
        unseen[known] = unseen_alone[known] = sigmoid(scores)
    else:
        # Each row in both of its states, so that what is missing in one is weighed for it.
        calibrator, scores = calibrate(names, np.concatenate([signals, alone]), np.tile(y, 2), np.tile(fold, 2))
        unseen[known], unseen_alone[known] = np.split(sigmoid(scores), 2)
    return calibrator, unseen, unseen_alone


def calibrate(names: tuple[str, ...], signals: Floats, y: Floats, folds: Ints) -> tuple[Calibrator, Floats]:
    """Fit a calibrator on `signals` (n, S), NaN where missing, for `y` (n,) of 0 and 1.

    Returns it with the calibrated log-odds of every row from regressions fitted without the row's fold.
    """
    if y.sum() < _LEAST_OF_EACH:
        return constant(y)
    if len(y) - y.sum() < _LEAST_OF_EACH:
        return _by_odds(names, signals, y)
    design = _Design.of(names, signals)
    penalty, scores = _cross_validated(design.x, y, folds)
    if penalty is None:
        return constant(y)
    slope, shift = _platt(scores, y)
    if slope <= 0:
        return constant(y)
    return design.calibrator(fit_one(design.x, y, penalty), slope, shift), slope * scores + shift


def regress(names: tuple[str, ...], signals: Floats, y: Floats, *, penalty: float) -> Calibrator:
    """Fit a calibrator with a given penalty and nothing unseen to calibrate it on; a rate where there is too little."""
    if min(y.sum(), len(y) - y.sum()) < _LEAST_OF_EACH:
        return constant(y)[0]
    design = _Design.of(names, signals)
    return design.calibrator(fit_one(design.x, y, penalty), 1.0, 0.0)


def constant(y: Floats) -> tuple[Calibrator, Floats]:
    """Return the smoothed rate of `y` (Laplace), whatever the signals say."""
    rate = (y.sum() + 1) / (len(y) + 2)
    odds = float(np.log(rate / (1 - rate)))
    nothing = Calibrator(names=(), means=(), scales=(), weights=(), missing=(), intercept=odds)
    return nothing, np.full(len(y), odds)


def _by_odds(names: tuple[str, ...], signals: Floats, y: Floats) -> tuple[Calibrator, Floats]:
    """Follow the model's own log-odds, one for each standard deviation, on average at the smoothed rate of `y`."""
    rate, scores = constant(y)
    odds = signals[:, names.index(_ODDS)] if _ODDS in names else np.full(len(y), np.nan)
    there = np.isfinite(odds)
    if not there.any() or odds[there].std() < _EVEN:
        return rate, scores
    mean, spread = float(odds[there].mean()), float(odds[there].std())
    steps = np.where(there, (odds - mean) / spread, 0.0)
    target = sigmoid(scores).mean()
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if sigmoid(steps + middle).mean() > target else (middle, high)
    found = Calibrator(names=(_ODDS,), means=(mean,), scales=(spread,), weights=(1.0,), missing=(0.0,), intercept=low)
    return found, steps + low


def _cross_validated(x: Floats, y: Floats, folds: Ints) -> tuple[float | None, Floats]:
    """Choose the penalty by the log loss of unseen rows; None where their average does better than all."""
    numbers = np.unique(folds)
    outside = (folds[None, :] != numbers[:, None]).astype(np.float64)
    weights = np.tile(outside, (len(PENALTIES), 1))
    betas = fit_many(x, y, weights, np.repeat(PENALTIES, len(numbers)))
    scores = np.empty((len(PENALTIES), len(y)))
    average = np.empty(len(y))
    for at, number in enumerate(numbers):
        held = folds == number
        of_fold = betas[at :: len(numbers)]
        scores[:, held] = of_fold[:, :-1] @ x[held].T + of_fold[:, -1:]
        seen = y[~held]
        rate = (seen.sum() + 1) / (len(seen) + 2)
        average[held] = np.log(rate / (1 - rate))
    losses = log_losses(scores, y).sum(axis=1)
    best = int(np.argmin(losses))
    if losses[best] >= log_losses(average, y).sum():
        return None, average
    return PENALTIES[best], scores[best]


def _platt(scores: Floats, y: Floats) -> tuple[float, float]:
    """Fit the slope and shift that calibrate scores, towards targets drawn in by one row of each kind (Platt 1999)."""
    right = y.sum()
    wrong = len(y) - right
    target = np.where(y > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    slope, shift = fit_one(scores[:, None], target, 1e-3)
    return float(slope), float(shift)


@dataclass(frozen=True, kw_only=True)
class _Design:
    """Signals made ready to regress on: standardised, missing ones 0 and flagged by a column of their own."""

    names: tuple[str, ...]
    means: Floats
    scales: Floats
    flagged: Ints
    x: Floats

    @classmethod
    def of(cls, names: tuple[str, ...], signals: Floats) -> _Design:
        there = np.isfinite(signals)
        told = np.flatnonzero(there.any(axis=0))
        names = tuple(names[at] for at in told)
        signals, there = signals[:, told], there[:, told]
        counts = there.sum(axis=0)
        held = np.where(there, signals, 0.0)
        means = held.sum(axis=0) / counts
        spread = np.sqrt((np.where(there, held - means, 0.0) ** 2).sum(axis=0) / counts)
        scales = np.where(spread > 1e-12, spread, 1.0)
        filled = np.where(there, (held - means) / scales, 0.0)
        flagged = np.flatnonzero((~there).any(axis=0))
        x = np.column_stack([filled, (~there[:, flagged]).astype(np.float64)])
        return cls(names=names, means=means, scales=scales, flagged=flagged, x=x)

    def calibrator(self, beta: Floats, slope: float, shift: float) -> Calibrator:
        """Make a calibrator of the weights (columns of `x`, intercept last), its log-odds scaled and shifted."""
        absent = np.zeros(len(self.names))
        absent[self.flagged] = beta[len(self.names) : -1] * slope
        return Calibrator(
            names=self.names,
            means=tuple(self.means.tolist()),
            scales=tuple(self.scales.tolist()),
            weights=tuple((beta[: len(self.names)] * slope).tolist()),
            missing=tuple(absent.tolist()),
            intercept=float(beta[-1] * slope + shift),
        )


def _folds(groups: Ints, random: np.random.Generator) -> Ints:
    """Return every row a fold; near-duplicates share theirs."""
    numbers, inverse = np.unique(groups, return_inverse=True)
    found: Ints = random.permutation(len(numbers))[inverse] % _FOLDS
    return found


def _label_rates(table: Table, place: int, rows: Ints) -> dict[str, float]:
    """How often this rung is right where it names a label, drawn towards its average."""
    if len(table.labels) < 2 or len(table.fields) != 1:
        return {}
    used = rows[table.answered[rows, place] & (table.right[rows, place, 0] != UNLABELLED)]
    y = (table.right[used, place, 0] == RIGHT).astype(np.float64)
    rates = _rates(table.classes[used, place], y, len(table.labels))
    return {table.labels[at]: float(rates[at]) for at in np.unique(table.classes[used, place])}


def _unseen_rates(table: Table, place: int, used: Ints, y: Floats, folds: Ints) -> Floats:
    """Return every row the rate of the label named, as the other folds have it; NaN where labels are not the task's."""
    if len(table.labels) < 2 or len(table.fields) != 1:
        return np.full(len(used), np.nan)
    named = table.classes[used, place]
    found = np.empty(len(used))
    for number in np.unique(folds):
        held = folds == number
        found[held] = _rates(named[~held], y[~held], len(table.labels))[named[held]]
    return found


def _rates(named: Ints, y: Floats, labels: int) -> Floats:
    average = (y.sum() + 1) / (len(y) + 2)
    count = np.bincount(named, minlength=labels)
    right = np.bincount(named, weights=y, minlength=labels)
    found: Floats = (right + _PRIOR * average) / (count + _PRIOR)
    return found

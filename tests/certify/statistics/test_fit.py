"""Calibrators: scikit-learn's estimate, the same on arrays as in serving, and honest where little is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from firstline.certify.measure import reliability
from firstline.certify.statistics.apply import confidences, probabilities
from firstline.certify.statistics.fit import calibrate, constant, fit, regress
from firstline.certify.statistics.logistic import fit_many
from firstline.certify.statistics.table import RIGHT, Floats, Table
from firstline.runs.policy import RungPolicy
from support.worlds import world

NAMES = ("a", "b", "c")


def drawn(n: int, *, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 3)) * [1, 5, 0.1] + [0, 10, 2]
    y = (random.random(n) < 1 / (1 + np.exp(-x[:, 0] - 1))).astype(np.float64)
    return x, y


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_a_regression_is_scikit_learns(penalty: float) -> None:
    x, y = drawn(300, seed=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(x, y)
    mine = fit_many(x, y, np.ones((1, 300)), np.array([penalty]))[0]
    assert np.allclose(mine, [*theirs.coef_[0], theirs.intercept_[0]], atol=1e-5)


def test_separable_rows_are_held_back_by_the_penalty() -> None:
    x = np.linspace(-1, 1, 40)[:, None]
    beta = fit_many(x, (x[:, 0] > 0).astype(np.float64), np.ones((2, 40)), np.array([1e-3, 10.0]))
    assert np.isfinite(beta).all()
    assert beta[0, 0] > beta[1, 0] > 0


def test_a_calibrator_gives_scikit_learns_probability() -> None:
    x, y = drawn(200, seed=2)
    x[::7, 1] = np.nan
    calibrator = regress(NAMES, x, y, penalty=2.0)
    there = np.isfinite(x)
    means, scales = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    design = np.column_stack([np.where(there, (x - means) / scales, 0.0), ~there[:, 1]])
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(design, y).predict_proba(design)[:, 1]
    mine = [calibrator.probability(dict(zip(NAMES, row.tolist(), strict=True))) for row in x]
    assert np.allclose(mine, theirs, atol=1e-5)
    assert np.array_equal(probabilities(calibrator, NAMES, x), mine) or np.allclose(
        probabilities(calibrator, NAMES, x), mine, rtol=1e-14, atol=0
    )


def test_confidences_of_a_table_are_those_of_serving() -> None:
    table = world(120, seed=3, labels=4)
    fitted = fit(table, np.arange(80), seed=0)
    found = confidences(table, fitted.rungs)
    for place, learned in enumerate(fitted.rungs):
        rung = RungPolicy(model="m", calibrators=learned.calibrators, thresholds={}, label_rates=learned.label_rates)
        for row in range(table.n):
            signals = dict(zip(table.names[place], table.signals[place][row, 0].tolist(), strict=True))
            signals = {name: value for name, value in signals.items() if not math.isnan(value)}
            value = table.labels[table.classes[row, place]]
            assert rung.confidence("label", value, signals) == pytest.approx(found[row, place, 0], rel=1e-13)


def test_confidences_are_calibrated_on_rows_that_were_not_fitted() -> None:
    table = world(6000, seed=4)
    fitted = fit(table, np.arange(3000), seed=0)
    for place in range(3):
        rows = np.arange(3000, 6000)
        found = reliability(fitted.confidence[rows, place, 0], table.right[rows, place, 0] == RIGHT)
        assert found.ece < 0.02


def test_a_fitted_rows_confidence_does_not_know_its_label() -> None:
    table = world(200, seed=5, labels=3)
    rows = np.arange(100)
    turned = table.right.copy()
    turned[7] = 1 - turned[7]
    first, other = (fit(one, rows, seed=1) for one in (table, dataclasses.replace(table, right=turned)))
    # The label moves the choice of penalty and the last calibration a little, but not this row's own regression.
    assert np.abs(first.confidence[7] - other.confidence[7]).max() < 0.08
    assert first.rungs[0].label_rates != other.rungs[0].label_rates


@pytest.mark.parametrize(("right", "rate"), [([1.0] * 8, 0.9), ([0.0] * 8, 0.1), ([1.0] * 6 + [0.0] * 2, 0.7)])
def test_few_or_one_sided_rows_teach_a_rate(right: list[float], rate: float) -> None:
    x, folds = np.arange(8.0)[:, None], np.arange(8) % 5
    calibrator, scores = calibrate(("a",), x, np.array(right), folds)
    assert calibrator.names == ()
    assert calibrator.probability({"a": 3.0}) == pytest.approx(rate)
    assert len(scores) == 8


def test_where_all_is_right_the_model_s_own_probability_ranks() -> None:
    odds = np.random.default_rng(4).normal(4.0, 0.5, size=60)
    calibrator, scores = calibrate(("odds",), odds[:, None], np.ones(60), np.arange(60) % 5)
    assert np.mean(1 / (1 + np.exp(-scores))) == pytest.approx(61 / 62)
    assert calibrator.probability({"odds": 0.2}) < 0.2
    assert calibrator.probability({"odds": 4.0}) == pytest.approx(0.99, abs=0.01)
    assert np.all(np.argsort(scores) == np.argsort(odds))


def test_signals_that_say_nothing_leave_the_rate() -> None:
    random = np.random.default_rng(6)
    x, y = random.normal(size=(400, 3)), (random.random(400) < 0.8).astype(np.float64)
    calibrator = calibrate(NAMES, x, y, np.arange(400) % 5)[0]
    spread = np.ptp(probabilities(calibrator, NAMES, x))
    assert spread < 0.15
    assert constant(y)[0].probability({}) == pytest.approx((y.sum() + 1) / 402)


def with_signals_alone(table: Table) -> Table:
    alone = tuple(signals.copy() for signals in table.signals)
    return dataclasses.replace(table, signals_alone=alone)


def test_the_same_signals_in_both_states_give_the_same_confidence() -> None:
    table = with_signals_alone(world(150, seed=7))
    fitted = fit(table, np.arange(100), seed=0)
    assert np.array_equal(fitted.confidence, fitted.confidence_alone)


def test_one_seed_fits_the_same() -> None:
    table = world(150, seed=8)
    first, again = (fit(table, np.arange(100), seed=3) for _ in range(2))
    assert first.rungs == again.rungs
    assert np.array_equal(first.confidence, again.confidence)

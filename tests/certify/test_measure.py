"""Measures of calibration, against counts by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from firstline.certify.measure import calibrations, reliability, share_of
from support.worlds import world


def test_confidences_that_are_kept_have_no_error() -> None:
    confidence = np.repeat([0.2, 0.8], 50)
    right = np.concatenate([np.arange(50) < 10, np.arange(50) < 40])
    found = reliability(confidence, right)
    assert found.ece_equal_width == pytest.approx(0.0)
    assert found.brier == pytest.approx(0.16)


def test_the_error_is_how_far_they_are_off() -> None:
    found = reliability(np.full(100, 0.9), np.arange(100) % 2 == 0)
    assert found.ece == pytest.approx(0.4)
    assert found.ece_equal_width == pytest.approx(0.4)
    assert found.brier == pytest.approx(0.41)
    assert [point.right.n for point in found.points] == [10] * 10
    assert all(point.right.low <= 0.5 <= point.right.high for point in found.points)


def test_opposite_errors_in_different_bins_do_not_cancel() -> None:
    confidence = np.repeat([0.1, 0.9], 100)
    right = np.repeat([True, False], 100)
    found = reliability(confidence, right)
    assert found.ece_equal_width == pytest.approx(0.9)
    assert found.ece > 0.85


def test_one_value_is_measured_too() -> None:
    found = reliability(np.array([1.0]), np.array([True]))
    assert (found.ece, found.brier, len(found.points)) == (0.0, 0.0, 1)


def test_a_share_of_nothing_may_be_anything() -> None:
    found = share_of(np.zeros(0, dtype=np.bool_))
    assert (found.n, found.low, found.high) == (0, 0.0, 1.0)


def test_a_rung_without_a_probability_of_its_own_has_no_before() -> None:
    table = world(100, seed=1, skill=(2.0,))
    with_odds = calibrations(table, np.full((100, 1, 1), 0.5), np.arange(100))
    unnamed = dataclasses.replace(table, names=(("a", "b", "c", "d"),))
    without = calibrations(unnamed, np.full((100, 1, 1), 0.5), np.arange(100))
    assert with_odds[0].before is not None
    assert without[0].before is None
    assert with_odds[0].after == without[0].after

"""Exact tails: against sums by hand, and against what they promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.certify.statistics.bounds import (
    evidence,
    expected_p_values,
    floor,
    interval,
    least_clean,
    lower_bound,
    most_wrong,
    p_values,
    served_for_bound,
    served_needed,
    upper_bound,
)

shares = st.floats(0.001, 0.6)
levels = st.floats(0.001, 0.4)


def tail(k: int, n: int, error: float) -> float:
    """P(Bin(n, error) <= k), added up."""
    return math.fsum(math.comb(n, i) * error**i * (1 - error) ** (n - i) for i in range(k + 1))


@given(n=st.integers(1, 60), data=st.data(), error=shares)
def test_a_p_value_is_the_binomial_tail(n: int, data: st.DataObject, error: float) -> None:
    k = data.draw(st.integers(0, n))
    assert float(p_values(k, n, error)) == pytest.approx(tail(k, n, error), rel=1e-9)
    assert float(expected_p_values(k, n, error)) == pytest.approx(tail(k, n, error), rel=1e-9)


def test_nothing_served_proves_nothing() -> None:
    assert p_values([0, 0], [0, 1], 0.3).tolist() == [1.0, pytest.approx(0.7)]
    assert float(expected_p_values(0.0, 0.0, 0.3)) == 1.0


@given(n=st.integers(1, 60), data=st.data(), delta=levels)
def test_a_clopper_pearson_bound_is_where_the_tail_is_delta(n: int, data: st.DataObject, delta: float) -> None:
    k = data.draw(st.integers(0, n))
    above, below = upper_bound(k, n, delta), lower_bound(k, n, delta)
    assert above == 1.0 if k == n else tail(k, n, above) == pytest.approx(delta, rel=1e-6)
    assert below == 0.0 if k == 0 else 1 - tail(k - 1, n, below) == pytest.approx(delta, rel=1e-6)
    assert below <= k / n <= above


@pytest.mark.parametrize("truth", [0.01, 0.2, 0.5])
def test_an_interval_misses_the_truth_no_more_often_than_it_says(truth: float) -> None:
    n = 40
    chance = [math.comb(n, k) * truth**k * (1 - truth) ** (n - k) for k in range(n + 1)]
    missed = sum(chance[k] for k in range(n + 1) if not interval(k, n, 0.1)[0] <= truth <= interval(k, n, 0.1)[1])
    assert missed <= 0.1


@given(n=st.integers(1, 400), error=shares, delta=levels)
def test_the_most_errors_that_pass_pass_and_one_more_does_not(n: int, error: float, delta: float) -> None:
    most = int(most_wrong(n, error, delta))
    assert most == -1 or p_values(most, n, error) <= delta
    assert most == n or p_values(most + 1, n, error) > delta


def test_the_bound_and_the_test_agree() -> None:
    for k in range(8):
        for n in (50, 100, 200, 400):
            assert (p_values(k, n, 0.02) <= 0.05) == (upper_bound(k, n, 0.05) <= 0.02)


@pytest.mark.parametrize(("max_error", "delta", "n"), [(0.05, 0.05, 59), (0.02, 0.05, 149), (0.01, 0.05, 299)])
def test_the_fewest_without_an_error(max_error: float, delta: float, n: int) -> None:
    assert least_clean(max_error, delta) == n
    assert p_values(0, n, max_error) <= delta < p_values(0, n - 1, max_error)


def test_how_many_it_takes_to_pass_is_the_first_with_that_power() -> None:
    def power(n: int) -> float:
        most = int(most_wrong(n, 0.05, 0.05))
        return 0.0 if most < 0 else tail(most, n, 0.02)

    needed = served_needed(0.02, 0.05, 0.05)
    assert needed == next(n for n in range(1, 2000) if power(n) >= 0.8)
    assert served_needed(0.05, 0.05, 0.05) is None


def test_how_many_it_takes_to_lower_the_bound() -> None:
    needed = served_for_bound(0.01, 0.02, 0.05)
    assert needed is not None
    assert upper_bound(math.floor(0.01 * needed), needed, 0.05) <= 0.02
    assert served_for_bound(0.01, 0.01, 0.05) is None


@given(right=st.integers(0, 50), wrong=st.integers(0, 50), max_error=st.floats(0.001, 0.5))
def test_nothing_served_with_that_error_is_above_the_floor(right: int, wrong: int, max_error: float) -> None:
    if not right + wrong:
        return
    served = [(a + b) for a in range(right + 1) for b in range(wrong + 1) if b <= max_error * (a + b)]
    most = 1 - floor(wrong / (right + wrong), max_error)
    assert max(served) / (right + wrong) <= most + 1e-9


def test_evidence_orders_as_p_values_do_and_beyond_them() -> None:
    errors = [0.0, 0.005, 0.01, 0.015, 0.02, 0.03]
    strengths = evidence(errors, 1000, 0.02).tolist()
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < 0 <= strengths[3]
    assert evidence(0.0, 2_000_000, 0.02) > evidence(0.0, 1_000_000, 0.02) > 700

"""What a count of errors says about the true error, exactly: binomial tails and Clopper-Pearson bounds.

Nothing here is asymptotic. Clopper and Pearson (1934); the floor is that of arXiv 2606.29054.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betainc, betaincinv

_MOST = 50_000_000
"""Beyond so many served answers a need is told as none that can be met."""


def p_values(wrong: ArrayLike, served: ArrayLike, max_error: float) -> NDArray[np.float64]:
    """Return P(Bin(served, max_error) <= wrong): the p-value of "the true error is above max_error".

    Valid because the tail falls as the error grows, so `max_error` itself is the worst case. 1 where nothing is served.
    """
    n = np.asarray(served, dtype=np.int64)
    k = np.asarray(wrong, dtype=np.float64)
    found: NDArray[np.float64] = np.where(n > 0, bdtr(np.minimum(k, n), np.maximum(n, 1), max_error), 1.0)
    return found


def expected_p_values(wrong: ArrayLike, served: ArrayLike, max_error: float) -> NDArray[np.float64]:
    """Return the same tail at counts that are only expected: no whole numbers, so by the incomplete beta function."""
    n = np.asarray(served, dtype=np.float64)
    k = np.clip(np.asarray(wrong, dtype=np.float64), 0, None)
    some = n > k
    tail = betainc(np.where(some, n - k, 1.0), k + 1, 1 - max_error)
    found: NDArray[np.float64] = np.where(some, tail, 1.0)
    return found


def evidence(error: ArrayLike, served: ArrayLike, max_error: float) -> NDArray[np.float64]:
    """Return how strongly such an error among so many speaks for the promise: the exponent of the tail (Chernoff).

    Orders as the p-values do, and goes on where these are too small for a float; below 0 it speaks against.
    """
    e = np.clip(np.asarray(error, dtype=np.float64), 1e-12, 1 - 1e-12)
    apart = e * np.log(e / max_error) + (1 - e) * np.log((1 - e) / (1 - max_error))
    found: NDArray[np.float64] = np.asarray(served, dtype=np.float64) * apart * np.where(e < max_error, 1, -1)
    return found


def upper_bound(wrong: int, served: int, delta: float) -> float:
    """Return the Clopper-Pearson upper bound: the true error is above it with probability at most `delta`."""
    if wrong >= served:
        return 1.0
    return float(betaincinv(wrong + 1, served - wrong, 1 - delta))


def lower_bound(wrong: int, served: int, delta: float) -> float:
    """Return the Clopper-Pearson lower bound: the true share is below it with probability at most `delta`."""
    if wrong <= 0:
        return 0.0
    return float(betaincinv(wrong, served - wrong + 1, delta))


def interval(count: int, n: int, delta: float) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a share, outside of which it is with probability <= `delta`."""
    return lower_bound(count, n, delta / 2), upper_bound(count, n, delta / 2)


def floor(base_error: float, max_error: float) -> float:
    """Return the least share that any method must leave unserved where the answers on offer are wrong this often.

    Of the served, at least `1 - max_error` are right, and only `1 - base_error` are right at all:
    `served <= (1 - base_error) / (1 - max_error)`.
    """
    return max(0.0, (base_error - max_error) / (1 - max_error))


def least_clean(max_error: float, delta: float) -> int:
    """Return the fewest served answers, none of them wrong, that prove an error of at most `max_error`."""
    return math.ceil(math.log(delta) / math.log1p(-max_error) - 1e-9)


def most_wrong(served: ArrayLike, max_error: float, delta: float) -> NDArray[np.float64]:
    """Return the most errors among so many served at which the test still passes; -1 where none would do."""
    n = np.asarray(served, dtype=np.float64)
    low, high = np.full(n.shape, -1.0), np.floor(n * max_error) + 1
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        passes = p_values(middle, n, max_error) <= delta
        low, high = np.where(passes, middle, low), np.where(passes, high, middle)
    return low


def served_needed(error: float, max_error: float, delta: float, *, power: float = 0.8) -> int | None:
    """Return how many served answers it takes to pass with probability `power`, were the true error `error`.

    None where no number does: the error is not below the target.
    """
    if error >= max_error:
        return None

    def passes(n: NDArray[np.float64]) -> NDArray[np.bool_]:
        most = most_wrong(n, max_error, delta)
        found: NDArray[np.bool_] = (most >= 0) & (bdtr(np.maximum(most, 0), n.astype(np.int64), error) >= power)
        return found

    low = least_clean(max_error, delta) - 1
    high = low + 1
    while not passes(np.array([float(high)]))[0]:
        low, high = high, high * 2
        if high > _MOST:
            return None
    # The power climbs as a saw does: by about 1/max_error more answers for every error more that is allowed.
    while high - low > 4096:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(np.array([float(middle)]))[0] else (middle, high)
    between = np.arange(low + 1, high + 1, dtype=np.float64)
    return int(between[np.argmax(passes(between))])


def served_for_bound(error: float, bound: float, delta: float) -> int | None:
    """Return how many served answers it takes until the upper bound is at most `bound`, at this observed error."""
    if error >= bound:
        return None
    low, high = 0, 1
    while float(expected_p_values(error * high, high, bound)) > delta:
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if float(expected_p_values(error * middle, middle, bound)) <= delta else (middle, high)
        )
    return high

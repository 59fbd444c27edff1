"""Logistic regression with a ridge penalty, many at once: by Newton's method on arrays.

The same estimate as scikit-learn's `LogisticRegression(C=...)` (a test compares them). A certificate fits some hundred
small ones, and those of one cross-validation share their rows: together they take what one call there takes.
"""

from __future__ import annotations

import numpy as np

from firstline.certify.statistics.table import Floats

_STEPS = 40
_LARGE = 4_000_000


def fit_many(x: Floats, y: Floats, weights: Floats, penalties: Floats) -> Floats:
    """Fit B regressions of `y` (n,) on `x` (n, S), the rows weighed by `weights` (B, n).

    Each minimises sum_i w_i * logloss_i + penalty / 2 * |beta|^2, the intercept free. Returns (B, S + 1), the
    intercept last.
    """
    full = np.column_stack([x, np.ones(len(x))])
    size = full.shape[1]
    ridge = np.zeros((len(penalties), size))
    ridge[:, :-1] = penalties[:, None]
    ridge[:, -1] = 1e-9  # keeps the system solvable where a fold holds one class only
    beta = np.zeros((len(penalties), size))
    value = _objective(full, y, weights, ridge, beta)
    for _ in range(_STEPS):
        share = sigmoid(beta @ full.T)
        slope = (weights * (share - y)) @ full + ridge * beta
        bend = _gram(full, weights * share * (1 - share))
        bend[:, range(size), range(size)] += ridge + 1e-12
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        scale = np.ones(len(penalties))
        for _ in range(30):
            tried = beta - scale[:, None] * step
            reached = _objective(full, y, weights, ridge, tried)
            worse = reached > value + 1e-12 * np.abs(value)
            if not worse.any():
                break
            scale[worse] /= 2
        gained = value - reached
        beta, value = np.where((gained >= 0)[:, None], tried, beta), np.minimum(reached, value)
        if np.all(gained <= 1e-10 * (1 + np.abs(value))):
            break
    return beta


def fit_one(x: Floats, y: Floats, penalty: float) -> Floats:
    """Fit one regression; returns (S + 1,), the intercept last."""
    found: Floats = fit_many(x, y, np.ones((1, len(y))), np.array([penalty]))[0]
    return found


def log_losses(scores: Floats, y: Floats) -> Floats:
    """Return the log loss of log-odds `scores` (..., n) against `y` (n,)."""
    found: Floats = np.logaddexp(0, scores) - y * scores
    return found


def _gram(x: Floats, weights: Floats) -> Floats:
    """Return X' diag(w_b) X for every b."""
    n, size = x.shape
    if n * size * size <= _LARGE:
        outer = (x[:, :, None] * x[:, None, :]).reshape(n, size * size)
        return (weights @ outer).reshape(-1, size, size)
    return np.stack([(x * row[:, None]).T @ x for row in weights])


def _objective(x: Floats, y: Floats, weights: Floats, ridge: Floats, beta: Floats) -> Floats:
    found: Floats = (weights * log_losses(beta @ x.T, y)).sum(axis=1) + 0.5 * (ridge * beta**2).sum(axis=1)
    return found


def sigmoid(z: Floats) -> Floats:
    """Turn log-odds into probabilities."""
    found: Floats = 1 / (1 + np.exp(-np.clip(z, -700, 700)))
    return found

"""Learns to move places so that rows of a label come nearer to each other, where rows are few.

Neighbourhood components analysis (Goldberger et al. 2004) by cosine: each row is sorted by its likeness to all others,
and the probability that it comes to its own label grows. The move begins at nothing and ends after a few steps of Adam,
each of which sees some of the numbers of a place only; more steps learn the rows by heart.
"""

from __future__ import annotations

import numpy as np

from firstline.students.classify.lexical import Floats, Ints
from firstline.students.classify.serve import softmax

_STEPS, _RATE = 30, 0.005
_LEFT_OUT = 0.3
"""Of the numbers of a place, the share that a step does not see."""
_SHARPNESS = 12.0
_DECAY = 1.0
_MOST = 2048
"""Rows that a step looks at."""


def learn_bend(places: Floats, truth: Ints, *, seed: int) -> Floats:
    """Return the matrix (dims, dims) whose product with a place (a row of length 1) is added to it."""
    random = np.random.default_rng(seed)
    dims = places.shape[1]
    bend: Floats = np.zeros((dims, dims), dtype=np.float32)
    mean: Floats = np.zeros_like(bend)
    square: Floats = np.zeros_like(bend)
    for step in range(1, _STEPS + 1):
        some = np.sort(random.permutation(len(places))[:_MOST])
        seen = np.where(random.random(dims) < _LEFT_OUT, 0, 1 / (1 - _LEFT_OUT)).astype(np.float32)
        slope: Floats = _slope(places[some] * seen, truth[some], bend) + np.float32(_DECAY / len(some)) * bend
        mean = np.float32(0.9) * mean + np.float32(0.1) * slope
        square = np.float32(0.99) * square + np.float32(0.01) * slope * slope
        rise = np.sqrt(square / np.float32(1 - 0.99**step)) + np.float32(1e-8)
        bend -= np.float32(_RATE / (1 - 0.9**step)) * mean / rise
    return bend


def _slope(places: Floats, truth: Ints, bend: Floats) -> Floats:
    """Return the derivative of the mean of -log p(own label) by the bend."""
    moved = places + places @ bend
    length = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), np.float32(1e-9))
    moved /= length
    likeness = np.float32(_SHARPNESS) * (moved @ moved.T)
    np.fill_diagonal(likeness, -1e9)
    shares = softmax(likeness)
    own = shares * (truth[:, None] == truth[None, :])
    right = np.maximum(own.sum(axis=1, keepdims=True), np.float32(1e-9))
    by_likeness = np.float32(_SHARPNESS / len(places)) * (shares - own / right)
    by_moved = (by_likeness + by_likeness.T) @ moved
    along = np.einsum("nd,nd->n", by_moved, moved)[:, None]
    slope: Floats = places.T @ ((by_moved - along * moved) / length)
    return slope

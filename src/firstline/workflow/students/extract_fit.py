"""The learners of an extract student: hashed rows to linear weights, features to trees, scores to probabilities.

Imports scikit-learn and SciPy, so it is loaded only to train.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from firstline.workflow.students.calibration import Calibration
from firstline.workflow.students.grams import BUCKETS, Grams
from firstline.workflow.students.grid import Floats, Ints
from firstline.workflow.students.trees import Trees

Bools = NDArray[np.bool_]
Weights = NDArray[np.float32]

_TREES = 120
_RATE = 0.08
_LEAVES = 12
_LEAST_IN_LEAF = 15
_STRENGTH = 4.0
_ALWAYS = 9.0
_WEAK = 0.01


def matrix(rows: Sequence[tuple[Grams, Ints]]) -> sparse.csr_matrix:
    """Put the hashed rows of every role side by side; shape (rows, roles · BUCKETS)."""
    return sparse.hstack([_role(hashed, at) for hashed, at in rows], format="csr")


def linear(rows: sparse.csr_matrix, right: Bools, *, seed: int) -> tuple[Weights, float]:
    """Fit a logistic regression; gives weights (columns,) in the precision that they are kept in, and the intercept."""
    if right.all() or not right.any():
        return np.zeros(rows.shape[1], dtype=np.float32), _ALWAYS if right.all() else -_ALWAYS
    model = LogisticRegression(C=_STRENGTH, solver="liblinear", tol=1e-2, random_state=seed)
    model.fit(rows, right)
    return kept(model.coef_[0]), float(np.float32(model.intercept_[0]))


def several(rows: sparse.csr_matrix, which: Ints, values: int, *, seed: int) -> tuple[Weights, Weights]:
    """Fit one against the rest for every value; gives weights (values, columns) and biases (values,)."""
    fitted = [linear(rows, which == value, seed=seed) for value in range(values)]
    return np.array([one for one, _ in fitted]), np.array([bias for _, bias in fitted], dtype=np.float32)


def kept(weights: NDArray[Any]) -> Weights:
    """Round weights to what a student's file keeps of them."""
    return np.asarray(weights).astype(np.float16).astype(np.float32)


def boosted(features: Floats, right: Bools, *, seed: int) -> Trees:
    """Fit boosted trees and take them apart into arrays; where there is nothing to tell apart, one leaf."""
    if right.all() or not right.any():
        return _leaf(_ALWAYS if right.all() else -_ALWAYS)
    model = HistGradientBoostingClassifier(
        max_iter=_TREES,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=min(_LEAST_IN_LEAF, max(2, len(right) // 40)),
        l2_regularization=1.0,
        max_features=0.4,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(features, right)
    return apart(model)


def apart(model: HistGradientBoostingClassifier) -> Trees:
    """Take a fitted two-class model's nodes; they are private there, so a test compares the results."""
    parts: list[tuple[NDArray[Any], ...]] = []
    roots: list[int] = []
    at, depth = 0, 0
    for stage in model._predictors:
        nodes = stage[0].nodes
        roots.append(at)
        own = np.arange(len(nodes)) + at
        leaf = nodes["is_leaf"].astype(bool)
        parts.append(
            (
                np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
                np.where(leaf, 0.0, nodes["num_threshold"]),
                np.where(leaf, own, nodes["left"].astype(np.int64) + at).astype(np.int32),
                np.where(leaf, own, nodes["right"].astype(np.int64) + at).astype(np.int32),
                np.where(leaf, nodes["value"], 0.0),
            )
        )
        at += len(nodes)
        depth = max(depth, int(nodes["depth"].max()))
    feature, threshold, left, right, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Trees(
        feature=feature,
        threshold=threshold,
        left=left,
        right=right,
        value=value,
        roots=np.array(roots, dtype=np.int32),
        depth=depth,
        base=float(model._baseline_prediction[0, 0]),
    )


def _leaf(value: float) -> Trees:
    zero = np.zeros(1, dtype=np.int32)
    return Trees(
        feature=zero,
        threshold=np.zeros(1),
        left=zero,
        right=zero,
        value=np.array([value]),
        roots=zero,
        depth=0,
        base=0.0,
    )


def calibrated(cases: Sequence[tuple[Floats, int]], *, may_lack: bool) -> Calibration:
    """Fit a calibration on unseen documents: scores of the values, best first, and which is right.

    -1 stands for "it is not there", -2 for a right value that is not among them: it counts as an error.
    """
    told = [(scores, right) for scores, right in cases if right >= -1]

    def loss(point: NDArray[np.float64]) -> float:
        total = _WEAK * ((point[0] - 1) ** 2 + point[1] ** 2)
        for scores, right in told:
            logits = np.append(point[0] * scores, point[1])
            top = logits.max()
            total += top + np.log(np.exp(logits - top).sum()) - logits[right]
        return float(total)

    slope, none = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 20), (-30, 30)]).x
    first = Calibration(slope=float(slope), none=float(none), gain=1.0, shift=0.0)
    shares, good = [], []
    for scores, right in cases:
        chances, lack = first.shares(scores)
        if may_lack and (not len(chances) or lack > chances[0]):
            shares.append(lack)
            good.append(right == -1)
        elif len(chances):
            shares.append(float(chances[0]))
            good.append(right == 0)
    gain, shift = _platt(np.array(shares), np.array(good, dtype=bool))
    return Calibration(slope=first.slope, none=first.none, gain=gain, shift=shift)


def _platt(shares: Floats, good: Bools) -> tuple[float, float]:
    """Fit a logistic curve on log-odds; two made-up cases, one of each kind, keep it from certainty."""
    inside = np.clip(shares, 1e-6, 1 - 1e-6)
    odds = np.log(inside / (1 - inside))
    middle = float(np.median(odds)) if len(odds) else 0.0
    rows = np.append(odds, [middle, middle])[:, None]
    model = LogisticRegression(C=1.0).fit(rows, np.append(good, [True, False]))
    return max(float(model.coef_[0, 0]), 0.05), float(model.intercept_[0])


def _role(hashed: Grams, at: Ints) -> sparse.csr_matrix:
    data = np.repeat(hashed.weight, np.diff(hashed.starts)).astype(np.float32)
    texts = sparse.csr_matrix((data, hashed.buckets, hashed.starts), shape=(len(hashed.weight), BUCKETS))
    padded = sparse.vstack([texts, sparse.csr_matrix((1, BUCKETS), dtype=np.float32)], format="csr")
    return padded[np.where(at < 0, len(hashed.weight), at)]

"""The learners of an extract student: hashed rows to linear weights, features to trees, scores to probabilities.

Imports scikit-learn and SciPy, so it is loaded only to train.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from firstline.students.extract.calibration import Calibration
from firstline.students.extract.grid import Floats, Ints
from firstline.students.extract.ngrams import BUCKETS, Grams
from firstline.students.extract.trees import Trees

Bools = NDArray[np.bool_]
Weights = NDArray[np.float32]

_RATE = 0.08
_LEAVES = 12
_LEAST_IN_LEAF = 15
_STRENGTH = 4.0
_ALWAYS = 9.0
_WEAK = 0.01
_LEAST_GAIN = 0.05


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How students are fitted, and how large their files become: weights below `least_weight` are kept as 0, and each
    field read from spans has so many `trees`."""

    seed: int = 0
    least_weight: float = 0.0
    trees: int = 120


def matrix(rows: Sequence[tuple[Grams, Ints]]) -> sparse.csr_matrix:
    """Put the hashed rows of every role side by side; shape (rows, roles · BUCKETS)."""
    return sparse.hstack([_role(hashed, at) for hashed, at in rows], format="csr")


def linear(rows: sparse.csr_matrix, right: Bools, *, fit: Fit) -> tuple[Weights, float]:
    """Fit a logistic regression; gives weights (columns,) in the precision that they are kept in, and the intercept."""
    if right.all() or not right.any():
        return np.zeros(rows.shape[1], dtype=np.float32), _ALWAYS if right.all() else -_ALWAYS
    model = LogisticRegression(C=_STRENGTH, solver="liblinear", tol=1e-2, random_state=fit.seed)
    model.fit(rows, right)
    weights = np.where(np.abs(model.coef_[0]) < fit.least_weight, 0.0, model.coef_[0])
    return kept(weights), float(np.float32(model.intercept_[0]))


def several(rows: sparse.csr_matrix, which: Ints, values: int, *, fit: Fit) -> tuple[Weights, Weights]:
    """Fit one against the rest for every value; gives weights (values, columns) and biases (values,)."""
    fitted = [linear(rows, which == value, fit=fit) for value in range(values)]
    return np.array([one for one, _ in fitted]), np.array([bias for _, bias in fitted], dtype=np.float32)


def kept(weights: NDArray[Any]) -> Weights:
    """Round weights to what a student's file keeps of them."""
    return np.asarray(weights).astype(np.float16).astype(np.float32)


def boosted(features: Floats, right: Bools, *, fit: Fit) -> Trees:
    """Fit boosted trees and take them apart into arrays; where there is nothing to tell apart, one leaf."""
    if right.all() or not right.any():
        return _leaf(_ALWAYS if right.all() else -_ALWAYS)
    model = HistGradientBoostingClassifier(
        max_iter=fit.trees,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=min(_LEAST_IN_LEAF, max(2, len(right) // 40)),
        l2_regularization=1.0,
        max_features=0.4,
        early_stopping=False,
        random_state=fit.seed,
    )
    model.fit(features, right)
    return apart(model)


def apart(model: HistGradientBoostingClassifier) -> Trees:
    """Take a fitted two-class model's nodes; they are private there, so a test compares the results."""
    stages = [stage[0].nodes for stage in model._predictors]
    nodes = np.concatenate(stages)
    sizes = np.array([len(stage) for stage in stages])
    leaf = nodes["is_leaf"].astype(bool)
    own = np.concatenate([np.arange(size) for size in sizes])
    if (nodes["left"][~leaf] != own[~leaf] + 1).any():
        raise RuntimeError("scikit-learn does not write a node's left child right behind it any more")
    return Trees(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.uint16),
        skip=np.where(leaf, 0, nodes["right"].astype(np.int64) - own).astype(np.uint16),
        number=np.where(leaf, nodes["value"], nodes["num_threshold"]).astype(np.float32),
        roots=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32),
        depth=int(nodes["depth"].max()),
        base=float(model._baseline_prediction[0, 0]),
    )


def _leaf(value: float) -> Trees:
    zero = np.zeros(1, dtype=np.uint16)
    number = np.array([value], dtype=np.float32)
    return Trees(feature=zero, skip=zero, number=number, roots=np.zeros(1, dtype=np.int32), depth=0, base=0.0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What was said of an unseen document: scores of the values, best first, and which is right.

    -1 stands for "it is not there", -2 for a right value that is not among them: it counts as an error. `clear` is how
    clearly the best value was read, `page` how clearly all of it.
    """

    scores: Floats
    right: int
    clear: float = 0.0
    page: float = 0.0


def calibrated(cases: Sequence[Case], *, may_lack: bool) -> Calibration:
    """Fit a calibration on unseen documents."""
    told = [(one.scores, one.right) for one in cases if one.right >= -1]

    def loss(point: NDArray[np.float64]) -> float:
        total = _WEAK * ((point[0] - 1) ** 2 + point[1] ** 2)
        for scores, right in told:
            logits = np.append(point[0] * scores, point[1])
            top = logits.max()
            total += top + np.log(np.exp(logits - top).sum()) - logits[right]
        return float(total)

    slope, none = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 20), (-30, 30)]).x
    first = Calibration(slope=float(slope), none=float(none), gain=1.0, shift=0.0)
    shares, clear, good = [], [], []
    for one in cases:
        chances, lack = first.shares(one.scores)
        if may_lack and (not len(chances) or lack > chances[0]):
            shares.append(lack)
            clear.append(one.page)
            good.append(one.right == -1)
        elif len(chances):
            shares.append(float(chances[0]))
            clear.append(one.clear)
            good.append(one.right == 0)
    gain, shift, weight = _platt(np.array(shares), np.array(clear), np.array(good, dtype=bool))
    return Calibration(slope=first.slope, none=first.none, gain=gain, shift=shift, clear=weight)


def _platt(shares: Floats, clear: Floats, good: Bools) -> tuple[float, float, float]:
    """Fit a logistic curve on log-odds and clearness, neither of which may speak against an answer; two made-up cases,
    one of each kind, keep it from certainty."""
    inside = np.clip(shares, 1e-6, 1 - 1e-6)
    columns = [np.log(inside / (1 - inside)), clear]
    middle = [float(np.median(column)) if len(column) else 0.0 for column in columns]
    rows = np.vstack([np.array(columns).T, middle, middle])
    signs = np.where(np.append(good, [True, False]), 1.0, -1.0)

    def loss(point: NDArray[np.float64]) -> float:
        lost = np.logaddexp(0, -signs * (rows @ point[:2] + point[2])).sum()
        return float(lost + (point[:2] ** 2).sum() / 2)

    bounds = [(_LEAST_GAIN, None), (0, None), (None, None)]
    gain, clear_gain, shift = minimize(loss, np.array([1.0, 0.0, 0.0]), method="L-BFGS-B", bounds=bounds).x
    return float(gain), float(shift), float(clear_gain)


def _role(hashed: Grams, at: Ints) -> sparse.csr_matrix:
    data = np.repeat(hashed.weight, np.diff(hashed.starts)).astype(np.float32)
    texts = sparse.csr_matrix((data, hashed.buckets, hashed.starts), shape=(len(hashed.weight), BUCKETS))
    padded = sparse.vstack([texts, sparse.csr_matrix((1, BUCKETS), dtype=np.float32)], format="csr")
    return padded[np.where(at < 0, len(hashed.weight), at)]

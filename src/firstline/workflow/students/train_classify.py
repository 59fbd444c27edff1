"""Trains students that sort texts (`classify.py`) without gradient steps: the same rows and seed give the same bytes.

The linear machine of the lexical tier is scikit-learn's; the kernel machine is a ridge regression in closed form, whose
predictions for rows it was fitted on, each left out in turn, come from the same factor. These unseen scores set the
tier's threshold, the factor of the shares and the curve of what is near any label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import spotrf, spotrs, strtri
from scipy.optimize import minimize_scalar
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from firstline.engines.bert_features import FEATURES
from firstline.engines.int8 import quantise
from firstline.errors import UsageError
from firstline.workflow.certificate.groups import group
from firstline.workflow.students.artifact import Artifact
from firstline.workflow.students.classify import Curve, gaussian, softmax, unit
from firstline.workflow.students.lexical import Counted, Floats, Ints, Lexical, vocabulary

FOLDS = 4
_TIER_ERROR = 0.015
"""Most of the lexical tier's answers that may be wrong, on rows it had not seen."""
_DIMS, _TURN_DIMS = 512, 256
_SHARE = 0.2
"""Weight of the n-grams beside the encoder's features in a place."""
_GAMMA, _RIDGE = 1.0, 0.1
_MOST_MARKS = 16_000
"""So many rows are kept; of more, as many of each label as there is room for. Fitting holds their square: 1 GB."""
_BLOCK = 1024
"""Rows worked on at a time beside that, which bounds the memory."""
_FALSE_ALARMS = 0.03
"""Of rows that have a label, the share that is taken for none, where no row outside is there to learn from."""
_LEAST_OUTSIDE = 20
_LEAST = 2
"""Examples that a label needs."""


def train(
    rows: Sequence[tuple[str, str]],
    features: Floats | None,
    *,
    labels: Sequence[str],
    out_of_scope: str | None,
    encoder: str | None,
    seed: int,
    on_progress: Callable[[float], None],
    most_features: int | None = None,
) -> Artifact:
    """Train on rows of text and label; `features` (n, width) are the encoder's, None for a lexical tier alone.

    `encoder` is the name of the model that they are of. `most_features` bounds the vocabulary. Raises UsageError for
    fewer than two labels, or too few rows of one.
    """
    texts, said = [text for text, _ in rows], [label for _, label in rows]
    known = [label for label in labels if label != out_of_scope and label in set(said)]
    check(said, known)
    truth = np.array([known.index(label) if label != out_of_scope else -1 for label in said])
    lexical = vocabulary(texts, least=2 if len(texts) >= 500 else 1, most=most_features)
    counted = lexical.count(texts)
    on_progress(0.1)
    groups = group(texts)
    tier = _tier(lexical, counted, truth, known, out_of_scope, groups=groups, seed=seed)
    on_progress(0.4)
    facts = {
        "labels": list(labels),
        "known": known,
        "tier_labels": tier.labels,
        "out_of_scope": out_of_scope,
        "encoder": encoder if features is not None else None,
        "features": FEATURES if features is not None else None,
        "share": _SHARE,
        "gamma": _GAMMA,
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "vocabulary": lexical.vocabulary,
        "idf": lexical.idf,
        "tier": np.array([tier.least, tier.right.gain, tier.right.shift]),
        "tier_weights": tier.weights.astype(np.float16),
        "tier_bias": tier.bias,
    }
    if features is None:
        arrays["shares"] = np.array([1.0, 0.0, 30.0])
        return Artifact(kind="classify", arrays=arrays, facts=facts)
    space = _space(features, counted, lexical, seed=seed)
    marks = _marks(truth, seed=seed)
    on_progress(0.5)
    weights, unseen = _ridge(space.places, truth, len(known), marks, groups)
    on_progress(0.9)
    near = _near(unseen.max(axis=1), truth >= 0)
    inside = truth >= 0
    factor = _factor(unseen[inside], truth[inside], groups[inside])
    near_marks, scales = quantise(np.ascontiguousarray(space.places[marks].T))
    arrays |= {
        "mean": space.mean,
        "basis": space.basis,
        "turn": space.turn.astype(np.float16),
        "marks": near_marks,
        "mark_scales": scales,
        "weights": weights,
        "shares": np.array([factor, near.gain, near.shift]),
    }
    on_progress(1.0)
    return Artifact(kind="classify", arrays=arrays, facts=facts)


def check(said: Sequence[str], known: Sequence[str]) -> None:
    if len(known) < 2:
        raise UsageError(
            f"the examples hold {len(known)} of the task's labels: there is nothing to tell apart",
            hint="a student needs examples of two labels at least",
        )
    few = [label for label in known if said.count(label) < _LEAST]
    if few:
        shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        raise UsageError(
            f"{shown}: one example to learn from is too few",
            hint="label more, or take the label out; half of the examples are held out to measure on",
        )


@dataclass(frozen=True, kw_only=True)
class _Tier:
    labels: list[str]
    weights: Floats
    bias: Floats
    least: float
    right: Curve


def _tier(
    lexical: Lexical,
    counted: Counted,
    truth: Ints,
    known: Sequence[str],
    out_of_scope: str | None,
    *,
    groups: Ints,
    seed: int,
) -> _Tier:
    """Fit the linear machine, and set its threshold by what it says of rows that it was not fitted on."""
    rows = sparse.csr_matrix(
        (counted.values, counted.features, counted.starts), shape=(len(truth), max(len(lexical.vocabulary), 1))
    )
    labels = list(known)
    classes = truth.copy()
    if out_of_scope is not None and (truth < 0).any():
        labels.append(out_of_scope)
        classes[truth < 0] = len(known)
    use = classes >= 0
    weights, bias = _linear(rows[use], classes[use], len(labels), seed=seed)
    fold_of = folds(classes, groups, seed=seed)
    unseen = np.full((len(truth), len(labels)), -10.0, dtype=np.float32)
    for fold in range(FOLDS):
        taught = use & (fold_of != fold)
        if len(np.unique(classes[taught])) > 1:
            fold_weights, fold_bias = _linear(rows[taught], classes[taught], len(labels), seed=seed)
            unseen[fold_of == fold] = rows[fold_of == fold] @ fold_weights + fold_bias
    ranked = np.partition(unseen, -2, axis=1)
    margin, right = ranked[:, -1] - ranked[:, -2], unseen.argmax(axis=1) == classes
    answers = unseen.argmax(axis=1) < len(known)
    least = _threshold(margin[answers], right[answers], _TIER_ERROR)
    alone = (1 / np.bincount(groups)[groups]).astype(np.float32)
    return _Tier(labels=labels, weights=weights, bias=bias, least=least, right=curve(margin, right, alone))


def _linear(rows: sparse.csr_matrix, classes: Ints, n: int, *, seed: int) -> tuple[Floats, Floats]:
    """Fit one against the rest; columns of labels that have no row score low."""
    fitted = LinearSVC(C=1.0, random_state=seed).fit(rows, classes)
    weights = np.zeros((rows.shape[1], n), dtype=np.float32)
    bias = np.full(n, -10.0, dtype=np.float32)
    if len(fitted.classes_) == 2:
        one, other = fitted.classes_
        weights[:, other], bias[other] = fitted.coef_[0], fitted.intercept_[0]
        weights[:, one], bias[one] = -fitted.coef_[0], -fitted.intercept_[0]
    else:
        weights[:, fitted.classes_], bias[fitted.classes_] = fitted.coef_.T, fitted.intercept_
    return weights, bias


def folds(classes: Ints, groups: Ints, *, seed: int) -> Ints:
    """Deal groups of near-duplicates into folds, label by label, in an order drawn by the seed."""
    _, first = np.unique(groups, return_index=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(classes[first][order], kind="stable")]
    folds = np.empty(len(first), dtype=np.int64)
    folds[order] = np.arange(len(first)) % FOLDS
    return folds[groups]


def _threshold(margin: Floats, right: NDArray[np.bool_], error: float) -> float:
    """Give the least margin from which on at most `error` of the rows are wrong; infinite where there is none."""
    order = np.argsort(-margin, kind="stable")
    # A small sample without an error says little: one more is counted than was seen.
    share = (np.cumsum(~right[order]) + 1) / np.arange(2, len(order) + 2)
    good = np.flatnonzero(share <= error)
    return float(margin[order[good[-1]]]) if len(good) else float("inf")


def curve(x: Floats, right: NDArray[np.bool_], weight: Floats) -> Curve:
    """Fit how often rows at x are right, smoothed where there are few errors; at 0 it is one half at most.

    Two labels that score the same are a toss-up even where no error was seen, which a free curve would make flat.
    """
    values = np.concatenate([x, x]).astype(np.float64)[:, None]
    truth = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    # Platt's targets: what is right counts (n + 1) / (n + 2), what is wrong 1 / (n + 2).
    high, low = 1 - 1 / (weight[right].sum() + 2), 1 / (weight[~right].sum() + 2)
    target = np.where(right, high, low)
    weights = np.concatenate([weight * target, weight * (1 - target)])
    fitted = LogisticRegression(C=1e6, max_iter=500).fit(values, truth, sample_weight=weights)
    gain, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if shift > 0 or gain < 0:
        through = LogisticRegression(C=1e6, max_iter=500, fit_intercept=False)
        gain, shift = max(float(through.fit(values, truth, sample_weight=weights).coef_[0, 0]), 0.0), 0.0
    return Curve(gain=gain, shift=shift)


@dataclass(frozen=True, kw_only=True)
class _Space:
    mean: Floats
    basis: Floats
    turn: Floats
    places: Floats


def _space(features: Floats, counted: Counted, lexical: Lexical, *, seed: int) -> _Space:
    """Learn where texts are: the main directions of the features and of the n-grams."""
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred: Floats = features - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    basis = np.ascontiguousarray(directions[:, ::-1][:, :_DIMS]).astype(np.float32)
    rows = sparse.csr_matrix(
        (counted.values, counted.features, counted.starts), shape=(len(features), max(len(lexical.vocabulary), 1))
    )
    dims = max(1, min(_TURN_DIMS, min(rows.shape) - 1))
    turn = TruncatedSVD(dims, random_state=seed, n_iter=3).fit(rows).components_.T.astype(np.float32)
    near = unit(centred @ basis) * np.float32((1 - _SHARE) ** 0.5)
    said = unit(np.asarray(rows @ turn, dtype=np.float32)) * np.float32(_SHARE**0.5)
    return _Space(mean=mean, basis=basis, turn=turn, places=np.concatenate([near, said], axis=1))


def _marks(truth: Ints, *, seed: int) -> Ints:
    """Choose the rows that are kept: all, or as many of each label as there is room for."""
    if len(truth) <= _MOST_MARKS:
        return np.arange(len(truth))
    order = np.random.default_rng(seed).permutation(len(truth))
    seen: dict[int, int] = {}
    turn = np.empty(len(truth), dtype=np.int64)
    for row in order.tolist():
        turn[row] = seen[int(truth[row])] = seen.get(int(truth[row]), 0) + 1
    return np.sort(order[np.argsort(turn[order], kind="stable")][:_MOST_MARKS])


def _ridge(places: Floats, truth: Ints, n: int, marks: Ints, groups: Ints) -> tuple[Floats, Floats]:
    """Fit scores of 1 for a row's label and 0 for the others; rows outside have 0 everywhere.

    Gives the weights (marks, n) and the scores (rows, n) of rows left out in turn, with all that are near-duplicates of
    them; those that are no marks were never seen.
    """
    chosen = places[marks]
    target = np.zeros((len(marks), n), dtype=np.float32)
    inside = np.flatnonzero(truth[marks] >= 0)
    target[inside, truth[marks][inside]] = 1
    grown = _kernel(chosen, chosen)
    grown.flat[:: len(marks) + 1] += np.float32(_RIDGE)
    # Its transpose, which it equals, has the order that LAPACK works on in place.
    factor, _ = spotrf(grown.T, lower=1, overwrite_a=1)
    solved, _ = spotrs(factor, target, lower=1)
    weights = np.ascontiguousarray(solved, dtype=np.float32)
    inverse, _ = strtri(factor, lower=1, overwrite_c=1)
    # What stands on the diagonal of the kernel's inverse: the squares of each column of its factor's.
    leverage = np.concatenate(
        [np.square(inverse[:, at : at + _BLOCK]).sum(axis=0) for at in range(0, len(marks), _BLOCK)]
    )
    unseen = np.empty((len(places), n), dtype=np.float32)
    unseen[marks] = target - weights / leverage[:, None]
    for rows in _shared(groups[marks]):
        columns = inverse[:, rows]
        unseen[marks[rows]] = target[rows] - np.linalg.solve(columns.T @ columns, weights[rows])
    rest = np.setdiff1d(np.arange(len(places)), marks)
    for at in range(0, len(rest), _BLOCK):
        unseen[rest[at : at + _BLOCK]] = _kernel(places[rest[at : at + _BLOCK]], chosen) @ weights
    return weights, unseen


def _shared(groups: Ints) -> list[Ints]:
    """Give the rows of each group that has more than one."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1]


def _kernel(places: Floats, marks: Floats) -> Floats:
    return gaussian(places @ marks.T, _GAMMA)


def _factor(scores: Floats, truth: Ints, groups: Ints) -> float:
    """Give the factor of the scores whose shares lose least on unseen rows, one of each group's weight in all.

    Of as many as there are, one is taken to be any other label: rows without an error would ask for no end.
    """
    rows = np.arange(len(truth))
    weight = 1 / np.bincount(groups)[groups]
    weight /= weight.sum()
    stray = 1 / (len(np.unique(groups)) + 2)

    def loss(log_factor: float) -> float:
        shares = np.log(np.maximum(softmax(np.exp(log_factor) * scores), 1e-9))
        right = shares[rows, truth]
        others = (shares.sum(axis=1) - right) / max(scores.shape[1] - 1, 1)
        return float(-(weight * ((1 - stray) * right + stray * others)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-1.0, 5.0), method="bounded").x))


def _near(height: Floats, inside: NDArray[np.bool_]) -> Curve:
    """Fit how likely a text with such a largest score belongs to any label.

    Rows outside and inside weigh the same: how often traffic is outside is not the examples' to say. Without enough
    rows outside, the curve passes one half where a few of the rows inside lie below.
    """
    if (~inside).sum() < _LEAST_OUTSIDE:
        cut = float(np.quantile(height[inside], _FALSE_ALARMS))
        return Curve(gain=20.0, shift=-20.0 * cut)
    fitted = LogisticRegression(C=1e3, max_iter=500, class_weight="balanced").fit(
        height.astype(np.float64)[:, None], inside
    )
    return Curve(gain=float(fitted.coef_[0, 0]), shift=float(fitted.intercept_[0]))

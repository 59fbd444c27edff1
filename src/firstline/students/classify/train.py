"""Trains students that sort texts (`serve.py`) without gradient steps: the same rows and seed give the same bytes.

The linear machine of the lexical tier is scikit-learn's; the kernel machine is a ridge regression in closed form, whose
predictions for rows it was fitted on, each left out in turn, come from the same factor. These unseen scores set the
tier's threshold, the factor of the shares and the curve of what is near any label. What the task says of its labels is
learned from as rows are, and never measured on.
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

from firstline.certify.statistics.groups import group
from firstline.engines.bert_features import FEATURES, last_means
from firstline.engines.int8 import quantise
from firstline.errors import UsageError
from firstline.students.artifact import Artifact
from firstline.students.classify.lexical import Floats, Ints, vocabulary
from firstline.students.classify.nca import learn_bend
from firstline.students.classify.serve import Curve, bent, gaussian, softmax, unit

FOLDS = 4
_TIER_ERROR = 0.015
"""Most of the lexical tier's answers that may be wrong, on rows it had not seen."""
_TIER_LOSS = 0.001
"""By how much more of them may be wrong than of the kernel machine's, had it been asked."""
_DIMS, _TURN_DIMS = 512, 256
_GAMMA, _RIDGE = 1.0, 0.1
_MOST_MARKS = 16_000
"""So many rows are kept; of more, as many of each label as there is room for. Fitting holds their square: 1 GB."""
_BLOCK = 1024
"""Rows worked on at a time beside that, which bounds the memory."""
_FALSE_ALARMS = 0.015
"""Most of the rows that have a label that may be taken for none. Traffic is less like the rows than they are like each
other: on CLINC150's validation messages it was twice as many."""
_LEAST_OUTSIDE = 20
_LEAST = 2
"""Examples that a label needs."""


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How a student is made of so many rows. `share` weighs the n-grams beside the encoder's features in a place, of
    which few rows take the last means only; `words` the tier's scores beside the kernel machine's.
    """

    share: float
    words: float
    few: bool


_MANY = _Form(share=0.2, words=0.05, few=False)
_FEW = _Form(share=0.15, words=0.0, few=True)
_FEW_ROWS = 30
"""Rows a label, below which they are few."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What is learned from. `truth` is -1 outside; `measured` are rows that a student may be judged by."""

    truth: Ints
    n: int
    groups: Ints
    measured: NDArray[np.bool_]

    @property
    def inside(self) -> NDArray[np.bool_]:
        return self.measured & (self.truth >= 0)


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
    told: Sequence[tuple[str, str]] = (),
) -> Artifact:
    """Train on rows of text and label; `features` are the encoder's of the rows and of `told`, None for a lexical tier
    alone.

    `encoder` is the name of the model that they are of. `told` are texts that the task gives of its labels.
    `most_features` bounds the vocabulary. Raises UsageError for fewer than two labels, or too few rows of one.
    """
    said = [label for _, label in rows]
    known = [label for label in labels if label != out_of_scope and label in set(said)]
    check(said, known)
    texts, said = [text for text, _ in (*rows, *told)], [label for _, label in (*rows, *told)]
    taught = _Rows(
        truth=np.array([known.index(label) if label != out_of_scope else -1 for label in said]),
        n=len(known),
        groups=group(texts),
        measured=np.arange(len(texts)) < len(rows),
    )
    lexical = vocabulary(texts, least=2 if len(texts) >= 500 else 1, most=most_features)
    counted = lexical.count(texts)
    on_progress(0.1)
    grams = sparse.csr_matrix(
        (counted.values, counted.features, counted.starts), shape=(len(texts), max(len(lexical.vocabulary), 1))
    )
    tier = _tier(grams, taught, seed=seed)
    on_progress(0.4)
    form = _FEW if len(rows) < _FEW_ROWS * len(known) else _MANY
    facts = {
        "labels": list(labels),
        "known": known,
        "tier_labels": [*known, out_of_scope] if tier.weights.shape[1] > len(known) else known,
        "out_of_scope": out_of_scope,
        "encoder": encoder if features is not None else None,
        "features": FEATURES if features is not None else None,
        "share": form.share,
        "words": form.words,
        "gamma": _GAMMA,
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "vocabulary": lexical.vocabulary,
        "idf": lexical.idf,
        "tier_weights": tier.weights.astype(np.float16),
        "tier_bias": tier.bias,
        "shares": np.array([1.0, 0.0, 30.0]),
    }
    behind = None
    if features is not None:
        space = _space(features, grams, form, seed=seed)
        on_progress(0.5)
        machine, behind = _machine(space, taught, tier.unseen[:, : len(known)], form, seed=seed)
        arrays |= {"mean": space.mean, "basis": space.basis, "turn": space.turn.astype(np.float16), **machine}
    # Of few rows the encoder makes so much more that no answer is left to the words.
    least = np.inf if form.few else tier.least(behind)
    arrays["tier"] = np.array([least, tier.right.gain, tier.right.shift])
    on_progress(1.0)
    return Artifact(kind="classify", arrays=arrays, facts=facts)


def _machine(
    space: _Space, taught: _Rows, words: Floats, form: _Form, *, seed: int
) -> tuple[dict[str, NDArray[np.generic]], NDArray[np.bool_]]:
    """Fit the kernel machine. Gives its arrays, and which rows it is right about that it was not fitted on."""
    places = space.places
    arrays: dict[str, NDArray[np.generic]] = {}
    marks = _marks(taught.truth, seed=seed)
    if form.few:
        labelled = taught.truth >= 0
        unseen = np.empty((len(places), taught.n), dtype=np.float32)
        fold_of = folds(taught.truth, taught.groups, seed=seed)
        for fold in range(FOLDS):
            rest = fold_of != fold
            moved = bent(places, learn_bend(places[rest & labelled], taught.truth[rest & labelled], seed=seed))
            unseen[~rest] = _ridge(moved, taught, np.flatnonzero(rest))[1][~rest]
        bend = learn_bend(places[labelled], taught.truth[labelled], seed=seed).astype(np.float16)
        places, arrays = bent(places, bend.astype(np.float32)), {"bend": bend}
        weights, _ = _ridge(places, taught, marks)
    else:
        weights, unseen = _ridge(places, taught, marks)
    unseen = unseen + np.float32(form.words) * words
    inside = taught.inside
    factor = _factor(unseen[inside], taught.truth[inside], taught.groups[inside])
    near = _near(unseen[taught.measured], taught.truth[taught.measured] >= 0, factor)
    near_marks, scales = quantise(np.ascontiguousarray(places[marks].T))
    arrays |= {
        "marks": near_marks,
        "mark_scales": scales,
        "weights": weights,
        "shares": np.array([factor, near.gain, near.shift]),
    }
    return arrays, unseen.argmax(axis=1) == taught.truth


def check(said: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError where rows with these labels, of which `known` are the task's, teach too little."""
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
    """The lexical tier; `margin` and `unseen` (rows, labels) are of rows that it was not fitted on."""

    weights: Floats
    bias: Floats
    unseen: Floats
    right: Curve
    margin: Floats
    good: NDArray[np.bool_]
    answers: NDArray[np.bool_]

    def least(self, behind: NDArray[np.bool_] | None) -> float:
        """Return the margin from which on its answers are taken; `behind` is which rows the machine is right about."""
        behind = self.good if behind is None else behind
        return _threshold(self.margin[self.answers], self.good[self.answers], behind[self.answers])


def _tier(rows: sparse.csr_matrix, taught: _Rows, *, seed: int) -> _Tier:
    """Fit the linear machine, and look at what it says of rows that it was not fitted on."""
    # What is outside is one more label here.
    classes = np.where(taught.truth < 0, taught.n, taught.truth)
    n = int(classes.max()) + 1
    weights, bias = _linear(rows, classes, n, seed=seed)
    fold_of = folds(classes, taught.groups, seed=seed)
    unseen = np.full((len(classes), n), -10.0, dtype=np.float32)
    for fold in range(FOLDS):
        rest = fold_of != fold
        if len(np.unique(classes[rest])) > 1:
            fold_weights, fold_bias = _linear(rows[rest], classes[rest], n, seed=seed)
            unseen[~rest] = rows[~rest] @ fold_weights + fold_bias
    margin, good, some = leads(unseen), unseen.argmax(axis=1) == classes, taught.measured
    return _Tier(
        weights=weights,
        bias=bias,
        unseen=unseen,
        right=curve(margin[some], good[some], weigh(taught.groups)[some]),
        margin=margin,
        good=good,
        answers=some & (unseen.argmax(axis=1) < taught.n),
    )


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


def weigh(groups: Ints) -> NDArray[np.float64]:
    """Return every row its weight, so that all groups of near-duplicates weigh the same."""
    return 1 / np.bincount(groups)[groups]


def leads(scores: Floats) -> Floats:
    """Return by how much the best score of each row leads the next."""
    ranked = np.partition(scores, -2, axis=1)
    return ranked[:, -1] - ranked[:, -2]


def _threshold(margin: Floats, good: NDArray[np.bool_], behind: NDArray[np.bool_]) -> float:
    """Return least margin from which on few enough of the rows are wrong, and hardly more than of the machine behind;
    infinite where there is none.
    """
    order = np.argsort(-margin, kind="stable")
    # A small sample without an error says little: one more is counted than was seen.
    wrong = (np.cumsum(~good[order]) + 1) / np.arange(2, len(order) + 2)
    loss = np.cumsum(behind[order].astype(int) - good[order].astype(int)) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero((wrong <= _TIER_ERROR) & (loss <= _TIER_LOSS))
    return float(margin[order[fine[-1]]]) if len(fine) else float("inf")


def curve(x: Floats, right: NDArray[np.bool_], weight: NDArray[np.floating]) -> Curve:
    """Fit how often rows at x are right, smoothed where there are few errors; at 0 it is one half at most.

    Two labels that score the same are a toss-up even where no error was seen, which a free curve would make flat.
    """
    weight = weight.astype(np.float32)
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


def _space(features: Floats, rows: sparse.csr_matrix, form: _Form, *, seed: int) -> _Space:
    """Learn where texts are: the main directions of the features and of the n-grams."""
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred: Floats = features - mean
    used = last_means(features.shape[1]) if form.few else slice(None)
    _, directions = np.linalg.eigh(centred[:, used].T @ centred[:, used])
    basis = np.zeros((features.shape[1], min(_DIMS, len(directions))), dtype=np.float32)
    basis[used] = directions[:, ::-1][:, :_DIMS]
    dims = max(1, min(_TURN_DIMS, min(rows.shape) - 1))
    turn = TruncatedSVD(dims, random_state=seed, n_iter=3).fit(rows).components_.T.astype(np.float32)
    near = unit(centred @ basis) * np.float32((1 - form.share) ** 0.5)
    said = unit(np.asarray(rows @ turn, dtype=np.float32)) * np.float32(form.share**0.5)
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


def _ridge(places: Floats, taught: _Rows, marks: Ints) -> tuple[Floats, Floats]:
    """Fit scores of 1 for a row's label and 0 for the others; rows outside have 0 everywhere.

    Gives the weights (marks, n) and the scores (rows, n) of rows left out in turn, with all that are near-duplicates of
    them; those that are no marks were never seen.
    """
    chosen, truth, n = places[marks], taught.truth, taught.n
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
    for rows in _shared(taught.groups[marks]):
        columns = inverse[:, rows]
        unseen[marks[rows]] = target[rows] - np.linalg.solve(columns.T @ columns, weights[rows])
    rest = np.setdiff1d(np.arange(len(places)), marks)
    for at in range(0, len(rest), _BLOCK):
        unseen[rest[at : at + _BLOCK]] = _kernel(places[rest[at : at + _BLOCK]], chosen) @ weights
    return weights, unseen


def _shared(groups: Ints) -> list[Ints]:
    """Return the rows of each group that has more than one."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return [part for part in parts if len(part) > 1]


def _kernel(places: Floats, marks: Floats) -> Floats:
    return gaussian(places @ marks.T, _GAMMA)


def _factor(scores: Floats, truth: Ints, groups: Ints) -> float:
    """Return the factor of the scores whose shares lose least on unseen rows, one of each group's weight in all.

    Of as many as there are, one is taken to be any other label: rows without an error would ask for no end.
    """
    rows = np.arange(len(truth))
    weight = weigh(groups)
    weight /= weight.sum()
    stray = 1 / (len(np.unique(groups)) + 2)

    def loss(log_factor: float) -> float:
        shares = np.log(np.maximum(softmax(np.exp(log_factor) * scores), 1e-9))
        right = shares[rows, truth]
        others = (shares.sum(axis=1) - right) / max(scores.shape[1] - 1, 1)
        return float(-(weight * ((1 - stray) * right + stray * others)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-1.0, 5.0), method="bounded").x))


def _near(unseen: Floats, inside: NDArray[np.bool_], factor: float) -> Curve:
    """Fit how likely a text with such a largest score belongs to any label, by the scores of unseen rows.

    Rows outside and inside weigh the same: how often traffic is outside is not the examples' to say. But a text is
    taken for one outside where the curve is below its best label's share of it, and only so many rows inside may be.
    """
    height = unseen.max(axis=1).astype(np.float64)
    gain, shift = 20.0, -np.inf
    if (~inside).sum() >= _LEAST_OUTSIDE:
        fitted = LogisticRegression(C=1e3, max_iter=500, class_weight="balanced").fit(height[:, None], inside)
        gain, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    best = softmax(factor * unseen[inside]).max(axis=1)
    allowed = -float(np.quantile(gain * height[inside] + np.log(best), _FALSE_ALARMS))
    return Curve(gain=gain, shift=max(shift, allowed))

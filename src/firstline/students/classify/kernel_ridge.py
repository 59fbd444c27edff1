"""Trains small students that sort texts by an encoder's features alone: a ridge regression, one score for each label.

What comes with the package is made so: 0.1 MB, where a kernel machine keeps every row. The label for what is out of
scope is one like the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from firstline.engines.bert_features import FEATURES
from firstline.students.artifact import Artifact
from firstline.students.classify.lexical import Floats, Ints
from firstline.students.classify.train import FOLDS, check, curve, folds, leads, weigh

_RIDGE = 0.3
"""Of the mean square of a row's length."""


def train_plane(
    rows: Sequence[tuple[str, str]],
    features: Floats,
    *,
    groups: Sequence[str],
    labels: Sequence[str],
    out_of_scope: str | None,
    encoder: str,
    seed: int,
) -> Artifact:
    """Train on rows of text and label and an encoder's `features` (n, width) of them.

    Rows of a group are alike: how sure to be is learned from what was said of groups that were not seen. Raises
    UsageError for fewer than two labels, or too few rows of one.
    """
    said = [label for _, label in rows]
    known = [label for label in labels if label != out_of_scope and label in set(said)]
    check(said, known)
    names = [*known, out_of_scope] if out_of_scope is not None and out_of_scope in said else known
    classes = np.array([names.index(label) for label in said])
    near = np.unique(np.array(groups), return_inverse=True)[1]
    fold = folds(classes, near, seed=seed)
    unseen = np.zeros((len(rows), len(names)), dtype=np.float32)
    for one in range(FOLDS):
        weights, bias = _ridge(features[fold != one], classes[fold != one], len(names))
        unseen[fold == one] = features[fold == one] @ weights + bias
    right = curve(leads(unseen), unseen.argmax(axis=1) == classes, weigh(near))
    weights, bias = _ridge(features, classes, len(names))
    arrays: dict[str, NDArray[np.generic]] = {
        "vocabulary": np.zeros(0, dtype=np.uint64),
        "idf": np.zeros(0, dtype=np.float32),
        "tier": np.array([np.inf, 1.0, 0.0]),
        "tier_weights": np.zeros((0, len(names)), dtype=np.float16),
        "tier_bias": np.zeros(len(names), dtype=np.float32),
        "shares": np.array([1.0, 0.0, 30.0]),
        "plane": np.array([right.gain, right.shift]),
        "plane_weights": weights.astype(np.float16),
        "plane_bias": bias,
    }
    facts = {
        "labels": list(labels),
        "known": known,
        "tier_labels": list(names),
        "out_of_scope": out_of_scope,
        "encoder": encoder,
        "features": FEATURES,
        "rows": len(rows),
        "seed": seed,
    }
    return Artifact(kind="classify", arrays=arrays, facts=facts)


def _ridge(features: Floats, classes: Ints, n: int) -> tuple[Floats, Floats]:
    """Fit 1 for a row's label and 0 for the others; gives weights (width, n) and biases (n,)."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = (features - mean).astype(np.float64)
    target = np.eye(n)[classes]
    share = target.mean(axis=0)
    grown = centred.T @ centred
    grown.flat[:: len(grown) + 1] += _RIDGE * float((centred**2).sum(axis=1).mean())
    weights = cho_solve(cho_factor(grown, lower=True), centred.T @ (target - share))
    return weights.astype(np.float32), (share - mean @ weights).astype(np.float32)

"""A student that sorts texts: a lexical tier for the clear cases, a kernel machine on encoder features for the rest.

The lexical tier is a linear machine on n-grams (`lexical.py`); where its margin reaches a threshold, its answer is
taken and no encoder is asked. Else the text's place is the encoder's features, centred and turned to their main
directions, beside its n-grams turned to theirs; a Gaussian kernel to rows of training and a ridge regression give a
score for each label, to which the tier's are added by a small share. Scores become probabilities by one factor; how
near the text is to any label at all, by a logistic curve. A small student, as they come with the package, has one
linear machine on the encoder's features instead of all that. How each of these was chosen stands in `docs/LOG.md`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstline.engines.bert_features import FEATURES
from firstline.engines.int8 import Product
from firstline.errors import UsageError, WeightsMissingError
from firstline.students.artifact import Artifact
from firstline.students.classify.classifier import Named
from firstline.students.classify.lexical import Counted, Floats, Lexical

Features = Callable[[Sequence[str]], Awaitable[Floats]]
"""Gives an encoder's features of texts, one a row (`engines/encoder.py`)."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A logistic curve: `gain * x + shift` are log-odds."""

    gain: float
    shift: float

    def odds(self, x: float) -> float:
        """Return the log-odds at x, within what a float can hold."""
        return min(max(self.gain * x + self.shift, -30.0), 30.0)

    def probability(self, x: float) -> float:
        """Return the probability at x."""
        return 1 / (1 + math.exp(-self.odds(x)))


@dataclass(frozen=True, kw_only=True)
class Tier:
    """The lexical tier: `weights` (features, labels) and `bias`; from margin `least` on its answer is taken.

    `right` gives how often an answer of such a margin is right.
    """

    lexical: Lexical
    weights: NDArray[np.floating[Any]]
    bias: Floats
    least: float
    right: Curve

    def scores(self, counted: Counted) -> Floats:
        """Return the scores of texts by their n-grams (`lexical`), shape (n, labels)."""
        return counted.times(self.weights) + self.bias


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The kernel machine. A place has `dims` numbers: (features - mean) @ basis, beside n-grams @ turn by `share`;
    where there is a `bend` (dims, dims), it stands beside what this makes of it.

    `marks` multiplies a place with the places of m rows of training, `weights` (m, labels) are what each of them says.
    """

    mean: Floats
    basis: Floats
    turn: NDArray[np.floating[Any]]
    share: float
    marks: Product
    weights: Floats
    gamma: float
    bend: Floats | None

    def place(self, features: Floats, counted: Counted) -> Floats:
        """Return the places of texts by their features and n-grams, rows of length 1."""
        turned: Floats = np.matmul(features - self.mean, self.basis, dtype=np.float32)
        near: Floats = unit(turned) * np.float32(math.sqrt(1 - self.share))
        said: Floats = unit(counted.times(self.turn)) * np.float32(math.sqrt(self.share))
        place: Floats = np.concatenate([near, said], axis=1)
        return place if self.bend is None else bent(place, self.bend)

    def scores(self, places: Floats) -> Floats:
        """Return a score for each label, about 1 for the right one and 0 for the others; shape (n, labels)."""
        return gaussian(self.marks(places), self.gamma) @ self.weights


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A linear machine on an encoder's features: `weights` (width, labels) and `bias`; `right` as in a tier."""

    weights: NDArray[np.floating[Any]]
    bias: Floats
    right: Curve

    def scores(self, features: Floats) -> Floats:
        """Return the scores of texts, shape (n, labels)."""
        found: Floats = np.matmul(features, self.weights, dtype=np.float32) + self.bias
        return found


class ClassifyStudent:
    """A trained student. `features` None: it is a lexical tier alone."""

    def __init__(self, artifact: Artifact, features: Features | None) -> None:
        facts, arrays = artifact.facts, artifact.arrays
        self._labels: list[str] = list(facts["known"])
        self._tier_labels: list[str] = list(facts["tier_labels"])
        self._outside: str | None = facts["out_of_scope"]
        lexical = Lexical(vocabulary=arrays["vocabulary"], idf=arrays["idf"].astype(np.float32))
        least, gain, shift = (float(one) for one in arrays["tier"])
        self.tier = Tier(
            lexical=lexical,
            weights=arrays["tier_weights"],
            bias=arrays["tier_bias"].astype(np.float32),
            least=least,
            right=Curve(gain=gain, shift=shift),
        )
        self._factor, near_gain, near_shift = (float(one) for one in arrays["shares"])
        self._near = Curve(gain=near_gain, shift=near_shift)
        self._words = np.float32(facts.get("words", 0.0))
        self._machine: Machine | None = None
        self._plane: Plane | None = None
        self._features = features
        if facts["encoder"] is not None:
            if facts.get("features") != FEATURES:
                raise UsageError(
                    f"it was trained on features of another kind than this version's {FEATURES}",
                    hint="`firstline distill` makes it anew",
                )
            if features is None:
                encoder = facts["encoder"]
                raise WeightsMissingError(
                    f"the weights of {encoder}, which it reads with, are not on disk; "
                    f"`firstline models pull {encoder}` fetches them"
                )
            if "plane" in arrays:
                gain, shift = (float(one) for one in arrays["plane"])
                self._plane = Plane(
                    weights=arrays["plane_weights"].astype(np.float32),
                    bias=arrays["plane_bias"],
                    right=Curve(gain=gain, shift=shift),
                )
                return
            self._machine = Machine(
                mean=arrays["mean"],
                basis=arrays["basis"],
                turn=arrays["turn"],
                share=float(facts["share"]),
                marks=Product(arrays["marks"], arrays["mark_scales"]),
                weights=arrays["weights"],
                gamma=float(facts["gamma"]),
                bend=arrays["bend"].astype(np.float32) if "bend" in arrays else None,
            )

    async def name(self, text: str) -> Named:
        """Name the label of a text."""
        if self._plane is not None and self._features is not None:
            scores = self._plane.scores(await self._features([text]))[0]
            return self._by_margin(scores, lead(scores), self._plane.right, tier=1.0)
        counted = self.tier.lexical.count([text])
        scores = self.tier.scores(counted)[0]
        margin = lead(scores)
        clear = margin >= self.tier.least and self._tier_labels[int(scores.argmax())] != self._outside
        if clear or self._machine is None or self._features is None:
            return self._by_margin(scores, margin, self.tier.right, tier=0.0)
        places = self._machine.place(await self._features([text]), counted)
        found = self._machine.scores(places)[0] + self._words * scores[: len(self._labels)]
        return self._by_kernel(found, scores)

    def _by_margin(self, scores: Floats, margin: float, curve: Curve, *, tier: float) -> Named:
        right = curve.probability(margin)
        label = self._tier_labels[int(scores.argmax())]
        return Named(
            label=label,
            inside=self._labels[int(scores[: len(self._labels)].argmax())],
            probability=right,
            next_probability=(1 - right) / max(len(self._tier_labels) - 1, 1),
            signals={"tier": tier, "margin": margin, "odds": curve.odds(margin)},
        )

    def _by_kernel(self, scores: Floats, words: Floats) -> Named:
        """Share the probability among the labels, what is near none of them left for the one outside."""
        shares = softmax(self._factor * scores)
        best, height = int(scores.argmax()), float(scores.max())
        near = self._near.probability(height) if self._outside is not None else 1.0
        ranked = np.sort(shares)[::-1]
        signals = {
            "tier": 1.0,
            "height": height,
            "margin": lead(scores),
            "near": self._near.odds(height) if self._outside is not None else 0.0,
            "words_agree": float(self._tier_labels[int(words.argmax())] == self._labels[best]),
        }
        told = near * float(ranked[0])
        if self._outside is not None and 1 - near > told:
            return self._named(self._outside, best, 1 - near, told, signals)
        second = max(near * float(ranked[1]) if len(ranked) > 1 else 0.0, 1 - near)
        return self._named(self._labels[best], best, told, second, signals)

    def _named(self, label: str, best: int, probability: float, second: float, signals: dict[str, float]) -> Named:
        inside = self._labels[best]
        return Named(label=label, inside=inside, probability=probability, next_probability=second, signals=signals)


def gaussian(likeness: Floats, gamma: float) -> Floats:
    """Make the Gaussian kernel of the products of rows of length 1, in place."""
    likeness -= 1
    likeness *= np.float32(2 * gamma)
    return np.exp(likeness, out=likeness)


def bent(places: Floats, bend: Floats) -> Floats:
    """Move places, and set them beside where they were, half and half."""
    half = np.float32(math.sqrt(0.5))
    both: Floats = np.concatenate([unit(places + places @ bend) * half, places * half], axis=1)
    return both


def unit(rows: Floats) -> Floats:
    """Scale rows to length 1; a row of zeros stays."""
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return scaled


def softmax(scores: Floats) -> Floats:
    """Make shares of scores, along the last axis."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return found


def lead(scores: Floats) -> float:
    """Return by how much the best score leads the next."""
    if len(scores) < 2:
        return float(scores.max())
    second, first = np.partition(scores, -2)[-2:]
    return float(first - second)

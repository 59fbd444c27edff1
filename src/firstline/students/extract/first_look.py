"""Whether a document is one of the kind that a task reads: a first look, before anything is asked of it.

It looks at the document's shape alone: how long its lines are, how many end in an amount, what the second reader finds
for the task's fields, what closes. It knows no word, so that it carries over to shops and languages that it never saw.
A logistic curve over these numbers; taught on documents of the kind and on others. NumPy alone; a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstline import patterns
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.reading.joint import look, sums_of
from firstline.types import Json

Floats = NDArray[np.float64]

NAMES = (
    "lines", "words_a_line", "characters_a_line", "longest_line", "short_lines", "sentences", "money", "money_lines",
    "ends_in_money", "digits", "letters", "signs_of_code", "upper", "days", "found", "found_required", "labelled",
    "proofs", "cells_a_line", "currency",
)  # fmt: skip
"""What is measured of a document, in order."""

_WORD = patterns.compile(r"\S+")
_CODE = patterns.compile(r"[{}\[\]=;_<>\\|`\"$&^~]")
_SENTENCE = patterns.compile(r"[^\W\d_]{2,}[.!?,:]?$")
_MOST_LINES = 400
"""Lines looked at; what a document is shows on its first pages."""
_MOST_CHARACTERS = 40_000
_SENTENCE_WORDS = 6
_LABELLED = 0.5
_FARTHEST = 4.0
"""Standard deviations that one measure may speak for or against."""


def measures(document: Document, offers: Mapping[str, Offer]) -> Floats:
    """Measure a document for a task's fields; shape (len(NAMES),)."""
    texts = [text for text in document.texts[:_MOST_LINES] if text.strip()]
    lines = max(len(texts), 1)
    words = [len(_WORD.findall(text)) for text in texts]
    whole = "".join(texts)[:_MOST_CHARACTERS]
    size = max(len(whole), 1)
    letters = sum(char.isalpha() for char in whole)
    mentions = [m for m in document.amounts if m.line < _MOST_LINES]
    money = [m for m in mentions if m.is_money]
    last = {m.line for m in money if not any(char.isalpha() for char in m.trail)}
    closed = [one for one in offers.values() if one.closed]
    required = [one for one in closed if not one.field.optional]
    labelled = [one for one in closed if one.candidates and one.candidates[0].score > _LABELLED]
    return np.array(
        [
            math.log1p(len(texts)),
            sum(words) / lines,
            sum(map(len, texts)) / lines / 10,
            math.log1p(max(map(len, texts), default=0)),
            sum(count <= 4 for count in words) / lines,
            sum(n >= _SENTENCE_WORDS and bool(_SENTENCE.search(t)) for n, t in zip(words, texts, strict=True)) / lines,
            math.log1p(len(money)),
            len({m.line for m in money}) / lines,
            len(last) / lines,
            sum(char.isdigit() for char in whole) / size,
            letters / size,
            len(_CODE.findall(whole)) / size * 10,
            sum(char.isupper() for char in whole) / max(letters, 1),
            float(bool(document.dates)),
            sum(one.reading is not None for one in closed) / max(len(closed), 1),
            sum(one.reading is not None for one in required) / max(len(required), 1),
            len(labelled) / max(len(closed), 1),
            float(_proofs(document, offers)),
            sum(len(line.cells) for line in document.lines[:_MOST_LINES]) / lines,
            float(any(m.amount.currency is not None for m in money)),
        ]
    )


def _proofs(document: Document, offers: Mapping[str, Offer]) -> int:
    fields = [one.field for one in offers.values()]
    readings = {name: one.reading for name, one in offers.items()}
    found = [
        len(look(document.arithmetic, [readings.get(name) for name in (total, *parts)])[0].proofs)
        for total, parts in sums_of(fields)
    ]
    return max(found, default=0)


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What was learned; `least` is the probability below which a document is none of the kind."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    least: float

    def probability(self, document: Document, offers: Mapping[str, Offer]) -> float:
        """Say how likely a document is of the kind."""
        return float(self.probabilities(measures(document, offers)[None, :])[0])

    def probabilities(self, rows: Floats) -> Floats:
        """Say it of measured documents; shape (rows, len(NAMES)) to (rows,)."""
        steps = np.clip((rows - self.mean) / self.scale, -_FARTHEST, _FARTHEST)
        result: Floats = 1 / (1 + np.exp(-np.clip(steps @ self.weights + self.bias, -60, 60)))
        return result

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "names": list(NAMES),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "weights": self.weights.tolist(),
            "bias": self.bias,
            "least": self.least,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Json]) -> FirstLook | None:
        """Take it back; None where it was learned from other measures than today's."""
        if facts.get("names") != list(NAMES):
            return None
        arrays = [np.array(facts[name], dtype=np.float64) for name in ("mean", "scale", "weights")]
        mean, scale, weights = arrays
        return cls(
            mean=mean, scale=scale, weights=weights, bias=float(str(facts["bias"])), least=float(str(facts["least"]))
        )


def scaled(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean, scale and the rows as steps from the mean, clipped as they are when it serves."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3)
    return mean, scale, np.clip((rows - mean) / scale, -_FARTHEST, _FARTHEST)

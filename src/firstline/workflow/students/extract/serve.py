"""Serves an extract student: the fields of a document, chosen among its spans, each with a probability.

A value stands in the document as it is answered (a day or number is read as the product reads it everywhere); lines in
a row are joined by blanks. None with a probability says that it is not there. NumPy alone; milliseconds a document.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from firstline.errors import UsageError
from firstline.types import Json
from firstline.workflow.field import Field
from firstline.workflow.reading.document import Document
from firstline.workflow.reading.fields import offer
from firstline.workflow.students.artifact import Artifact
from firstline.workflow.students.extract.calibration import Calibration, clearness
from firstline.workflow.students.extract.grid import Floats
from firstline.workflow.students.extract.span_features import key_of, role_scores
from firstline.workflow.students.extract.trees import Trees
from firstline.workflow.students.extract.view import Look, View, best_of_keys, look, tag_scores
from firstline.workflow.students.student import Found

_LEAST = 1e-9


@dataclass(frozen=True, kw_only=True)
class SpanReader:
    """What was learned for a field whose values stand in the document.

    `tags` (TAG_ROLES, len(TAGS), BUCKETS) and `tag_bias` (len(TAGS),) are of a text field; `words` (roles, BUCKETS).
    """

    field: Field
    families: tuple[str, ...]
    tags: NDArray[np.float32] | None
    tag_bias: NDArray[np.float32] | None
    words: NDArray[np.float32]
    trees: Trees
    calibration: Calibration

    def look(self, view: View) -> Look:
        """Take the spans worth weighing."""
        marks = None
        if self.tags is not None and self.tag_bias is not None:
            marks = tag_scores(view, self.tags, self.tag_bias)
        return look(view, self.field, self.families, marks)

    def find(self, view: View) -> Found | None:
        """Choose a span, or None for a field that must be there and for which nothing is proposed."""
        seen = self.look(view)
        scores = self.trees.scores(weighed(seen, self.words)) if seen.spans else np.zeros(0)
        best = best_of_keys(seen.spans, scores)
        chances, none = self.calibration.shares(np.array([scores[at] for at in best.values()]))
        if not best and not self.field.optional:
            return None
        if not best or (self.field.optional and none > chances[0]):
            rest = float(chances[0]) if best else _LEAST
            sure = self.calibration.probability(none, clearness(view.grid.confidence))
            return _found(None, none, rest, sure, {})
        keys = list(best.values())
        rest = max([none, *map(float, chances[1:2])])
        span = seen.spans[keys[0]]
        read = offer(view.document, self.field).reading
        signals = {} if read is None else {"second": float(key_of(self.field, read) == span.key)}
        sure = self.calibration.probability(float(chances[0]), clearness(view.grid.least_confidence(span.cells)))
        return _found(span.value, float(chances[0]), rest, sure, signals)


@dataclass(frozen=True, kw_only=True)
class ChoiceReader:
    """What was learned for a field with few values that need not be printed: `weights` (values, BUCKETS + values + 1),
    the last columns for what the second reader says; `bias` (values,)."""

    field: Field
    values: tuple[Json, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    calibration: Calibration

    def find(self, view: View) -> Found:
        """Choose a value."""
        scores = choice_scores(view, self.field, self.values, self.weights, self.bias)
        order = np.argsort(-scores, kind="stable")
        chances, _ = self.calibration.shares(scores[order])
        rest = float(chances[1]) if len(chances) > 1 else _LEAST
        sure = self.calibration.probability(float(chances[0]), clearness(view.grid.confidence))
        return _found(self.values[int(order[0])], float(chances[0]), rest, sure, {})


class ExtractStudent:
    """Finds the fields that it was taught. Raises UsageError for an artifact of another kind or with parts missing."""

    def __init__(self, artifact: Artifact) -> None:
        if artifact.kind != "extract":
            raise UsageError(f"this student was made for {artifact.kind}, not to extract")
        try:
            self.least = float(artifact.facts.get("least", 0.0))
            self.fields = msgspec.convert(artifact.facts["declared"], tuple[Field, ...])
            learned = msgspec.convert(artifact.facts["learned"], dict[str, dict[str, Json]])
            self._readers = {
                field.name: _reader(field, at, learned[field.name], artifact)
                for at, field in enumerate(self.fields)
                if field.name in learned
            }
        except (KeyError, IndexError, msgspec.ValidationError) as error:
            raise UsageError(
                f"the student's file lacks a part: {error}", hint="`firstline distill` makes it anew"
            ) from None

    def find(self, document: Document) -> Mapping[str, Found]:
        """Find the fields; one that must be there and for which the document offers nothing is left out."""
        view = View(document)
        if not len(view.grid):
            return {}
        found = {name: reader.find(view) for name, reader in self._readers.items()}
        return {name: one for name, one in found.items() if one is not None}


def weighed(seen: Look, words: NDArray[np.float32]) -> Floats:
    """Give what the trees see of every span: its features, the score of every role's words, and their sum."""
    scores = role_scores(seen.rows, words)
    return np.hstack([seen.features, scores, scores.sum(axis=1, keepdims=True)])


def choice_scores(
    view: View, field: Field, values: Sequence[Json], weights: NDArray[np.float32], bias: NDArray[np.float32]
) -> Floats:
    """Score every value of a field by the document's words and by what the second reader says; shape (values,)."""
    hashed, read = choice_row(view, field, values)
    words = weights[:, : weights.shape[1] - len(values) - 1]
    scores = (words[:, hashed].sum(axis=1) / math.sqrt(max(len(hashed), 1))).astype(np.float64)
    result: Floats = scores + weights[:, words.shape[1] + read] + bias
    return result


def choice_row(view: View, field: Field, values: Sequence[Json]) -> tuple[NDArray[np.int64], int]:
    """Give the document's buckets, each once, and the number of the second reader's value (the last: none of them)."""
    reading = offer(view.document, field).reading
    at = next((at for at, value in enumerate(values) if value is not None and value == reading), len(values))
    return np.unique(view.grams.buckets), at


def _found(value: Json, chance: float, rest: float, sure: float, signals: Mapping[str, float]) -> Found:
    lead = math.log(max(chance, _LEAST) / max(rest, _LEAST))
    return Found(value=value, probability=sure, signals={"lead": lead, **signals})


def _reader(field: Field, at: int, learned: Mapping[str, Json], artifact: Artifact) -> SpanReader | ChoiceReader:
    arrays = artifact.arrays
    calibration = Calibration.of(arrays[f"{at}.sure"])
    if learned["by"] == "choice":
        return ChoiceReader(
            field=field,
            values=tuple(msgspec.convert(learned["values"], list[Json])),
            weights=arrays[f"{at}.weights"].astype(np.float32),
            bias=arrays[f"{at}.bias"],
            calibration=calibration,
        )
    tagged = f"{at}.tags" in arrays
    return SpanReader(
        field=field,
        families=tuple(msgspec.convert(learned["families"], list[str])),
        tags=arrays[f"{at}.tags"].astype(np.float32) if tagged else None,
        tag_bias=arrays[f"{at}.tag_bias"] if tagged else None,
        words=arrays[f"{at}.words"].astype(np.float32),
        trees=Trees.of(arrays, f"{at}.trees"),
        calibration=calibration,
    )

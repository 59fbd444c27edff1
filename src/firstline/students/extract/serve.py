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
from firstline.reading.document import Document
from firstline.reading.fields import offer
from firstline.reading.joint import STUDENT_PROOF, Option, choose
from firstline.reading.names import STRONG_FORM, name_alone
from firstline.schema.field import Field
from firstline.students.artifact import Artifact
from firstline.students.extract.calibration import Calibration, clearness
from firstline.students.extract.extractor import Found, Sums
from firstline.students.extract.first_look import FirstLook
from firstline.students.extract.grid import Floats
from firstline.students.extract.span_features import key_of, role_scores
from firstline.students.extract.spans import Span
from firstline.students.extract.trees import Trees
from firstline.students.extract.view import Look, View, best_of_keys, look, tag_scores
from firstline.types import Json
from firstline.values.texts import fold

_LEAST = 1e-9


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """The values that a document offers for a field, likeliest first, each by its best span; `none`: not there."""

    spans: tuple[Span, ...]
    shares: tuple[float, ...]
    none: float

    def options(self, *, absent: bool) -> list[Option]:
        """Return them with the logarithms of their shares."""
        found = [
            Option(value=span.value, weight=math.log(max(share, _LEAST)))
            for span, share in zip(self.spans, self.shares, strict=True)
        ]
        return [*found, Option(value=None, weight=math.log(max(self.none, _LEAST)))] if absent else found

    def completed(self, name: str) -> Weighed:
        """Put the second reader's name before one that is a part of it without its legal form: both mean that name."""
        key = fold(name)
        first = self.spans[0] if self.spans else None
        if first is None or first.key == key or first.key not in key or not STRONG_FORM.search(name):
            return self
        if STRONG_FORM.search(first.text) and not key.endswith(first.key):
            return self
        at = next((at for at, span in enumerate(self.spans) if fold(name_alone(span.text)) == key), None)
        if at is None:
            return self
        return self.with_first(self.spans[at].value, self.shares[0] + self.shares[at])

    def with_first(self, value: Json, share: float) -> Weighed:
        """Put the value first with another share; the others keep theirs, scaled to what is left."""
        at = next((at for at, span in enumerate(self.spans) if span.value == value), None)
        own = self.none if at is None else self.shares[at]
        scale = (1 - share) / max(1 - own, _LEAST)
        none = share if at is None else self.none * scale
        order = [] if at is None else [at]
        order += [other for other in range(len(self.spans)) if other != at]
        shares = tuple(share if other == at else self.shares[other] * scale for other in order)
        return Weighed(spans=tuple(self.spans[other] for other in order), shares=shares, none=none)


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

    def weigh(self, view: View) -> Weighed:
        """Return the values that a document offers with their shares."""
        seen = self.look(view)
        scores = self.trees.scores(weighed(seen, self.words)) if seen.spans else np.zeros(0)
        best = best_of_keys(seen.spans, scores)
        chances, none = self.calibration.shares(np.array([scores[at] for at in best.values()]))
        spans = tuple(seen.spans[at] for at in best.values())
        return Weighed(spans=spans, shares=tuple(map(float, chances)), none=none)

    def find(self, view: View, seen: Weighed) -> Found | None:
        """Choose a span, or None for a field that must be there and for which nothing is proposed."""
        if not seen.spans and not self.field.optional:
            return None
        read = offer(view.document, self.field).reading
        if self.field.span == "line" and isinstance(read, str):
            seen = seen.completed(read)
        if not seen.spans or (self.field.optional and seen.none > seen.shares[0]):
            rest = seen.shares[0] if seen.spans else _LEAST
            sure = self.calibration.probability(seen.none, clearness(view.grid.confidence))
            return _found(None, seen.none, rest, sure, {})
        rest = max([seen.none, *seen.shares[1:2]])
        span = seen.spans[0]
        signals = {} if read is None else {"second": float(key_of(self.field, read) == span.key)}
        sure = self.calibration.probability(seen.shares[0], clearness(view.grid.least_confidence(span.cells)))
        value = name_alone(span.text) if self.field.span == "line" else span.value
        return _found(value, seen.shares[0], rest, sure, signals)


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
            self.bars = msgspec.convert(artifact.facts.get("bars", {}), dict[str, float])
            self.first_look = FirstLook.of(artifact.facts.get("first_look", {}))
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

    def find(self, document: Document, sums: Sums = ()) -> Mapping[str, Found]:
        """Find the fields; one that must be there and for which the document offers nothing is left out.

        A total of `sums` is chosen together with its parts.
        """
        view = View(document)
        if not len(view.grid):
            return {}
        readers = {name: one for name, one in self._readers.items() if isinstance(one, SpanReader)}
        seen = {name: reader.weigh(view) for name, reader in readers.items()}
        for total, parts in sums:
            if total in seen and not seen.keys().isdisjoint(parts):
                seen |= _together(document, total, parts, seen, readers)
        found = {
            name: reader.find(view, seen[name]) if isinstance(reader, SpanReader) else reader.find(view)
            for name, reader in self._readers.items()
        }
        return {name: one for name, one in found.items() if one is not None}


def _together(
    document: Document,
    total: str,
    parts: Sequence[str],
    seen: Mapping[str, Weighed],
    readers: Mapping[str, SpanReader],
) -> Mapping[str, Weighed]:
    """Choose a total and its parts by what closes; what was not taught is taken as not there."""
    options = {
        name: seen[name].options(absent=readers[name].field.optional) for name in (total, *parts) if name in seen
    }
    chosen = choose(document.arithmetic, total, parts, options, proof=STUDENT_PROOF)
    if chosen is None:
        return {}
    return {name: seen[name].with_first(chosen.values[name], chosen.shares[name]) for name in options}


def weighed(seen: Look, words: NDArray[np.float32]) -> Floats:
    """Return what the trees see of every span: its features, the score of every role's words, and their sum."""
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
    """Return document's buckets, each once, and the number of the second reader's value (the last: none of them)."""
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

"""What a student is to a run: it takes an input as it was read and gives a draft. Its file says what it can do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from firstline.types import Json, Value
from firstline.workflow.answer import Draft
from firstline.workflow.reading.document import Document
from firstline.workflow.reading.fields import Offer
from firstline.workflow.reading.joint import sums_of
from firstline.workflow.students.artifact import Artifact
from firstline.workflow.students.extract.first_look import FirstLook
from firstline.workflow.task import Task

_LEAST = 1e-6


class Student(Protocol):
    """A student that is loaded."""

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Answer for the whole task. What it does not answer is in the draft's `unanswered`."""
        ...


class Named(Value, frozen=True, kw_only=True):
    """A label with its probability, that of the next likely label, and what else was measured.

    `inside` is the likeliest of the labels proper, another one where the text is said to be out of scope.
    """

    label: str
    inside: str
    probability: float
    next_probability: float = 0.0
    signals: Mapping[str, float] = {}


class Found(Value, frozen=True, kw_only=True):
    """A field's value as the source writes it (None: it is not there), its probability and what else was measured."""

    value: Json
    probability: float
    signals: Mapping[str, float] = {}


class NamesLabels(Protocol):
    """Names the label of a text (`classify/serve.py`)."""

    async def name(self, text: str) -> Named:
        """Name the label."""
        ...


Sums = Sequence[tuple[str, tuple[str, ...]]]
"""Totals, each with the fields that make it."""


class FindsFields(Protocol):
    """Finds the values of fields in a document (`serve.py`). `least` and `bars` as in a draft."""

    @property
    def least(self) -> float: ...

    @property
    def bars(self) -> Mapping[str, float]: ...

    @property
    def first_look(self) -> FirstLook | None: ...

    def find(self, document: Document, sums: Sums = ()) -> Mapping[str, Found]:
        """Find them, a total of `sums` together with its parts. Computes for milliseconds."""
        ...


class Classifier:
    """Serves a student that sorts texts."""

    def __init__(self, inner: NamesLabels) -> None:
        self._inner = inner

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Name the label of the text."""
        named = await self._inner.name(document.text)
        lead = math.log(max(named.probability, _LEAST) / max(named.next_probability, _LEAST))
        return Draft(
            values={"label": named.label},
            confidences={"label": named.probability},
            signals={"label": {**named.signals, "lead": lead}},
        )


class Extractor:
    """Serves a student that finds fields. Those it was not taught are read from the layout where that decides them."""

    def __init__(self, inner: FindsFields) -> None:
        self._inner = inner

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Find the fields."""
        sums = tuple(sums_of([offer.field for offer in offers.values()]))
        found = await asyncio.to_thread(self._inner.find, document, sums)
        read = {key: offer.reading for key, offer in offers.items() if key not in found and offer.read}
        return Draft(
            values={**{key: one.value for key, one in found.items()}, **read},
            confidences={key: one.probability for key, one in found.items()},
            signals={key: one.signals for key, one in found.items()},
            unanswered=tuple(key for key in offers if key not in found and key not in read),
            least=self._inner.least,
            bars=self._inner.bars,
        )

    def unlike(self, document: Document, offers: Mapping[str, Offer]) -> bool:
        """Say whether a document is none of the kind that it was taught."""
        first_look = self._inner.first_look
        return first_look is not None and first_look.probability(document, offers) < first_look.least


def misfit(task: Task, artifact: Artifact) -> str | None:
    """Say why a student cannot answer a task as it is declared now; None where it can."""
    if task.kind != artifact.kind:
        return f"it was made for {artifact.kind}, the task is {task.kind}"
    if artifact.kind == "classify":
        known, now = set(artifact.facts.get("labels", ())), {label.name for label in task.labels}
        told = [
            *(f"{name} is new" for name in sorted(now - known)),
            *(f"{name} is gone" for name in sorted(known - now)),
        ]
        return f"its labels are not the task's: {', '.join(told)}" if told else None
    types = {field.name: field.type for field in task.fields}
    fields: Mapping[str, Json] = artifact.facts.get("fields", {})
    moved = sorted(name for name, kind in fields.items() if types.get(name) != kind)
    return f"its fields are not the task's: {', '.join(moved)}" if moved else None

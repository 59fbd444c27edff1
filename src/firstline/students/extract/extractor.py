"""A student that finds the fields of a document, as a run asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from firstline.answering.answer import Draft
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.reading.joint import sums_of
from firstline.students.extract.first_look import FirstLook
from firstline.types import Json, Value


class Found(Value, frozen=True, kw_only=True):
    """A field's value as the source writes it (None: it is not there), its probability and what else was measured."""

    value: Json
    probability: float
    signals: Mapping[str, float] = {}


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

"""A student that names the label of a text, as a run asks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from firstline.answering.answer import Draft
from firstline.reading.document import Document
from firstline.reading.fields import Offer
from firstline.types import Value

_LEAST = 1e-6


class Named(Value, frozen=True, kw_only=True):
    """A label with its probability, that of the next likely label, and what else was measured.

    `inside` is the likeliest of the labels proper, another one where the text is said to be out of scope.
    """

    label: str
    inside: str
    probability: float
    next_probability: float = 0.0
    signals: Mapping[str, float] = {}


class NamesLabels(Protocol):
    """Names the label of a text (`serve.py`)."""

    async def name(self, text: str) -> Named:
        """Name the label."""
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

"""What a student is to a run: it takes an input as it was read and gives a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from firstline.answering.answer import Draft
from firstline.reading.document import Document
from firstline.reading.fields import Offer


class Student(Protocol):
    """A student that is loaded."""

    async def answer(self, document: Document, offers: Mapping[str, Offer]) -> Draft:
        """Answer for the whole task. What it does not answer is in the draft's `unanswered`."""
        ...


@runtime_checkable
class LooksFirst(Student, Protocol):
    """A student that may have learned to tell documents of its kind from others."""

    def unlike(self, document: Document, offers: Mapping[str, Offer]) -> bool:
        """Return whether a document is none of the kind that it was taught; False where it did not learn that."""
        ...

"""Made documents as a student meets them: what the product's reading order makes of a page, with the gold values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from documents.lying import is_scanned, some_border
from documents.made import Kind, Made, make
from documents.noise import Noise
from documents.pages import clean_page, framed
from documents.places import Place
from firstline.layout import reading_order
from firstline.reading.document import Document
from firstline.reading.misread import mended
from firstline.types import Json, Page


@dataclass(frozen=True, kw_only=True)
class Example:
    """A made document, the page as it was or would be read, and that page as the product's readers see it."""

    made: Made
    page: Page
    document: Document

    @property
    def gold(self) -> Mapping[str, Json]:
        return self.made.gold


def examples(
    kind: Kind, numbers: Sequence[int], *, seed: int, places: Sequence[Place], noise: Noise | None
) -> Iterator[Example]:
    """Make the documents of some numbers without drawing them; `noise` None: as a perfect reader would give them."""
    for number in numbers:
        yield example(make(kind, number, seed=seed, places=places), seed=seed, noise=noise)


def example(made: Made, *, seed: int, noise: Noise | None) -> Example:
    """Return a document as the reader of pictures would, by the measured noise alone."""
    page = clean_page(made.sheet)
    if noise is not None:
        random = Random(f"{seed}/{made.kind}/{made.number}/noise")
        page = framed(noise.spoil(page, random), some_border(random, scanned=is_scanned(made.kind, random)))
    return as_read(made, page)


def as_read(made: Made, page: Page) -> Example:
    """Return a document with a page that was read, by the fast path or by the product's own reader."""
    return Example(made=made, page=page, document=Document(mended(reading_order(page))))

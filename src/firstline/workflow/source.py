"""The input of a run, and what is read from it: text with its layout for models that do not see, pictures for those
that do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from functools import cached_property

from firstline.engines.base import PageReader
from firstline.errors import InputError
from firstline.layout import Line, lines_of_text, reading_order
from firstline.media.pdf import draw_pdf, read_pdf
from firstline.settings import Limits
from firstline.types import Image, Page, Text, Value
from firstline.workflow.reading.document import Document as Reading


class Document(Value, frozen=True, kw_only=True, tag="document"):
    """The bytes of a PDF."""

    data: bytes


InputPart = Text | Image | Document


class TaskInput(Value, frozen=True, kw_only=True):
    """What a run works on: texts, pictures and PDFs, in order."""

    parts: tuple[InputPart, ...]

    @property
    def sha256(self) -> str:
        """The content's hash, which stands for the input in the ledger."""
        digest = hashlib.sha256()
        for part in self.parts:
            data = part.text.encode() if isinstance(part, Text) else part.data
            digest.update(len(data).to_bytes(8) + data)
        return digest.hexdigest()


def text_input(text: str) -> TaskInput:
    """Make an input of one text."""
    return TaskInput(parts=(Text(text=text),))


class Source:
    """An input as read: `reading` holds the text in reading order, `images` the pictures (PDF pages drawn on demand).

    `read_by` says how the text was had: `text` as it came, `layer` a PDF's text layer, `ocr` read from pictures.
    """

    def __init__(
        self, reading: Reading, *, images: tuple[Image, ...], documents: tuple[bytes, ...], read_by: str, limits: Limits
    ) -> None:
        self.reading = reading
        self.read_by = read_by
        self._images = images
        self._documents = documents
        self._limits = limits

    @property
    def text(self) -> str:
        """The whole text, as a model without eyes gets it."""
        return self.reading.text

    @property
    def has_pictures(self) -> bool:
        """Say whether there is something to look at."""
        return bool(self._images or self._documents)

    async def pictures(self) -> tuple[Image, ...]:
        """Give the pictures and the drawn pages of PDFs."""
        drawn: list[Image] = list(self._images)
        for data in self._documents:
            drawn += await asyncio.to_thread(draw_pdf, data, self._limits)
        return tuple(drawn)

    @cached_property
    def own_text(self) -> str:
        """The text that came as text, without what was read from pictures, for models that see the pictures."""
        return self.text if self.read_by == "text" else ""


async def read_source(given: TaskInput, reader: PageReader, limits: Limits) -> Source:
    """Read an input. Raises InputError (ImageError, DocumentError) for one that holds nothing or cannot be read."""
    texts = [part.text for part in given.parts if isinstance(part, Text)]
    images = tuple(part for part in given.parts if isinstance(part, Image))
    documents = tuple(part.data for part in given.parts if isinstance(part, Document))
    if not images and not documents:
        text = "\n\n".join(texts)
        if not text.strip():
            raise InputError("the input is empty", hint="give a text, a picture or a PDF")
        return Source(Reading.of_text(text), images=(), documents=(), read_by="text", limits=limits)
    lines: list[Line] = []
    read_by = "layer"
    page = 0
    for text in texts:
        lines += _numbered(lines_of_text(text), page)
        page += bool(text.strip())
    for data in documents:
        for found in await asyncio.to_thread(read_pdf, data, limits):
            if found.text is None and found.image is not None:
                read_by = "ocr"
            lines += await _page_lines(found.text, found.image, reader, page)
            page += 1
    for image in images:
        read_by = "ocr"
        lines += await _page_lines(None, image, reader, page)
        page += 1
    return Source(Reading(lines), images=images, documents=documents, read_by=read_by, limits=limits)


async def _page_lines(text: Page | None, image: Image | None, reader: PageReader, number: int) -> list[Line]:
    if text is not None:
        return reading_order(text, number=number)
    return reading_order(await reader.read(image.data), number=number) if image is not None else []


def _numbered(lines: Sequence[Line], page: int) -> list[Line]:
    return [Line(cells=line.cells, y0=line.y0, y1=line.y1, page=page) for line in lines]

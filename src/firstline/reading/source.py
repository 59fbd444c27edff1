"""The input of a run, and what is read from it: text with its layout for models that do not see, pictures for those
that do."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from firstline.engines.base import DocumentReader, PageReader
from firstline.errors import ContextLengthError, DocumentError, InputError
from firstline.layout import Line, lines_of_text, reading_order
from firstline.media.overlay import joined
from firstline.reading.deadline import Deadline
from firstline.reading.document import Document as Reading
from firstline.reading.extent import is_beyond
from firstline.reading.misread import mended
from firstline.settings_sections import Limits
from firstline.types import Image, Page, PdfPage, Text, Value

_INLINE_CHARACTERS = 1_000
"""What is shorter is read on the event loop: a thread costs 0.1 ms."""


class Document(Value, frozen=True, kw_only=True, tag="document"):
    """The bytes of a PDF."""

    data: bytes


InputPart = Text | Image | Document
Draw = Callable[[], Awaitable[tuple[Image, ...]]]
"""Draws the pages of an input's PDFs."""
Look = Callable[[Image], Awaitable[Page]]
"""Reads the text of an image."""


class Decode(Protocol):
    """Decodes images from a thread beside the event loop; blocks."""

    def __call__(self, data: bytes, declared: str | None = None) -> Image:
        """Decode the bytes of an image that came as `declared`, a media type or file name. Raises ImageError."""
        ...


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
    `own_text` is what came as text, without what was read from pictures and PDFs: a model that sees these gets it
    beside them.
    """

    def __init__(
        self,
        reading: Reading,
        *,
        own_text: str,
        images: tuple[Image, ...],
        read_by: str,
        draw: Draw,
    ) -> None:
        self.reading = reading
        self.own_text = own_text
        self.read_by = read_by
        self._images = images
        self._draw = draw

    @property
    def text(self) -> str:
        """The whole text, as a model without eyes gets it."""
        return self.reading.text

    @property
    def has_pictures(self) -> bool:
        """Say whether there is something to look at."""
        return self.read_by != "text"

    async def pictures(self) -> tuple[Image, ...]:
        """Return the pictures and the drawn pages of PDFs."""
        return (*self._images, *await self._draw())


async def read_source(
    given: TaskInput,
    pictures: PageReader,
    pdfs: DocumentReader,
    limits: Limits,
    *,
    party: str | None = None,
    deadline: Deadline | None = None,
) -> Source:
    """Read an input until the deadline; `party` is the id of the key that asks.

    Raises InputError (ImageError, DocumentError) for one that holds nothing or cannot be read.
    """

    async def draw() -> tuple[Image, ...]:
        return tuple(image for pages in await draw_each(documents, pdfs, limits, party) for image in pages)

    async def look(image: Image) -> Page:
        return await pictures.read(image.data, party=party)

    deadline = deadline or Deadline(limits.reading_s)
    texts = [part.text for part in given.parts if isinstance(part, Text)]
    images = tuple(part for part in given.parts if isinstance(part, Image))
    documents = tuple(part.data for part in given.parts if isinstance(part, Document))
    own_text = "\n\n".join(texts)
    # Before it is laid out, which takes far longer than to see that it is too long.
    limit = limits.text_tokens
    if len(own_text) > limit and await deadline.step(partial(is_beyond, own_text, limit), aside=True):
        raise ContextLengthError(
            f"the text has more than the limit of {limit:,} tokens", hint="send it in parts", param="messages"
        )
    if not images and not documents:
        if not own_text.strip():
            raise InputError("the input is empty", hint="give a text, a picture or a PDF")
        is_long = len(own_text) > _INLINE_CHARACTERS
        reading = await deadline.step(partial(Reading.of_text, own_text), aside=is_long)
        return Source(reading, own_text=own_text, images=(), read_by="text", draw=draw)
    lines: list[Line] = []
    read_by = "layer"
    page = 0
    for text in texts:
        lines += _numbered(await deadline.step(partial(lines_of_text, text), aside=True), page)
        page += bool(text.strip())
    for data in documents:
        for found in await pdfs.read(data, limits, party=party):
            if found.image is not None:
                read_by = "ocr"
            lines += await _page_lines(found, look, page, deadline)
            page += 1
    for image in images:
        read_by = "ocr"
        lines += await _page_lines(PdfPage(number=page, image=image), look, page, deadline)
        page += 1
    return Source(
        await deadline.step(partial(Reading, lines), aside=True),
        own_text=own_text.strip(),
        images=images,
        read_by=read_by,
        draw=draw,
    )


async def draw_each(
    documents: Sequence[bytes], reader: DocumentReader, limits: Limits, party: str | None
) -> list[tuple[Image, ...]]:
    """Draw the pages of PDFs. Raises DocumentError, also for more MB of pages than one input may have."""
    drawn = []
    left = limits.images_mb * 1_000_000
    for data in documents:
        pages = await reader.draw(data, limits, party=party)
        left -= sum(len(image.data) for image in pages)
        if left < 0:
            raise DocumentError(
                f"the pages of the PDFs have more than {limits.images_mb:g} MB as images",
                hint="send fewer documents at a time, or raise limits.images_mb",
            )
        drawn.append(pages)
    return drawn


async def _page_lines(found: PdfPage, look: Look, number: int, deadline: Deadline) -> list[Line]:
    page = found.text
    if found.image is not None:
        page = await deadline.step(partial(joined, found, await look(found.image)), aside=True)
    if page is None:
        return []
    lines = await deadline.step(partial(reading_order, page, number=number), aside=True)
    return mended(lines) if found.image is not None else lines


def _numbered(lines: Sequence[Line], page: int) -> list[Line]:
    return [Line(cells=line.cells, y0=line.y0, y1=line.y1, page=page) for line in lines]

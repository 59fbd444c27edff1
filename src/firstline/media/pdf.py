"""Reads PDF pages with pdfium: their text layer as far as it is seen, and a picture of what else a viewer shows.

pdfium is C++ that parses what strangers send, and it is not thread-safe: `engines.pdf_worker` runs these functions, in
a process of its own, one document at a time. They block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from firstline.errors import DocumentError
from firstline.media.images import within
from firstline.media.pdf_fonts import lying
from firstline.media.pdf_glyphs import Glyphs, read_glyphs
from firstline.media.pdf_paint import painted, without
from firstline.media.text_runs import text_runs
from firstline.settings_sections import Limits
from firstline.types import Image, Page, PdfPage

_DPI = 200
_MAX_PIXELS = 12_000_000
_MAX_SIDE = 4_000
_FEW = 20
"""With fewer letters and digits a text layer is a stamp or page number, and what else is drawn is the page."""
_LITTLE, _MUCH, _FOR_EACH_LETTER = 0.003, 0.02, 0.00003
"""Share of a page that looks like text and is not in its text layer, from which it is read: a word or two on a page
that says next to nothing, two lines on a full one, where a logo or a code for payments holds less."""
_LINES = 4
"""Fewer say nothing about whether text stands on its side."""
_NO_WORDS = frozenset((pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP))


def read_pdf(data: bytes, limits: Limits) -> list[PdfPage]:
    """Read every page as a viewer shows it: its text layer as far as it is seen, filled form fields and annotations
    included, and a picture of what else there is to read.

    Raises DocumentError, with a hint, for a document that is encrypted, empty, damaged or beyond the limits.
    """
    out = []
    fonts: dict[int, bool] = {}
    with _opened(data, limits) as document:
        for number in range(len(document)):
            with _page(document, number) as page:
                out.append(_read(page, number, limits, len(document), fonts))
    return out


def draw_pdf(data: bytes, limits: Limits) -> list[Image]:
    """Draw every page at about 200 dpi, for models that see. Raises DocumentError as `read_pdf` does."""
    out = []
    with _opened(data, limits) as document:
        for number in range(len(document)):
            with _page(document, number) as page:
                out.append(_picture(page, limits, len(document)))
    return out


@contextmanager
def _opened(data: bytes, limits: Limits) -> Iterator[Any]:
    if not data:
        raise DocumentError("the PDF is empty (0 bytes)", hint="send the whole file")
    if len(data) > limits.pdf_mb * 1_000_000:
        raise DocumentError(
            f"the PDF has {len(data) / 1e6:.1f} MB, the limit is {limits.pdf_mb:g} MB",
            hint="send fewer pages at a time, or raise limits.pdf_mb",
        )
    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            document.init_forms()
            _check_pages(len(document), limits)
            yield document
    except pypdfium2.PdfiumError as error:
        raise _explained(error) from None


def _check_pages(count: int, limits: Limits) -> None:
    if count > limits.pdf_pages:
        raise DocumentError(
            f"the PDF has {count:,} pages, the limit is {limits.pdf_pages:,}",
            hint="send the pages that matter, or raise limits.pdf_pages",
        )


def _explained(error: pypdfium2.PdfiumError) -> DocumentError:
    if error.err_code == pdfium.FPDF_ERR_PASSWORD:
        return DocumentError("the PDF is encrypted and asks for a password", hint="save it without a password first")
    if error.err_code == pdfium.FPDF_ERR_SUCCESS:
        return DocumentError("the PDF has no pages", hint="export it again")
    return DocumentError("the PDF is damaged or no PDF at all", hint="open it in a viewer and save it again")


@contextmanager
def _page(document: Any, number: int) -> Iterator[Any]:
    with closing(document[number]) as page:
        # What people typed into form fields, and notes on the page, become content of the page.
        flattened = (
            _has_words_on_top(page)
            and pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS
        )
        if not flattened:
            yield page
            return
    with closing(document[number]) as page:
        yield page


def _has_words_on_top(page: Any) -> bool:
    """Say whether a page has form fields, or annotations that a viewer draws: links are none."""
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        pdfium.FPDFPage_CloseAnnot(annotation)
        if kind not in _NO_WORDS:
            return True
    return False


def _picture(page: Any, limits: Limits, pages: int) -> Image:
    """Draw a page; together the `pages` of a document have no more bytes than the images of one input."""
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise DocumentError("a page of the PDF has no size", hint="open it in a viewer and save it again")
    side = min(_MAX_SIDE, limits.image_side_px)
    pixels = min(_MAX_PIXELS, limits.image_megapixels * 1_000_000)
    scale = min(_DPI / 72, side / max(width, height), (pixels / (width * height)) ** 0.5)
    scale = max(scale, 1 / min(width, height))
    with closing(page.render(scale=scale)) as bitmap:
        return within(bitmap.to_pil().convert("RGB"), int(limits.images_mb * 1_000_000 / pages))


def _read(page: Any, number: int, limits: Limits, pages: int, fonts: dict[int, bool]) -> PdfPage:
    """Read a page; `fonts` keeps which fonts of the document lie."""
    text = read_glyphs(page)
    found = painted(page, text)
    doubted = lying(text, fonts)
    seen = [is_seen and owner not in doubted for is_seen, owner in zip(found.seen, text.owners, strict=True)]
    layer = _layer(page, text, seen)
    letters = sum(character.isalnum() for segment in layer.segments for character in segment.text)
    if not _is_usable(layer, letters):
        return PdfPage(number=number, image=_picture(page, limits, pages))
    unproved = found.backed
    if doubted:
        unproved = [found.backed[at] or found.seen[at] > seen[at] for at in range(len(seen))]
    claimed = _layer(page, text, unproved, by_word=True) if any(unproved) else _nothing(layer)
    much = min(_MUCH, max(_LITTLE, _FOR_EACH_LETTER * letters))
    if claimed.segments or found.strokes > much or (letters < _FEW and not found.blank):
        with without(text, {owner for owner, is_seen in zip(text.owners, seen, strict=True) if owner and is_seen}):
            image = _picture(page, limits, pages)
        proves = bool(layer.segments or claimed.segments)
        return PdfPage(number=number, text=layer if proves else None, image=image, claimed=claimed if proves else None)
    return PdfPage(number=number, text=layer)


def _layer(page: Any, text: Glyphs, chosen: Sequence[bool], *, by_word: bool = False) -> Page:
    """Make a page of the characters chosen; the blanks between them stay."""
    width, height = page.get_size()
    glyphs = (
        glyph
        for glyph, owner, is_chosen in zip(text.glyphs, text.owners, chosen, strict=True)
        if is_chosen or not owner or chr(glyph.code).isspace()
    )
    return Page(width=width, height=height, segments=tuple(text_runs(glyphs, by_word=by_word)))


def _nothing(page: Page) -> Page:
    return Page(width=page.width, height=page.height, segments=())


def _is_usable(layer: Page, letters: int) -> bool:
    """Say whether a text layer is neither garbled nor on its side."""
    garbled = sum(_is_garbled(character) for segment in layer.segments for character in segment.text)
    upright = len(layer.segments) < _LINES or letters >= 1.5 * len(layer.segments)
    return upright and garbled <= 0.1 * letters


def _is_garbled(character: str) -> bool:
    """Say whether a character shows that the font's map to Unicode is broken."""
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff" or character < " "

"""Reads PDF pages with pdfium: their text layer where it is usable, a picture of the page where it is not.

pdfium is C++ that parses what strangers send, and it is not thread-safe: `engines.pdf_worker` runs these functions, in
a process of its own, one document at a time. They block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from firstline.errors import DocumentError
from firstline.media.images import within
from firstline.media.text_runs import Glyph, text_runs
from firstline.settings_sections import Limits
from firstline.types import Image, Page, PdfPage

_DPI = 200
_MAX_PIXELS = 12_000_000
_MAX_SIDE = 4_000
_GLYPHS = 100_000
"""Characters read of one page; a page of small print holds 10,000."""
_FEW = 20
"""With fewer letters and digits a text layer is a stamp or page number on a scan."""


def read_pdf(data: bytes, limits: Limits) -> list[PdfPage]:
    """Read every page: its text layer, filled form fields included, or its picture.

    Raises DocumentError, with a hint, for a document that is encrypted, empty, damaged or beyond the limits.
    """
    out = []
    with _opened(data, limits) as document:
        for number in range(len(document)):
            with _page(document, number) as page:
                text = _text_layer(page)
                image = _picture(page, limits, len(document)) if text is None else None
                out.append(PdfPage(number=number, text=text, image=image))
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
    if document.formenv is not None:
        # What people typed into form fields becomes text of the page.
        with closing(document[number]) as page:
            page.flatten()
    with closing(document[number]) as page:
        yield page


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


def _text_layer(page: Any) -> Page | None:
    """Give the page's text, or None where there is none, it is garbled, or it stands on its side."""
    width, height = page.get_size()
    with closing(page.get_textpage()) as text:
        runs = text_runs(_glyphs(text, _view(page, width, height)))
    letters = sum(character.isalnum() for run in runs for character in run.text)
    garbled = sum(_is_garbled(character) for run in runs for character in run.text)
    if letters < _FEW or garbled > 0.1 * letters or letters < 1.5 * len(runs):
        return None
    return Page(width=width, height=height, segments=tuple(runs))


def _is_garbled(character: str) -> bool:
    """Say whether a character shows that the font's map to Unicode is broken."""
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff" or character < " "


def _glyphs(text: Any, view: _View) -> Iterator[Glyph]:
    """Give the page's characters in the order of its content; those that pdfium made up may have an empty box."""
    rect = pdfium.FS_RECTF()
    for index in range(min(text.count_chars(), _GLYPHS)):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if not pdfium.FPDFText_GetLooseCharBox(text, index, ctypes.byref(rect)):
            rect.left = rect.right = rect.top = rect.bottom = 0.0
        (ax, ay), (bx, by) = view.shown(rect.left, rect.bottom), view.shown(rect.right, rect.top)
        yield Glyph(code, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


class _View(NamedTuple):
    """How the page's own space (origin below, perhaps rotated or cropped) maps to what a viewer shows, in points."""

    x: tuple[float, float, float]
    y: tuple[float, float, float]

    def shown(self, x: float, y: float) -> tuple[float, float]:
        return self.x[0] + self.x[1] * x + self.x[2] * y, self.y[0] + self.y[1] * x + self.y[2] * y


def _view(page: Any, width: float, height: float) -> _View:
    # pdfium tells where a point is shown in whole pixels only: three points far apart on a fine canvas give the map.
    far, fine = 1000, 100
    size = (round(width * fine), round(height * fine))
    across, down = ctypes.c_int(), ctypes.c_int()
    at = []
    for x, y in ((0, 0), (far, 0), (0, far)):
        pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, ctypes.byref(across), ctypes.byref(down))
        at.append((across.value / fine, down.value / fine))
    origin, right, up = at
    return _View(
        *((origin[axis], (right[axis] - origin[axis]) / far, (up[axis] - origin[axis]) / far) for axis in (0, 1))
    )

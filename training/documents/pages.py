"""A sheet as a reader of pictures would give it: boxes with text on a page, in pixels.

`clean_page` is what a perfect reader gives. Boxes are estimated with the widths that `sheet` knows, without fonts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from documents.sheet import Piece, Sheet, width_of
from firstline.types import Page, Segment

SCALE = 24.0
"""Pixels for the height of the base type."""
RULE = re.compile(r"[-_=*.~ ]{6,}")
"""A line drawn in signs; readers see it or not (`noise_table`)."""
_GAP = re.compile(r"\s{2,}")
_LINE_OF_SIGNS = re.compile(r"[-_=. ]+")


def clean_page(sheet: Sheet) -> Page:
    """Return every piece's text with its box; a wide gap within a piece parts it."""
    segments = [segment for piece in sheet.pieces for segment in _segments(piece, mono=sheet.mono)]
    segments.sort(key=lambda segment: (segment.y0, segment.x0))
    return Page(width=sheet.width * SCALE, height=sheet.height * SCALE, segments=tuple(segments))


def framed(page: Page, border: float) -> Page:
    """Return the page with a border around it, a share of its width on every side."""
    pad = border * page.width
    segments = tuple(
        Segment(
            text=segment.text,
            x0=segment.x0 + pad,
            y0=segment.y0 + pad,
            x1=segment.x1 + pad,
            y1=segment.y1 + pad,
            confidence=segment.confidence,
        )
        for segment in page.segments
    )
    return Page(width=page.width + 2 * pad, height=page.height + 2 * pad, segments=segments)


def _segments(piece: Piece, *, mono: bool) -> Iterator[Segment]:
    x0, y0, x1, y1 = (side * SCALE for side in piece.box(mono))
    whole = width_of(piece.text, mono=mono and piece.face == "main")
    if RULE.fullmatch(piece.text):
        yield Segment(text=piece.text, x0=x0, y0=y0, x1=x1, y1=y1)
        return
    at = 0
    for match in [*_GAP.finditer(piece.text), None]:
        end = len(piece.text) if match is None else match.start()
        text = piece.text[at:end]
        if text.strip() and not _LINE_OF_SIGNS.fullmatch(text):
            before = width_of(piece.text[:at], mono=mono and piece.face == "main")
            wide = width_of(text, mono=mono and piece.face == "main")
            left = x0 + (x1 - x0) * before / whole
            yield Segment(text=text.strip(), x0=left, y0=y0, x1=left + (x1 - x0) * wide / whole, y1=y1)
        at = len(piece.text) if match is None else match.end()

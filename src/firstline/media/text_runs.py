"""Groups the characters of a PDF's text layer into runs: phrases that stand together on a line. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from firstline.normal_form import normalized
from firstline.types import Segment

_GAP = 1.0
"""A gap wider than this many line heights ends a run."""


class Glyph(NamedTuple):
    """A character (code point or UTF-16 unit) with the box of its font; the origin is at the upper left."""

    code: int
    x0: float
    y0: float
    x1: float
    y1: float


def text_runs(glyphs: Iterable[Glyph], *, by_word: bool = False) -> list[Segment]:
    """Return runs of characters with their boxes.

    A run ends at a line break, a step to another line, a step back, or a wide gap, `by_word` also at a blank; blanks
    inside become one space.
    """
    out: list[Segment] = []
    text = ""
    box = (0.0, 0.0, 0.0, 0.0)
    blank = False
    for glyph in glyphs:
        piece = _character(glyph.code)
        if (
            piece in ("\r", "\n")
            or (by_word and piece.isspace())
            or (piece.strip() and text and not _continues(box, glyph))
        ):
            out += _run(text, box)
            text, blank = "", False
        if not piece.strip():
            blank = blank or bool(piece)
            continue
        if text:
            text += (" " if blank else "") + piece
            box = (min(box[0], glyph.x0), min(box[1], glyph.y0), max(box[2], glyph.x1), max(box[3], glyph.y1))
        else:
            text, box = piece, (glyph.x0, glyph.y0, glyph.x1, glyph.y1)
        blank = False
    return out + _run(text, box)


def _run(text: str, box: tuple[float, float, float, float]) -> list[Segment]:
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if not joined.strip():
        return []
    return [Segment(text=joined, x0=box[0], y0=box[1], x1=box[2], y1=box[3])]


def _continues(box: tuple[float, float, float, float], glyph: Glyph) -> bool:
    tall = min(box[3] - box[1], glyph.y1 - glyph.y0)
    if tall <= 0:  # a mark without extent, such as an accent, belongs to what stands before it
        return glyph.x0 >= box[0]
    overlap = min(box[3], glyph.y1) - max(box[1], glyph.y0)
    gap = glyph.x0 - box[2]
    return overlap >= 0.5 * tall and -0.5 * tall <= gap <= _GAP * tall


def _character(code: int) -> str:
    if code in (0, 0xFFFE, 0xFFFF):
        return ""
    if code == 2:  # how pdfium marks the hyphen at the end of a line
        return "-"
    if code in (0xA0, 0x202F, 0x2007):
        return " "
    character = chr(code)
    return normalized("NFKC", character) if 0xFB00 <= code <= 0xFB06 else character

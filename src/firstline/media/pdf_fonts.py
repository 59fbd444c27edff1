"""Whether the fonts of a PDF draw the letters that their text layer claims.

A font's map to Unicode may be shifted or made up: a person reads `Harrow` and the layer says other signs. The outline
that a font draws for a character is compared with those of ordinary fonts. On honest fonts, italics and heavy ones
among them, two thirds and more of the letters are nearest to their own kind; on a map that is wrong nearly none.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image as Pillow
from PIL import ImageChops, ImageDraw

from firstline.media.pdf_glyphs import Glyphs
from firstline.normal_form import normalized

_ORDINARY: Final = (b"Helvetica", b"Times-Roman", b"Courier")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = "0123456789"
_ALIKE: Final = ("0OoDQ", "1lIiJjt7fLr|", "cCeG", "nh", "b6", "g9q", "S5s", "Z2z", "B8")
"""Characters that fonts draw alike, beside a letter's two cases."""
_PLAIN: Final = frozenset("ABCDEFGHKMNPQRSTUVWXYZabdefghkmnpqrstuwy23456789")
"""Characters that no mark and no letter of another script looks like."""
_TWINS: Final = frozenset("АВЕЗКМНОРСТУХЬабезорсухкптнвмгиΑΒΕΖΗΙΚΜΝΟΡΤΥΧακνορυ@©®ªº²³¼½¾&$%€£¥§ªº№ƒ")
"""Letters of other scripts, and marks, that look like such."""
_SIDE: Final = 16
_FINE: Final = 2
_SAMPLE: Final = 8
_ENOUGH: Final = 8
"""Letters that tell a map: of fewer a script of the hand has none that is like an ordinary font's."""
_HONEST: Final = 0.35
"""Share of a font's letters that are nearest to their own kind: .65 to 1 on honest fonts, 0 to .07 on shifted maps."""
_SWAPPED: Final = 14
"""Points of 256 by which a digit is nearer to another: 5 at the most on honest fonts."""
_SAME: Final = 24
"""Points of 256 by which the same letter of two ordinary fonts differs."""


def lying(text: Glyphs, known: dict[int, bool]) -> set[int]:
    """Return the objects of a page whose font draws other letters than it claims.

    `known` keeps what was found of a document's fonts, by their address, for its other pages.
    """
    fonts: dict[int, Any] = {}
    font_of: dict[int, int] = {}
    for owner, (handle, *_) in text.objects.items():
        font = pdfium.FPDFTextObj_GetFont(handle)
        if font:
            font_of[owner] = ctypes.addressof(font.contents)
            fonts[font_of[owner]] = font
    new = {owner for owner, font in font_of.items() if font not in known}
    used: dict[int, Counter[str]] = defaultdict(Counter)
    if new:
        for glyph, owner in zip(text.glyphs, text.owners, strict=True):
            if owner in new:
                used[font_of[owner]][chr(glyph.code)] += 1
    for address, characters in used.items():
        if sum(not character.isspace() for character in characters) >= _ENOUGH:
            known[address] = _lies(fonts[address], characters)
    return {owner for owner, font in font_of.items() if known.get(font, False)}


def _lies(font: Any, characters: Mapping[str, int]) -> bool:
    """Say whether a font lies about the characters that it is used for."""
    ordered = sorted(characters, key=lambda character: (-characters[character], character))
    digits = [character for character in ordered if character in _DIGITS]
    if any(_is_swapped(*drawn) for drawn in _drawn(font, digits)):
        return True
    letters = [character for character in ordered if _base(character) in _LETTERS]
    plain = [character for character in letters if character in _LETTERS]
    judged = [_is_own(*drawn) for drawn in _drawn(font, (plain if len(plain) >= _ENOUGH else letters)[: 2 * _SAMPLE])]
    if len(judged) >= _ENOUGH and sum(judged) < _HONEST * len(judged):
        return True
    strange = [one for one in ordered if not one.isspace() and _base(one) not in _LETTERS and one not in _DIGITS]
    if len(strange) < max(_ENOUGH, len(letters)):
        return False
    plainly = [_is_plain(shape) for character, shape in _drawn(font, strange[:_SAMPLE]) if character not in _TWINS]
    return len(plainly) >= _ENOUGH and 2 * sum(plainly) > len(plainly)


def _base(character: str) -> str:
    """The letter without its accent; a blank for what has none."""
    return normalized("NFD", character)[:1] if unicodedata.category(character).startswith("L") else " "


def _is_own(character: str, shape: int) -> bool:
    """Say whether a shape is nearer to the letter than to any that is not drawn alike."""
    own, others = _held_against(_base(character))
    return _distance(shape, own) <= _distance(shape, others)


def _is_swapped(digit: str, shape: int) -> bool:
    """Say whether a shape is plainly another digit."""
    others = (_distance(shape, _ordinary()[other]) for other in _DIGITS if other != digit)
    return _distance(shape, _ordinary()[digit]) > _SWAPPED + min(others)


def _is_plain(shape: int) -> bool:
    """Say whether a shape is a Latin letter or a digit of an ordinary font."""
    return any(_distance(shape, _ordinary()[one]) <= _SAME for one in _PLAIN)


def _distance(shape: int, others: Iterable[int]) -> int:
    """The points by which a shape differs from the nearest of others."""
    return min((shape ^ other).bit_count() for other in others)


@cache
def _held_against(letter: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of a letter in both cases, and those of all that are not drawn alike."""
    own = letter.lower() + letter.upper()
    alike = own + "".join(group for group in _ALIKE if any(one in group for one in own))
    shapes = _ordinary()
    return (
        tuple(shape for one in own for shape in shapes[one]),
        tuple(shape for other in shapes if other not in alike for shape in shapes[other]),
    )


@cache
def _ordinary() -> Mapping[str, tuple[int, ...]]:
    """The letters and digits of ordinary fonts, which pdfium brings along; takes 30 ms."""
    document = pypdfium2.PdfDocument.new()
    try:
        fonts = [pdfium.FPDFText_LoadStandardFont(document, name) for name in _ORDINARY]
        drawn = [dict(_drawn(font, _LETTERS + _DIGITS)) for font in fonts]
        for font in fonts:
            pdfium.FPDFFont_Close(font)
        return {one: tuple(shapes[one] for shapes in drawn) for one in _LETTERS + _DIGITS}
    finally:
        document.close()


def _drawn(font: Any, characters: Iterable[str]) -> list[tuple[str, int]]:
    """What a font draws for characters, as far as it does."""
    shapes = ((character, _shape(_outline(font, ord(character)))) for character in characters)
    return [(character, shape) for character, shape in shapes if shape]


Point = tuple[float, float]


def _outline(font: Any, code: int) -> list[list[Point]]:
    """The closed lines of a character's outline; of a curve its end and its middle."""
    path = pdfium.FPDFFont_GetGlyphPath(font, code, float(_SIDE * _FINE))
    if not path:
        return []
    x, y = ctypes.c_float(), ctypes.c_float()
    to_x, to_y = ctypes.byref(x), ctypes.byref(y)
    lines: list[list[Point]] = []
    curve: list[Point] = []
    for index in range(pdfium.FPDFGlyphPath_CountGlyphSegments(path)):
        segment = pdfium.FPDFGlyphPath_GetGlyphPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, to_x, to_y)
        point = (x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO or not lines:
            lines.append([point])
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            lines[-1].append(point)
        else:
            curve.append(point)
            if len(curve) == 3:
                start, (one, two, end) = lines[-1][-1], curve
                middle = tuple((start[at] + 3 * one[at] + 3 * two[at] + end[at]) / 8 for at in (0, 1))
                lines[-1] += [(middle[0], middle[1]), end]
                curve = []
    return [line for line in lines if len(line) > 2]


def _shape(lines: list[list[Point]]) -> int:
    """Fill an outline into a square, as large as it goes; a bit for each point. 0 for none."""
    if not lines:
        return 0
    xs, ys = zip(*(point for line in lines for point in line), strict=True)
    left, top, width, height = min(xs), max(ys), max(xs) - min(xs), max(ys) - min(ys)
    if width <= 0 or height <= 0:
        return 0
    side = _SIDE * _FINE
    scale = side / max(width, height)
    right, down = (side - width * scale) / 2, (side - height * scale) / 2
    filled = Pillow.new("1", (side, side))
    for line in lines:
        one = Pillow.new("1", (side, side))
        ImageDraw.Draw(one).polygon([((x - left) * scale + right, (top - y) * scale + down) for x, y in line], fill=1)
        filled = ImageChops.logical_xor(filled, one)
    small = filled.convert("L").reduce(_FINE).convert("1", dither=Pillow.Dither.NONE)
    return int.from_bytes(small.tobytes())

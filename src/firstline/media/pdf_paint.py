"""Which characters of a PDF page a viewer paints, and what else it paints: found by drawing, never by guessing.

White on white, outside the crop, clipped, on a layer that is off, under a rectangle or an image, transparent: the page
is drawn with a piece of text and without it, and where nothing changes nobody can see the text. Only text whose own
mode never paints (an OCR layer, as a rule) is told by that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import pypdfium2.raw as pdfium

from firstline.media.pdf_glyphs import Box, Glyphs, add_twins
from firstline.media.pdf_sheet import Change, Drawing, draw, draw_closer

_TINY_PT: Final = 2.0
_TINY_SHARE: Final = 0.003
"""Text smaller than both, in points and as a share of the page's longer side, is too small to be read."""
_BAND: Final = 0.3
"""Left out of a letter's height above and below, where the letters of other lines reach into its box."""
_LITTLE: Final = 0.002
"""Share of a page that looks like text and is none of its layer: from here on it may be a part's twin."""
_PASSES: Final = 4
"""Layers of text over text that are told apart."""
_CELL: Final = (36.0, 12.0)
_MOST_CELLS: Final = 200
_NOT_PAINTED: Final = frozenset((pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP))


class Painted(NamedTuple):
    """What stands on a page.

    `seen` says of each character whether a viewer paints it; `backed` whether its mode never paints, but it stands
    where something else is drawn, as the letters of an OCR layer do over their scan. `strokes` is the share of the page
    that looks like text and is none of the characters seen; `blank`: beside these there is nothing.
    """

    seen: list[bool]
    backed: list[bool]
    strokes: float
    blank: bool


def painted(page: Any, text: Glyphs) -> Painted:
    """Look at a page: draw it twice, and more often where text stands over text or is hard to see."""
    found = _judged(page, text)
    hidden = any(
        owner and not is_seen and chr(glyph.code).isalnum()
        for glyph, owner, is_seen in zip(text.glyphs, text.owners, found.seen, strict=True)
    )
    if (hidden or found.strokes > _LITTLE) and add_twins(page, text):
        return _judged(page, text)
    return found


def _judged(page: Any, text: Glyphs) -> Painted:
    silent = {owner for owner, handles in text.objects.items() if all(map(_is_silent, handles))}
    places: dict[int, list[int]] = defaultdict(list)
    for index, owner in enumerate(text.owners):
        if owner and owner not in silent:
            places[owner].append(index)
    seen = [False] * len(text.owners)
    rest = _look_at_all(page, text, places, seen)
    backed = [False] * len(seen)
    if silent:
        backed = [owner in silent and rest.is_inked(ink) for owner, ink in zip(text.owners, text.inks, strict=True)]
    blank = rest.is_blank
    return Painted(seen, backed, 0.0 if blank else rest.strokes, blank)


def _is_silent(handle: Any) -> bool:
    return pdfium.FPDFTextObj_GetTextRenderMode(handle) in _NOT_PAINTED


@contextmanager
def without(text: Glyphs, owners: Iterable[int]) -> Iterator[None]:
    """Leave the text of some objects out of what is drawn of their page."""
    owners = tuple(owners)
    _show(text, owners, active=False)
    try:
        yield
    finally:
        _show(text, owners, active=True)


def _show(text: Glyphs, owners: Iterable[int], *, active: bool) -> None:
    for owner in owners:
        for handle in text.objects[owner]:
            pdfium.FPDFPageObj_SetIsActive(handle, active)


def _look_at_all(page: Any, text: Glyphs, places: Mapping[int, Sequence[int]], seen: list[bool]) -> Drawing:
    """Note in `seen` which characters are seen; returns the page without any of them."""
    whole = rest = draw(page)
    passes = _passes(text, places)
    gone: set[int] = set()
    for owners in passes:
        rest = _look(page, text, [places[owner] for owner in owners], whole, seen)
        # What nobody sees stays away: of two alike on one another each would hide the other.
        unseen = {owner for owner in owners if not any(seen[index] for index in places[owner])}
        gone |= unseen
        if len(passes) > 1:
            _show(text, set(owners) - unseen, active=True)
            whole = draw(page) if unseen else whole
    if len(passes) > 1:
        _show(text, places, active=False)
        rest = draw(page)
    _show(text, places, active=True)
    return rest


def _look(page: Any, text: Glyphs, objects: Sequence[Sequence[int]], whole: Drawing, seen: list[bool]) -> Drawing:
    """Note in `seen` which characters of some objects are seen; returns the page without them, and leaves it so."""
    owners = {text.owners[indexes[0]] for indexes in objects}
    tiny = min(_TINY_PT, _TINY_SHARE * max(page.get_size()))
    _show(text, owners, active=False)
    rest = draw(page)
    change = Change(whole, rest)
    doubtful = []
    for indexes in objects:
        for index in indexes:
            glyph = text.glyphs[index]
            if max(glyph.x1 - glyph.x0, glyph.y1 - glyph.y0) >= tiny:
                seen[index] = _core(text, index) in change
                if not seen[index] and chr(glyph.code).isalnum() and whole.pixels(text.inks[index]):
                    doubtful.append(index)
    if doubtful:
        part = _around([text.inks[index] for index in doubtful])
        close_rest = draw_closer(page, part)
        _show(text, owners, active=True)
        change = Change(draw_closer(page, part), close_rest)
        _show(text, owners, active=False)
        for index in doubtful:
            seen[index] = _core(text, index) in change
    for indexes in objects:
        _follow(text, indexes, seen)
    return rest


def _follow(text: Glyphs, indexes: Sequence[int], seen: list[bool]) -> None:
    """Let marks, which may be a pixel or none, be seen with the letters and digits beside them."""
    strong = [index for index in indexes if chr(text.glyphs[index].code).isalnum()]
    if strong and all(seen[index] for index in strong):
        for index in indexes:
            seen[index] = True


def _core(text: Glyphs, index: int) -> Box:
    """The part of a character's box where ink must be if it is painted, and where no other line's reaches."""
    box = text.inks[index]
    code = text.glyphs[index].code
    if code < 0x2E80 and chr(code).isalnum():  # of 二 the middle is empty
        x0, y0, x1, y1 = box
        margin = _BAND * (y1 - y0)
        return Box(x0, y0 + margin, x1, y1 - margin)
    return box


def _passes(text: Glyphs, places: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Part objects so that in no part one stands over another."""
    cells: dict[tuple[int, int], list[tuple[Box, int]]] = defaultdict(list)
    passes: list[list[int]] = [[] for _ in range(_PASSES)]
    for owner, indexes in places.items():
        box = _around([text.inks[index] for index in indexes if not chr(text.glyphs[index].code).isspace()])
        spots = _cells(box)
        taken = {level for spot in spots for other, level in cells[spot] if _overlap(box, other)}
        level = next((number for number in range(_PASSES - 1) if number not in taken), _PASSES - 1)
        passes[level].append(owner)
        for spot in spots:
            cells[spot].append((box, level))
    return [owners for owners in passes if owners]


def _around(boxes: Sequence[Box]) -> Box:
    if not boxes:
        return Box(0.0, 0.0, 0.0, 0.0)
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


def _cells(box: Box) -> list[tuple[int, int]]:
    across, down = _CELL
    left, top = int(box.x0 // across), int(box.y0 // down)
    right, bottom = min(int(box.x1 // across), left + _MOST_CELLS), min(int(box.y1 // down), top + _MOST_CELLS)
    return [(column, row) for column in range(left, right + 1) for row in range(top, bottom + 1)]


def _overlap(one: Box, other: Box) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > 1.0 and down > _BAND * min(one.y1 - one.y0, other.y1 - other.y0)

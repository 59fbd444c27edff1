"""The characters of a PDF page's text layer, each with the object that paints it and its place as a viewer shows it."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from firstline.media.text_runs import Glyph

_DEEPEST = 15
_MOST = 100_000
"""Characters read of one page; a page of small print holds 10,000."""


class Box(NamedTuple):
    """Edges in points, from the upper left of what is shown."""

    x0: float
    y0: float
    x1: float
    y1: float


class Glyphs(NamedTuple):
    """The characters of a page in the order of its content, one at the same place of each list.

    `glyphs` have the box of their font's height, `inks` that of what is drawn, `owners` the object that paints them
    (0: pdfium made them up, such as the break of a line); `objects` are pdfium's handles of these, with those that say
    the same at the same place once `add_twins` has found them.
    """

    glyphs: list[Glyph]
    inks: list[Box]
    owners: list[int]
    objects: dict[int, list[Any]]


def read_glyphs(page: Any) -> Glyphs:
    """Read a page's characters."""
    width, height = page.get_size()
    view = _view(page, width, height)
    with closing(page.get_textpage()) as text:
        return _read(text, min(text.count_chars(), _MOST), view.shown)


def add_twins(page: Any, text: Glyphs) -> bool:
    """Add to each object those that repeat it, as shadows and the bold of simple writers do; says if there are any.

    pdfium reads of such objects only the first, whether or not that is the one which is seen.
    """
    places: dict[tuple[int, int], list[tuple[int, Box]]] = defaultdict(list)
    for owner, (handle, *_) in text.objects.items():
        box = _bounds(handle)
        places[_size(box)].append((owner, box))
    found = False
    for one in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=_DEEPEST):
        if ctypes.addressof(one.raw.contents) not in text.objects:
            box = _bounds(one.raw)
            owner = next((owner for owner, other in places[_size(box)] if _is_repeated(other, box)), 0)
            if owner:
                text.objects[owner].append(one.raw)
                found = True
    return found


def _bounds(handle: Any) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(handle, *map(ctypes.byref, (left, bottom, right, top)))
    return Box(left.value, bottom.value, right.value, top.value)


def _size(box: Box) -> tuple[int, int]:
    return round(box.x1 - box.x0), round(box.y1 - box.y0)


def _is_repeated(one: Box, other: Box) -> bool:
    """Say whether boxes of one size lie closer than half their height."""
    near = (one.y1 - one.y0) / 2
    return abs(one.x0 - other.x0) < near and abs(one.y0 - other.y0) < near


def _read(text: Any, count: int, shown: Callable[[float, float, float, float], Box]) -> Glyphs:
    # Without types: a call costs a third, and what paints two characters is compared by its address.
    number, address = ctypes.c_int, ctypes.c_void_p
    unicode = _bare(pdfium.FPDFText_GetUnicode, ctypes.c_uint, address, number)
    loose_box = _bare(pdfium.FPDFText_GetLooseCharBox, number, address, number, address)
    ink_box = _bare(pdfium.FPDFText_GetCharBox, number, address, number, *[address] * 4)
    owner_of = _bare(pdfium.FPDFText_GetTextObject, address, address, number)
    handle = ctypes.cast(text.raw, ctypes.c_void_p)
    rect = pdfium.FS_RECTF()
    to_rect = ctypes.addressof(rect)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    to_edges = tuple(ctypes.addressof(edge) for edge in (left, right, bottom, top))
    out = Glyphs([], [], [], {})
    for index in range(count):
        # Characters that pdfium made up may have an empty box.
        box = shown(rect.left, rect.bottom, rect.right, rect.top) if loose_box(handle, index, to_rect) else _NOWHERE
        out.glyphs.append(Glyph(unicode(handle, index), *box))
        found = ink_box(handle, index, *to_edges)
        ink = shown(left.value, bottom.value, right.value, top.value) if found else box
        out.inks.append(ink if ink.x1 > ink.x0 and ink.y1 > ink.y0 else box)
        owner = owner_of(handle, index) or 0
        out.owners.append(owner)
        if owner and owner not in out.objects:
            out.objects[owner] = [pdfium.FPDFText_GetTextObject(text.raw, index)]
    return out


_NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


def _bare(function: Any, *types: Any) -> Any:
    """A function of pdfium's by what it returns and takes."""
    return ctypes.CFUNCTYPE(*types)(ctypes.cast(function, ctypes.c_void_p).value or 0)


class _View(NamedTuple):
    """How the page's own space (origin below, perhaps rotated or cropped) maps to what a viewer shows, in points."""

    x: tuple[float, float, float]
    y: tuple[float, float, float]

    def shown(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x, x_by_x, x_by_y), (y, y_by_x, y_by_y) = self
        ax, bx = x + x_by_x * left + x_by_y * bottom, x + x_by_x * right + x_by_y * top
        ay, by = y + y_by_x * left + y_by_y * bottom, y + y_by_x * right + y_by_y * top
        return Box(ax if ax < bx else bx, ay if ay < by else by, bx if ax < bx else ax, by if ay < by else ay)


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

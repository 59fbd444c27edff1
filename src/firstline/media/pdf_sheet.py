"""Drawings of a PDF page that are small enough to be made for every page, and what is told by comparing them."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final, NamedTuple

from PIL import Image as Pillow
from PIL import ImageChops

from firstline.media.pdf_glyphs import Box

_SIDE: Final = 1_170
"""Pixels of a page's longer side: 100 dpi of A4."""
_CLOSER: Final = 2
_SEEN: Final = 24
"""Levels of 255 that a pixel must change by; a person does not see less."""
_BLANK: Final = 16
_ASTRAY: Final = 0.35
"""Pixels that a stroke may lie beside its box."""
_MARGIN: Final = 4.0
_ROUNDING: Final = 1e-3
_EDGE: Final = 40
"""Levels between two pixels side by side where a stroke begins or ends."""
_BLOCK: Final = 24
"""Pixels of a block's side; it holds about a word."""
_STROKES: Final = 0.08
"""Share of a block's pixels at which strokes begin or end if it holds text; a rule through it makes half of that."""


class Drawing(NamedTuple):
    """A page, or a part of it, as drawn: its pixels for each point of the page, and where it begins, in points."""

    picture: Pillow.Image
    scale: float
    left: float = 0.0
    top: float = 0.0

    @property
    def is_blank(self) -> bool:
        """Say whether all of it has one colour."""
        low, high = _range(self.picture)
        return high - low < _BLANK

    def is_inked(self, box: Box) -> bool:
        """Say whether anything is drawn at a place."""
        edges = self.pixels(box)
        if edges is None:
            return False
        low, high = _range(self.picture.crop(edges))
        return high - low >= _SEEN

    @property
    def strokes(self) -> float:
        """The share of its blocks that hold as many edges of strokes as text has, across as well as down: a rule has
        those of one kind alone."""
        width, height = self.picture.size
        across = self._steps((0, 0, width - 1, height), (1, 0, width, height))
        if not any(block >= 255 * _STROKES for block in across.tobytes()):
            return 0.0
        down = self._steps((0, 0, width, height - 1), (0, 1, width, height)).crop((0, 0, *across.size))
        blocks = [min(pair) >= 255 * _STROKES for pair in zip(across.tobytes(), down.tobytes(), strict=True)]
        return sum(blocks) / len(blocks)

    def _steps(self, one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> Pillow.Image:
        """How many pixels of each block differ from the next one."""
        steps = ImageChops.difference(self.picture.crop(one), self.picture.crop(other))
        return steps.point([0] * _EDGE + [255] * (256 - _EDGE)).reduce(_BLOCK)

    def pixels(self, box: Box) -> tuple[int, int, int, int] | None:
        """The pixels that a box touches; None where its middle lies outside."""
        scale, (width, height) = self.scale, self.picture.size
        x0, y0 = (box.x0 - self.left) * scale, (box.y0 - self.top) * scale
        x1, y1 = (box.x1 - self.left) * scale, (box.y1 - self.top) * scale
        if not (0 <= x0 + x1 < 2 * width and 0 <= y0 + y1 < 2 * height):
            return None
        return (
            max(0, int(x0 - _ASTRAY)),
            max(0, int(y0 - _ASTRAY)),
            min(width, int(x1 + _ASTRAY) + 1),
            min(height, int(y1 + _ASTRAY) + 1),
        )


class Change:
    """Where two drawings differ by what a person sees."""

    def __init__(self, one: Drawing, other: Drawing) -> None:
        difference = ImageChops.difference(one.picture, other.picture)
        if difference.mode == "RGB":
            red, green, blue = difference.split()
            difference = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        self._drawing = one
        self._width = difference.width
        self._marked = difference.point([0] * _SEEN + [1] * (256 - _SEEN)).tobytes()

    def __contains__(self, box: Box) -> bool:
        edges = self._drawing.pixels(box)
        if edges is None:
            return False
        left, top, right, bottom = edges
        find, width = self._marked.find, self._width
        middle = (top + bottom) // 2 * width
        if find(1, middle + left, middle + right) >= 0:
            return True
        for start in range(top * width, bottom * width, width):  # noqa: SIM110  # twice as fast
            if find(1, start + left, start + right) >= 0:
                return True
        return False


def draw(page: Any) -> Drawing:
    """Draw a page as it is now, in grey."""
    scale = _SIDE / max(page.get_size())
    with closing(page.render(scale=scale, grayscale=True)) as bitmap:
        return Drawing(bitmap.to_pil().copy(), scale)


def draw_closer(page: Any, part: Box) -> Drawing:
    """Draw a part of a page as it is now, larger and in colour."""
    width, height = page.get_size()
    scale = _SIDE / max(width, height) * _CLOSER
    left, top = max(0.0, part.x0 - _MARGIN), max(0.0, part.y0 - _MARGIN)
    right, bottom = min(width, part.x1 + _MARGIN), min(height, part.y1 + _MARGIN)
    cut = tuple(int(edge * scale) for edge in (left, height - bottom, width - right, top))
    # Cut off in points, of which whole pixels are made by rounding up.
    with closing(page.render(scale=scale, crop=tuple((edge - _ROUNDING) / scale for edge in cut))) as bitmap:
        return Drawing(bitmap.to_pil().convert("RGB"), scale, cut[0] / scale, cut[3] / scale)


def _range(picture: Pillow.Image) -> tuple[int, int]:
    """The darkest and the lightest level of a grey picture."""
    low, high = picture.getextrema()
    return low, high  # type: ignore[return-value]  # a pair of pairs is what pictures in colour have

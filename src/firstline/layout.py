"""From boxes on a page to lines of cells in reading order, and from there to text that keeps the layout visible.

A photographed page is seldom straight, so lines are not found on fixed rows: the page's slope is estimated from the
boxes themselves and segments join the line whose nearest cell they overlap vertically. This module knows neither
pictures nor readers, only `types.Page`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from firstline import patterns
from firstline.interruption import asking
from firstline.pieces import LONGEST, pieces
from firstline.types import Page, Segment, Value

_GAP = patterns.compile(r"\t+|[^\S\n]{2,}")
_PHRASE_GAP = 1.0
"""Boxes on a line closer than this many character heights are one phrase."""
_NUMBER_GAP = 0.4
"""The same between two digits, where a gap more often parts two columns."""
_SAME_LINE = 0.5
"""Share of the lower box's height that must overlap vertically."""
_MAX_SLOPE = 0.18
_FEW = 6
"""Fewer boxes tell nothing about the slope."""
_ENOUGH = 600
"""Boxes that tell the slope; of more a part is taken, since each is held against each."""
_FEW_IN_A_ROW = 32
"""A longer row is compared with NumPy."""
_COLUMN_LINES = 5
"""Lines of prose on both sides of a gutter that make two columns."""


class Cell(Value, frozen=True, kw_only=True):
    """A phrase on a line. `x0` and `x1` are shares of the page's width, `confidence` the lowest of its segments."""

    text: str
    x0: float
    x1: float
    confidence: float = 1.0


class Line(Value, frozen=True, kw_only=True):
    """Cells from left to right; `y0` and `y1` are shares of the page's height, `page` counts from 0."""

    cells: tuple[Cell, ...]
    y0: float
    y1: float
    page: int = 0

    @property
    def text(self) -> str:
        """The cells' text, joined by two spaces."""
        return "  ".join(cell.text for cell in self.cells)


def reading_order(page: Page, *, number: int = 0) -> list[Line]:
    """Return page's lines from top to bottom; `number` becomes their `page`. Every segment is in exactly one cell."""
    boxes = [segment for segment in page.segments if segment.text.strip()]
    if not boxes:
        return []
    straight = _straighten(boxes)
    rows = _unfold_columns(_rows(straight), page.width)
    return [_line(row, page, number) for row in rows]


def render(lines: Sequence[Line]) -> str:
    """Write lines as text: cells are parted by two or more spaces, wider gaps by more, blocks by an empty line."""
    if not lines:
        return ""
    pitch = median([line.y1 - line.y0 for line in lines])
    out = [_write(lines[0])]
    for above, line in pairwise(lines):
        if line.page != above.page or line.y0 - above.y1 > 1.2 * pitch > 0:
            out.append("")
        out.append(_write(line))
    return "\n".join(out)


def lines_of_text(text: str) -> list[Line]:
    """Read plain text as lines: cells are parted by tabs or two or more spaces; empty lines are left out.

    A line that is longer than any in print becomes several.
    """
    rows = [piece.rstrip() for row in text.splitlines() for _, piece in pieces(row.rstrip())]
    width = max((len(row.expandtabs()) for row in rows), default=0)
    lines = []
    for index, raw in enumerate(asking(rows, every=8)):
        cells = tuple(_text_cells(raw, width))
        if cells:
            lines.append(Line(cells=cells, y0=index / len(rows), y1=(index + 1) / len(rows)))
    return lines


def short_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Part lines that are longer than any in print; their pieces keep their height on the page."""
    for line in lines:
        if sum(len(cell.text) for cell in line.cells) <= LONGEST:
            yield line
            continue
        row: list[Cell] = []
        size = 0
        for cell in line.cells:
            for _, piece in pieces(cell.text):
                if row and size + len(piece) > LONGEST:
                    yield msgspec.structs.replace(line, cells=tuple(row))
                    row, size = [], 0
                row.append(msgspec.structs.replace(cell, text=piece.strip()))
                size += len(piece)
        yield msgspec.structs.replace(line, cells=tuple(row))


def nearest(cells: Sequence[Cell], x0: float) -> int:
    """Return the place of the cell that begins nearest to `x0`; cells are from left to right, one at least."""
    right = bisect_left(cells, x0, key=lambda cell: cell.x0)
    if right == len(cells) or (right and x0 - cells[right - 1].x0 <= cells[right].x0 - x0):
        return bisect_left(cells, cells[right - 1].x0, key=lambda cell: cell.x0)
    return right


def slope(segments: Sequence[Segment]) -> float:
    """Estimate how much lines fall per pixel to the right (positive: clockwise), from the boxes alone.

    The box around a text of width `w` on a line of slope `s` is higher than the text by `|s|·w`. What wide boxes are
    higher than narrow ones therefore tells the size of the slope, and which slope of about that size brings most pairs
    of boxes onto common lines tells the rest. Without the first, rows at even distances would fit several slopes.
    """
    segments = segments[:: len(segments) // _ENOUGH + 1]
    x0 = np.array([segment.x0 for segment in segments])
    x1 = np.array([segment.x1 for segment in segments])
    middle = np.array([(segment.y0 + segment.y1) / 2 for segment in segments])
    height = np.array([max(segment.y1 - segment.y0, 1e-6) for segment in segments])
    left, right = np.nonzero(x1[:, None] <= x0[None, :])
    if len(segments) < _FEW or len(left) < _FEW:
        return 0.0
    likely = _likely_slope(x1 - x0, height)
    bound = min(2 * likely + 0.015, _MAX_SLOPE)
    across = (x0[right] + x1[right] - x0[left] - x1[left]) / 2
    down = middle[right] - middle[left]
    near = np.abs(down) <= bound * across + height[left]
    across, down, scale = across[near], down[near], np.minimum(height[left], height[right])[near] * 0.25
    candidates = np.linspace(-bound, bound, 61)
    scores = np.array([float(np.exp(-(((down - s * across) / scale) ** 2)).sum()) for s in candidates])
    scores *= 1 - 0.5 * np.abs(np.abs(candidates) - likely) / bound
    return float(candidates[int(np.argmax(scores))]) if float(scores.max()) > 1.05 * float(scores[30]) else 0.0


def _likely_slope(width: NDArray[np.float64], height: NDArray[np.float64]) -> float:
    """Size of the slope by the heights of the widest and the narrowest third of the boxes."""
    order = np.argsort(width)
    third = max(1, len(order) // 3)
    wide, narrow = order[-third:], order[:third]
    wider = float(np.median(width[wide]) - np.median(width[narrow]))
    higher = float(np.median(height[wide]) - np.median(height[narrow]))
    return min(max(higher / wider, 0.0), _MAX_SLOPE) if wider > 2 * float(np.median(height)) else 0.0


def _straighten(segments: Sequence[Segment]) -> list[Segment]:
    """Shift boxes so that lines are level, and take away the height that the slope alone gave them."""
    fall = slope(segments)
    if fall == 0.0:
        return list(segments)
    level = []
    for segment in segments:
        middle = (segment.y0 + segment.y1) / 2 - fall * (segment.x0 + segment.x1) / 2
        tall = segment.y1 - segment.y0
        half = max(tall - abs(fall) * (segment.x1 - segment.x0), 0.3 * tall) / 2
        level.append(
            Segment(
                text=segment.text,
                x0=segment.x0,
                x1=segment.x1,
                y0=middle - half,
                y1=middle + half,
                confidence=segment.confidence,
            )
        )
    return level


def _rows(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Cluster boxes into rows, top-down, each from left to right."""
    rows: list[_Row] = []
    for segment in sorted(segments, key=lambda s: (s.y0 + s.y1, s.x0)):
        open_rows = rows[-6:]
        fits = [(row.fit(segment), row) for row in open_rows]
        share, row = max(fits, key=lambda fit: fit[0], default=(0.0, None))
        if row is not None and share >= _SAME_LINE:
            row.add(segment)
        else:
            rows.append(_Row(segment))
    done = [sorted(row.segments, key=lambda s: (s.x0, s.x1)) for row in rows]
    done.sort(key=lambda row: sum(s.y0 + s.y1 for s in row) / len(row))
    return done


class _Row:
    """A row of boxes that is being made. Their edges stand in an array beside them, for rows of many."""

    def __init__(self, first: Segment) -> None:
        self.segments = [first]
        self._edges = np.zeros((2, 2 * _FEW_IN_A_ROW))

    def add(self, segment: Segment) -> None:
        """Take one more box."""
        self.segments.append(segment)
        count = len(self.segments)
        if count == _FEW_IN_A_ROW:
            self._edges[:, :count] = np.array([(s.x0, s.x1) for s in self.segments]).T
        elif count > _FEW_IN_A_ROW:
            if count > self._edges.shape[1]:
                self._edges = np.hstack([self._edges, np.zeros_like(self._edges)])
            self._edges[:, count - 1] = segment.x0, segment.x1

    def fit(self, segment: Segment) -> float:
        """Share of vertical overlap with the row's next box on either side; 0 where one stands above or below."""
        if len(self.segments) >= _FEW_IN_A_ROW:
            return self._fit_of_many(segment)
        row = self.segments
        if any(_stacked(other, segment) for other in row):
            return 0.0
        middle = segment.x0 + segment.x1
        left = max((s for s in row if s.x0 + s.x1 <= middle), key=lambda s: s.x1, default=None)
        right = min((s for s in row if s.x0 + s.x1 > middle), key=lambda s: s.x0, default=None)
        return max(_overlap(other, segment) for other in (left, right) if other is not None)

    def _fit_of_many(self, segment: Segment) -> float:
        x0, x1 = self._edges[:, : len(self.segments)]
        shared = np.minimum(x1, segment.x1) - np.maximum(x0, segment.x0)
        if bool((shared > 0.3 * np.minimum(x1 - x0, segment.x1 - segment.x0)).any()):
            return 0.0
        before = x0 + x1 <= segment.x0 + segment.x1
        beside = []
        if before.any():
            beside.append(int(np.where(before, x1, -np.inf).argmax()))
        if not before.all():
            beside.append(int(np.where(before, np.inf, x0).argmin()))
        return max(_overlap(self.segments[at], segment) for at in beside)


def _stacked(a: Segment, b: Segment) -> bool:
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0.3 * min(a.x1 - a.x0, b.x1 - b.x0)


def _overlap(a: Segment, b: Segment) -> float:
    return (min(a.y1, b.y1) - max(a.y0, b.y0)) / max(min(a.y1 - a.y0, b.y1 - b.y0), 1e-6)


def _unfold_columns(rows: list[list[Segment]], width: float) -> list[list[Segment]]:
    """Put the right half of two columns of prose below the left one; tables and amount columns stay as they are."""
    out: list[list[Segment]] = []
    block: list[tuple[list[Segment], list[Segment]]] = []
    for row in rows:
        split = _split(row, width)
        if split is None:
            out.extend(_unfolded(block))
            block = []
            out.append(row)
        else:
            block.append(split)
    return [*out, *_unfolded(block)]


def _unfolded(block: Sequence[tuple[list[Segment], list[Segment]]]) -> list[list[Segment]]:
    both = [pair for pair in block if all(pair)]
    prose = [pair for pair in both if all(_is_prose(half) for half in pair)]
    if len(prose) >= _COLUMN_LINES and len(prose) >= 0.6 * len(both):
        return [left for left, _ in block if left] + [right for _, right in block if right]
    return [left + right for left, right in block]


def _is_prose(half: Sequence[Segment]) -> bool:
    text = " ".join(segment.text for segment in half)
    return len(text) >= 20 and text.count(" ") >= 3 and sum(c.isalpha() for c in text) >= 0.6 * len(text)


def _split(row: list[Segment], width: float) -> tuple[list[Segment], list[Segment]] | None:
    """Part a row at the page's middle; None when a box crosses it."""
    left = [s for s in row if s.x1 <= 0.54 * width]
    right = [s for s in row if s.x0 >= 0.46 * width and s.x1 > 0.54 * width]
    return (left, right) if len(left) + len(right) == len(row) else None


def _line(row: Sequence[Segment], page: Page, number: int) -> Line:
    cells: list[Cell] = []
    last: Segment | None = None
    for segment in row:
        cell = Cell(
            text=" ".join(segment.text.split()),
            x0=_share(segment.x0, page.width),
            x1=_share(segment.x1, page.width),
            confidence=segment.confidence,
        )
        if last is not None and _is_phrase(last, segment):
            before = cells.pop()
            cell = Cell(
                text=f"{before.text} {cell.text}",
                x0=before.x0,
                x1=max(before.x1, cell.x1),
                confidence=min(before.confidence, cell.confidence),
            )
        cells.append(cell)
        last = segment
    return Line(
        cells=tuple(cells),
        y0=_share(min(s.y0 for s in row), page.height),
        y1=_share(max(s.y1 for s in row), page.height),
        page=number,
    )


def _is_phrase(left: Segment, right: Segment) -> bool:
    tall = min(left.y1 - left.y0, right.y1 - right.y0)
    digits = left.text.rstrip()[-1].isdigit() and right.text.lstrip()[0].isdigit()
    return right.x0 - left.x1 < tall * (_NUMBER_GAP if digits else _PHRASE_GAP)


def _share(value: float, whole: float) -> float:
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0


def _write(line: Line) -> str:
    out = " " * (_spaces(line.cells[0].x0) if line.cells[0].x0 > 0.35 else 0)
    out += line.cells[0].text
    for before, cell in pairwise(line.cells):
        out += " " * _spaces(cell.x0 - before.x1) + cell.text
    return out


def _spaces(gap: float) -> int:
    """How many spaces stand for a gap: three widths are enough to show columns, and each costs about a token."""
    return 2 if gap < 0.1 else 4 if gap < 0.3 else 8


def _text_cells(raw: str, width: int) -> Iterable[Cell]:
    row = raw.expandtabs()
    position = 0
    for piece in _GAP.split(raw):
        text = piece.strip()
        if not text:
            continue
        start = row.find(text, position)
        start = position if start < 0 else start
        position = start + len(text)
        yield Cell(text=" ".join(text.split()), x0=start / width, x1=min(position / width, 1.0))

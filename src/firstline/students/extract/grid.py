"""A document as a row of cells with their places: what spans are made of and what features are taken from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from firstline.interruption import asking
from firstline.layout import Cell, nearest
from firstline.reading.document import Document
from firstline.values.texts import fold, fold_words

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CELLS = 2000
"""Cells looked at; a longer document is cut here."""
_NEAR = 0.06
"""How far, in shares of the page's width, two cells that begin below each other may be apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a cell stands: its line, its number on the line, and the line's count of cells."""

    line: int
    column: int
    columns: int


class Grid:
    """The cells of a document in reading order. Made once a document, shared by all fields."""

    def __init__(self, document: Document) -> None:
        self.document = document
        cells: list[Cell] = []
        places: list[Place] = []
        self.first_of_line: list[int] = []
        for number, line in enumerate(document.lines):
            if len(cells) + len(line.cells) > MOST_CELLS:
                break
            self.first_of_line.append(len(cells))
            for column, cell in enumerate(line.cells):
                cells.append(cell)
                places.append(Place(line=number, column=column, columns=len(line.cells)))
        self.cells = tuple(cells)
        self.places = tuple(places)
        self.texts = tuple(cell.text for cell in cells)
        self.lines = len(self.first_of_line)
        self._starts_of: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def confidence(self) -> float:
        """The mean confidence of the reader of pictures, 1 for a text."""
        return sum(cell.confidence for cell in self.cells) / len(self.cells)

    def least_confidence(self, cells: Sequence[int]) -> float:
        """Return the least confidence with which any of these cells was read."""
        return min(self.cells[at].confidence for at in cells)

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Each cell's text, folded as values are compared."""
        return tuple(fold(text) for text in asking(self.texts))

    @cached_property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """Each cell's folded words."""
        return tuple(tuple(fold_words(text)) for text in asking(self.texts))

    def of_line(self, line: int) -> range:
        """Return the cells of a line."""
        first = self.first_of_line[line]
        return range(first, first + len(self.document.lines[line].cells))

    def locate(self, line: int, offset: int) -> tuple[int, int] | None:
        """Say which cell, and which of its characters, stands at an offset of the line's text."""
        if line >= self.lines:
            return None
        starts = self._starts(line)
        column = bisect_right(starts, offset) - 1
        return self.first_of_line[line] + column, offset - starts[column]

    def _starts(self, line: int) -> list[int]:
        """Return where each cell of a line begins in the line's text."""
        if line not in self._starts_of:
            lengths = (len(cell.text) + 2 for cell in self.document.lines[line].cells[:-1])
            self._starts_of[line] = list(accumulate(lengths, initial=0))
        return self._starts_of[line]

    @cached_property
    def above(self) -> Ints:
        """For each cell the one of the line above that begins nearest to it; -1 on the first line. Shape (cells,)."""
        return np.array([self._nearest(at, self.places[at].line - 1) for at in range(len(self))], dtype=np.int64)

    @cached_property
    def below(self) -> Ints:
        """The same for the line below; -1 on the last line."""
        return np.array([self._nearest(at, self.places[at].line + 1) for at in range(len(self))], dtype=np.int64)

    def column_from(self, at: int, most: int) -> Sequence[int]:
        """Return the cell and those that begin just below it, at most so many."""
        found = [at]
        while len(found) < most:
            under = int(self.below[found[-1]])
            if under < 0 or abs(self.cells[under].x0 - self.cells[at].x0) > _NEAR:
                break
            found.append(under)
        return found

    def _nearest(self, at: int, line: int) -> int:
        if (
            not 0 <= line < self.lines
            or self.document.lines[line].page != self.document.lines[self.places[at].line].page
        ):
            return -1
        return self.first_of_line[line] + nearest(self.document.lines[line].cells, self.cells[at].x0)

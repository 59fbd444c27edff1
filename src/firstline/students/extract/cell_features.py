"""What each cell of a document looks like: numbers for the trees, and words of its own for the hashed rows."""

from __future__ import annotations

from collections import Counter

import numpy as np

from firstline import patterns
from firstline.interruption import asking
from firstline.reading.addresses import ADDRESS, NOT_ADDRESS, POSTCODE, REGISTRATION
from firstline.reading.names import FORM, OTHER, STRONG_FORM
from firstline.students.extract.grid import Floats, Grid
from firstline.students.extract.ngrams import Grams, grams
from firstline.values.amounts import find_amounts
from firstline.values.dates import find_dates

_LETTERS = patterns.compile(r"[^\W\d_]{2}")

NAMES = (
    "length", "words", "letters", "digits", "upper", "marks", "ends_comma", "colon", "open", "starts_digit",
    "form", "strong_form", "address", "registration", "other", "postcode", "not_address", "day", "money", "amounts",
    "tall", "left", "columns", "column", "gap", "copies", "top", "bottom", "height", "page",
)  # fmt: skip
"""The columns of `cell_features`."""
_EDGES = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 24)


def cell_features(grid: Grid) -> Floats:
    """Describe every cell; shape (cells, len(NAMES))."""
    copies = Counter(grid.folded)
    lines = grid.document.lines
    talls = np.array([max(lines[p.line].y1 - lines[p.line].y0, 1e-6) for p in grid.places] or [1.0])
    usual = float(np.median(talls))
    each = asking(range(len(grid)), 4)
    rows = [_text(grid.texts[at]) + _place(grid, at, talls[at] / usual, usual, copies) for at in each]
    return np.array(rows, dtype=np.float64).reshape(len(grid), len(NAMES))


def cell_grams(grid: Grid, table: Floats) -> Grams:
    """Hash every cell's text together with words for what it is and where it stands."""
    flags = [at for at, name in enumerate(NAMES) if name in _FLAGS]
    tokens = []
    for at, row in enumerate(asking(table)):
        own = [f"is {NAMES[flag]}" for flag in flags if row[flag] > 0]
        own.append(f"top {_bin(row[_TOP])}")
        own.append(f"bottom {_bin(row[_BOTTOM])}")
        own.append(f"column {min(grid.places[at].column, 4)} {min(grid.places[at].columns, 5)}")
        tokens.append(own)
    return grams(grid.texts, tokens)


_FLAGS = frozenset(
    (
        "ends_comma",
        "colon",
        "open",
        "form",
        "strong_form",
        "address",
        "registration",
        "other",
        "postcode",
        "day",
        "money",
    )
)
_TOP, _BOTTOM = NAMES.index("top"), NAMES.index("bottom")


def _bin(count: float) -> int:
    return next((at for at, edge in enumerate(_EDGES) if count <= edge), len(_EDGES))


def _text(text: str) -> list[float]:
    size = max(len(text), 1)
    letters = sum(char.isalpha() for char in text)
    amounts = [amount for amount in find_amounts(text) if not amount.percent]
    return [
        min(size, 80) / 10,
        min(text.count(" ") + 1, 20),
        letters / size,
        sum(char.isdigit() for char in text) / size,
        sum(char.isupper() for char in text) / max(letters, 1),
        sum(not char.isalnum() and not char.isspace() for char in text) / size,
        text.rstrip().endswith(","),
        ":" in text,
        text.count("(") > text.count(")"),
        text[:1].isdigit(),
        bool(FORM.search(text)),
        bool(STRONG_FORM.search(text)),
        bool(ADDRESS.search(text)),
        bool(REGISTRATION.match(text)),
        bool(OTHER.search(f"{text} ")),
        bool(POSTCODE.search(text)),
        bool(NOT_ADDRESS.search(text)),
        bool(find_dates(text)),
        any(amount.decimals == 2 for amount in amounts),
        min(len(amounts), 6),
    ]


def _place(grid: Grid, at: int, tall: float, usual: float, copies: Counter[str]) -> list[float]:
    cell, place = grid.cells[at], grid.places[at]
    line = grid.document.lines[place.line]
    above = grid.document.lines[place.line - 1] if place.line else None
    gap = (line.y0 - above.y1) / usual if above is not None and above.page == line.page else 9.0
    return [
        tall,
        cell.x0,
        place.columns,
        place.column,
        min(gap, 9.0),
        copies[grid.folded[at]],
        at,
        len(grid) - 1 - at,
        at / max(len(grid) - 1, 1),
        line.page,
    ]


def has_letters(text: str) -> bool:
    """Say whether there is a word in the text."""
    return bool(_LETTERS.search(text))

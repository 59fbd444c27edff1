"""How one till prints: chosen once a document, so that a document looks the same from head to foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Literal

from documents.places import Figures, Place, some_figures
from documents.sheet import MONO, Align, Part, Rule, Sheet, changed, joined, width_of

ITEM_LAYOUTS = ("line", "under", "at", "table", "above", "code")
SUM_LAYOUTS = ("pair", "colon", "right", "middle", "below")
DATE_PLACES = ("top", "pair", "bottom", "row", "head", "foot")
MARGIN = 1.5


@dataclass(frozen=True, kw_only=True)
class Till:
    """The habits of one till."""

    columns: int
    mono: bool
    pitch: float
    upper: bool
    head: Align
    items: str
    sums: str
    date_at: str
    date_style: str
    sign_on: Literal["none", "total", "all", "label", "heading"]
    rule: str
    colon: str
    mark: Literal["none", "letter", "code", "star"]
    figures: Figures
    total_size: float
    spread_title: bool


def some_till(where: Place, random: Random) -> Till:
    """Choose the habits of a till."""
    mono = random.random() < 0.72
    return Till(
        columns=random.choice([26, 30, 32, 34, 38, 40, 42, 44, 48]),
        mono=mono,
        pitch=random.choice([1.12, 1.2, 1.25, 1.35, 1.5]),
        upper=random.random() < 0.4,
        head="centre" if random.random() < 0.78 else "left",
        items=random.choice(ITEM_LAYOUTS),
        sums=random.choice((*SUM_LAYOUTS, "pair", "pair", "colon", "right")),
        date_at=random.choice((*DATE_PLACES, "top", "top", "pair", "row")),
        date_style=random.choice(where.facts["dates"]),
        sign_on=random.choice(["none", "none", "total", "all", "label", "label", "heading"]),
        rule=random.choice(["-", "-", "-", "=", "*", ".", "_", "drawn", "dashed", "- ", ""]),
        colon=random.choice(["", "", ":", " :", ": "]),
        mark=random.choice(["none", "none", "letter", "code", "star"]),
        figures=some_figures(where, random),
        total_size=random.choice([1.0, 1.0, 1.0, 1.3, 1.5, 2.0]),
        spread_title=random.random() < 0.15,
    )


class Roll:
    """Paper that is printed on line by line."""

    def __init__(self, till: Till, random: Random) -> None:
        self.till = till
        self.random = random
        self.sheet = Sheet(width=2 * MARGIN + till.columns * MONO, mono=till.mono)
        self.y = MARGIN

    @property
    def left(self) -> float:
        return MARGIN

    @property
    def right(self) -> float:
        return self.sheet.width - MARGIN

    def at(self, column: float) -> float:
        """Return the place of a column."""
        return MARGIN + column * MONO

    def feed(self, lines: float = 1.0) -> None:
        """Move the paper on."""
        self.y += lines * self.till.pitch

    def line(self, *parts: Part, align: Align = "left", size: float = 1.0, **looks: object) -> None:
        """Print one line alone."""
        x = {"left": self.left, "right": self.right, "centre": self.sheet.width / 2}[align]
        self._put(parts, x, align=align, size=size, room=self.right - self.left, **looks)
        self.feed(size)

    def head(self, *parts: Part, **looks: object) -> None:
        """Print a line of the head or foot."""
        self.line(*parts, align=self.till.head, **looks)  # type: ignore[arg-type]

    def pair(self, left: Sequence[Part], right: Sequence[Part], *, size: float = 1.0, bold: bool = False) -> None:
        """Print something at the left and something at the right end of a line; on two where both do not fit."""
        mono = self.till.mono
        need = (width_of(joined(left)[0], mono=mono) + width_of(joined(right)[0], mono=mono)) * size + 0.6
        room = self.right - self.left
        self._put(left, self.left, size=size, bold=bold, room=room)
        if need > room:
            self.feed(size)
        self._put(right, self.right, align="right", size=size, bold=bold, room=room)
        self.feed(size)

    def cells(self, *cells: tuple[Sequence[Part], float, Align], drop: bool = False) -> None:
        """Print several cells: parts, column, and which end of them stands there.

        A cell without room beside the one before it goes to the next line, or with `drop` is left out.
        """
        end = -1.0
        for parts, column, align in cells:
            width = width_of(joined(parts)[0], mono=self.till.mono)
            begin = self.at(column) - {"left": 0.0, "right": width, "centre": width / 2}[align]
            if begin < end + 0.4:
                if drop:
                    continue
                self.feed()
            self._put(parts, self.at(column), align=align, room=self.right - self.left)
            end = begin + width
        self.feed()

    def rule(self) -> None:
        """Print or draw a line across."""
        kind = self.till.rule
        if kind in ("drawn", "dashed"):
            self.sheet.rules.append(Rule(x0=self.left, x1=self.right, y=self.y + 0.4, dashed=kind == "dashed"))
            self.feed(0.8)
        elif kind:
            text = (kind * self.till.columns)[: self.till.columns]
            self.sheet.put([text], self.left, self.y, room=self.right - self.left)
            self.feed()
        else:
            self.feed(0.5)

    def done(self) -> Sheet:
        """Tear the paper off."""
        self.sheet.height = self.y + MARGIN
        return self.sheet

    def _put(self, parts: Sequence[Part], x: float, **looks: object) -> None:
        if self.till.upper:
            parts = changed(parts, str.upper)
        self.sheet.put(parts, x, self.y, **looks)

    def money(self, value: Decimal, *, total: bool = False, name: str | None = None) -> list[Part]:
        """Write an amount by the till's habit; the mark holds the figures alone."""
        figures = self.till.figures
        plain = figures.plain(value)
        if self.till.sign_on == "all" or (total and self.till.sign_on == "total"):
            return [plain_part(plain, name), figures.sign] if figures.after else [figures.sign, plain_part(plain, name)]
        return [plain_part(plain, name)]


def plain_part(text: str, name: str | None) -> Part:
    """Make a part, marked where it is a field's value."""
    return (text, name) if name else text

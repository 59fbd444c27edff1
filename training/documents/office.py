"""How one office writes invoices: chosen once a document; and the page that it is written on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Literal

from documents.places import Figures, Place, some_figures
from documents.sheet import Align, Part, Rule, Sheet, joined, width_of

HEADS = ("left", "right", "centre", "split", "letter")
METAS = ("right", "left", "row", "grid", "prose")
SUMS = ("right", "far", "table", "wide")
COLUMNS = (
    ("description", "qty", "unit", "amount"),
    ("qty", "description", "unit", "amount"),
    ("position", "description", "qty", "unit", "amount"),
    ("code", "description", "qty", "unit", "amount"),
    ("position", "code", "description", "qty", "unit", "rate", "amount"),
    ("description", "qty", "unit", "rate", "amount"),
    ("description", "amount"),
    ("qty", "code", "description", "unit", "amount"),
)


@dataclass(frozen=True, kw_only=True)
class Office:
    """The habits of one office. Widths are in heights of the base type."""

    width: float
    margin: float
    mono: bool
    pitch: float
    head: str
    meta: str
    sums: str
    columns: tuple[str, ...]
    date_style: str
    figures: Figures
    signs: Literal["none", "total", "sums", "all", "heading"]
    colon: str
    bold_labels: bool
    lines: Literal["none", "head", "rows", "grid"]
    own_address: Literal["head", "foot", "both"]


def some_office(where: Place, random: Random) -> Office:
    """Choose the habits of an office."""
    width = random.choice([54.0, 60.0, 66.0, 72.0])
    return Office(
        width=width,
        margin=random.choice([3.0, 4.5, 6.0]),
        mono=random.random() < 0.12,
        pitch=random.choice([1.25, 1.35, 1.5]),
        head=random.choice(HEADS),
        meta=random.choice(METAS),
        sums=random.choice(SUMS),
        columns=random.choice(COLUMNS),
        date_style=random.choice(where.facts["dates"]),
        figures=some_figures(where, random),
        signs=random.choice(["none", "total", "sums", "sums", "all", "heading"]),
        colon=random.choice(["", ":", ":", ": ", " :"]),
        bold_labels=random.random() < 0.4,
        lines=random.choice(["none", "head", "head", "rows", "grid"]),
        own_address=random.choice(["head", "head", "foot", "both"]),
    )


class Paper:
    """A page that blocks are set on. `y` is where the next block begins."""

    def __init__(self, office: Office, random: Random) -> None:
        self.office = office
        self.random = random
        self.sheet = Sheet(width=office.width, mono=office.mono)
        self.y = office.margin

    @property
    def left(self) -> float:
        return self.office.margin

    @property
    def right(self) -> float:
        return self.office.width - self.office.margin

    def share(self, share: float) -> float:
        """Return the place at a share of the text's width."""
        return self.left + share * (self.right - self.left)

    def feed(self, lines: float = 1.0) -> None:
        """Go down."""
        self.y += lines * self.office.pitch

    def put(self, parts: Sequence[Part], x: float, y: float | None = None, **looks: object) -> None:
        """Set a line of parts."""
        self.sheet.put(parts, x, self.y if y is None else y, **looks)

    def column(
        self, lines: Sequence[Sequence[Part]], x: float, y: float, *, align: Align = "left", size: float = 1.0
    ) -> float:
        """Set lines below one another and say where they end; the page's own place stays."""
        for parts in lines:
            self.put(parts, x, y, align=align, size=size)
            y += self.office.pitch * size
        return y

    def pairs(self, rows: Sequence[tuple[str, Sequence[Part]]], x: float, x1: float, y: float) -> float:
        """Set labels with values at a column, or one glued to the other, and say where they end."""
        aligned = self.random.random() < 0.6
        far = aligned and self.random.random() < 0.4
        colon = self.office.colon
        widest = max((width_of(label, mono=self.office.mono) for label, _ in rows), default=0.0)
        for label, parts in rows:
            if far and widest + 1 + max(width_of(joined(one)[0], mono=self.office.mono) for _, one in rows) < x1 - x:
                self.put([label, colon], x, y, bold=self.office.bold_labels)
                self.put(parts, x1, y, align="right")
            elif aligned:
                self.put([label, colon], x, y, bold=self.office.bold_labels)
                self.put(parts, x + widest + 1.6, y)
            else:
                self.put([f"{label}{colon} ", *parts], x, y)
            y += self.office.pitch
        return y

    def rule(self, x0: float | None = None, x1: float | None = None, y: float | None = None) -> None:
        """Draw a line across."""
        at = self.y if y is None else y
        self.sheet.rules.append(Rule(x0=self.left if x0 is None else x0, x1=self.right if x1 is None else x1, y=at))

    def money(self, value: Decimal, *, name: str | None = None, sign: bool = False) -> list[Part]:
        """Write an amount; the mark holds the figures alone."""
        figures = self.office.figures
        part: Part = (figures.plain(value), name) if name else figures.plain(value)
        if not sign:
            return [part]
        return [part, figures.sign] if figures.after else [figures.sign, part]

    def done(self) -> Sheet:
        """Cut the page: to the paper's height where the text leaves room."""
        self.sheet.height = max(
            self.y + self.office.margin, self.office.width * 1.414 if self.random.random() < 0.7 else 0
        )
        return self.sheet

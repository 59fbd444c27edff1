"""A laid out document before it is drawn: pieces of text with their places, and which part of each is a field's value.

Lengths are in heights of the base type. A sheet knows no fonts; `width_of` estimates what a drawing later measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Align = Literal["left", "right", "centre"]
Part = str | tuple[str, str | None]
"""A text, or a text with the field whose value it is."""
MONO = 0.6
_NARROW = frozenset("iljtfI.,:;'|!()[]-/ r")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A text at a place: `x` is its left end, right end or middle, `y` its upper edge. `marks`: (field, start, end).

    `room` is the width it must fit into, `spread` the share of a letter's width put between letters.
    """

    text: str
    x: float
    y: float
    align: Align = "left"
    size: float = 1.0
    bold: bool = False
    face: Literal["main", "sign", "hand"] = "main"
    marks: tuple[tuple[str, int, int], ...] = ()
    room: float = 1000.0
    spread: float = 0.0

    def box(self, mono: bool) -> tuple[float, float, float, float]:
        """Estimate x0, y0, x1, y1."""
        width = min(width_of(self.text, mono=mono and self.face == "main") * self.size * (1 + self.spread), self.room)
        x0 = self.x - {"left": 0.0, "right": width, "centre": width / 2}[self.align]
        return x0, self.y, x0 + width, self.y + self.size


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A drawn line from x0 to x1, or a frame down to y1."""

    x0: float
    x1: float
    y: float
    y1: float | None = None
    dashed: bool = False


@dataclass(kw_only=True)
class Sheet:
    """A document's page. `made` says what was chosen for it, by name."""

    width: float
    height: float = 0.0
    mono: bool = True
    pieces: list[Piece] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    bars: list[tuple[float, float, float, float]] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)

    def put(self, parts: Iterable[Part], x: float, y: float, **looks: object) -> Piece | None:
        """Put a line of parts at a place; nothing where it is empty."""
        text, marks = joined(parts)
        if not text.strip():
            return None
        piece = replace(Piece(text=text, x=x, y=y, marks=tuple(marks)), **looks)  # type: ignore[arg-type]
        self.pieces.append(piece)
        return piece

    def marked(self) -> dict[str, str]:
        """Return what is printed for each field, its parts in order and joined by a blank."""
        found: dict[str, list[str]] = {}
        for piece in self.pieces:
            for name, start, end in piece.marks:
                found.setdefault(name, []).append(piece.text[start:end].strip())
        return {name: " ".join(texts) for name, texts in found.items()}


def joined(parts: Iterable[Part]) -> tuple[str, list[tuple[str, int, int]]]:
    """Join parts to a text and the marks in it."""
    text, marks = "", []
    for part in parts:
        words, name = (part, None) if isinstance(part, str) else part
        if name and words.strip():
            marks.append((name, len(text), len(text) + len(words)))
        text += words
    return text, marks


def changed(parts: Sequence[Part], change: Callable[[str], str]) -> list[Part]:
    """Change the text of every part, its marks kept."""
    return [change(part) if isinstance(part, str) else (change(part[0]), part[1]) for part in parts]


def wrapped(text: str, width: int) -> list[str]:
    """Break a text at blanks into lines of at most `width` letters; a longer word stands alone."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def width_of(text: str, *, mono: bool) -> float:
    """Estimate a text's width at size 1."""
    if mono:
        return MONO * len(text)
    narrow = sum(char in _NARROW for char in text)
    wide = sum(char.isupper() for char in text)
    return 0.3 * narrow + 0.66 * wide + 0.53 * (len(text) - narrow - wide)

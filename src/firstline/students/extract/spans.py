"""The spans of a document that can be the value of a field: days, amounts, lines, their parts, lines in a row, codes.

Every value stands in the document as it is proposed: as printed, or as the day or number that is printed there. Which
families of spans a text field draws from is learned with the student; days and numbers have one each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

from firstline import patterns
from firstline.interruption import asking
from firstline.reading.names import trimmed
from firstline.reading.reader import month_first
from firstline.schema.field import Field
from firstline.students.extract.grid import Grid
from firstline.types import Json
from firstline.values.amounts import Amount
from firstline.values.texts import fold

TextFamily = Literal["cell", "line", "run", "column", "name", "rest", "piece", "head", "bare", "code", "words"]
Family = TextFamily | Literal["amount", "day"]
TEXT_FAMILIES: tuple[TextFamily, ...] = get_args(TextFamily)
"""The families of text spans, simplest first: a later one is used only where it finds values that those before miss."""

MOST_LINES = 6
_MOST_WORDS = 6
_WORDS_READ = 120
_LEAST = 2
_LONGEST = 400
_FAR = 2 * _LONGEST
_REST = patterns.compile(r"[:#=]\s*(?=\S)|\b(?:no|nr|id)\b\.?\s+(?=\S)", patterns.IGNORECASE)
_TAIL = patterns.compile(
    r"[\s,;(\[]+(?:tel|phone|fax|hp|h/p|mobile|gst|sst|vat|email|e-mail|www|reg|co\.?\s?reg|company\s?no|ssm|roc)\b.*$"
    r"|[\s,;]+\S*@.*$|\s*[-–|]\s*$",
    patterns.IGNORECASE,
)
_BRACKETS = patterns.compile(r"\s*[(\[][^()\[\]]*[)\]]?\s*$")
_CODE = patterns.compile(r"(?=\S*\d)[A-Za-z0-9][\w./\-#]{2,39}")
_WORD = patterns.compile(r"\S+")
_PIECE = patterns.compile(r"\s*(?:[|·•;]|\s[-–—~]\s|,\s)\s*")
_GLUED_DAY = patterns.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01])\s?(0[1-9]|1[0-2])\s?(20[0-4]\d)(?!\d)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A place of the document and the value that it would be. `cells` are in order; `start` counts in the first, `end`
    in the last of them. `key` is the same for values that mean the same. `number` is the day's or amount's own."""

    value: Json
    text: str
    key: str
    cells: tuple[int, ...]
    start: int
    end: int
    family: Family
    number: int = -1
    reading: int = 0
    amount: Amount | None = None


def mentions(grid: Grid, field: Field) -> list[Span]:
    """Propose every day or number of the document for a field, in reading order."""
    if field.type == "date":
        return list(_days(grid))
    return list(_amounts(grid, whole=field.type == "integer"))


def ranges(grid: Grid, families: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the cells that text spans can be made of: single ones, lines, lines in a row, cells below one another."""
    found: list[tuple[int, ...]] = []
    for line in asking(range(grid.lines)):
        on_line = grid.of_line(line)
        found += [(at,) for at in on_line]
        if "line" in families and len(on_line) > 1:
            found.append(tuple(on_line))
        if "run" in families:
            for end in range(line + 1, min(grid.lines, line + MOST_LINES)):
                found.append(tuple(range(on_line[0], grid.of_line(end)[-1] + 1)))
        if "column" in families and len(on_line) > 1:
            for at in on_line:
                column = grid.column_from(at, MOST_LINES)
                found += [tuple(column[:count]) for count in range(2, len(column) + 1)]
    return found


def texts(grid: Grid, chosen: Sequence[tuple[int, ...]], families: Sequence[str], most: int) -> list[Span]:
    """Make the text spans of these cells, at most so many; of those that say the same at the same place, the first."""
    seen: set[tuple[str, int]] = set()
    found: list[Span] = []
    for cells in asking(chosen):
        for span in of_cells(grid, cells, families):
            mark = (span.key, span.cells[0])
            if span.key and mark not in seen and len(span.text) <= _LONGEST:
                seen.add(mark)
                found.append(span)
        if len(found) >= most:
            break
    return found[:most]


def of_cells(grid: Grid, cells: tuple[int, ...], families: Sequence[str]) -> Iterator[Span]:
    """Propose the text of these cells, and parts of it, as the families have it."""
    whole = _joined(grid, cells, _family(grid, cells))
    if whole.family in families:
        yield whole
    if "head" in families and (match := _TAIL.search(whole.text)) and match.start() > _LEAST:
        yield _cut(grid, whole, 0, match.start(), "head")
    if "name" in families:
        bare = trimmed(whole.text)
        at = whole.text.find(bare)
        if bare != whole.text and at >= 0:
            yield _cut(grid, whole, at, at + len(bare), "name")
    if "bare" in families and (match := _BRACKETS.search(whole.text)) and match.start() > _LEAST:
        yield _cut(grid, whole, 0, match.start(), "bare")
    if len(cells) == 1:
        yield from _pieces(cells[0], grid.texts[cells[0]], families)


def _days(grid: Grid) -> Iterator[Span]:
    """Every day in each of its readings; `reading` 0 is the one that the document's other dates speak for."""
    first = month_first(grid.document)
    taken: set[int] = set()
    for number, mention in enumerate(asking(grid.document.dates)):
        place = grid.locate(mention.line, mention.found.start)
        if place is None:
            continue
        taken.add(mention.line)
        readings = mention.found.readings[::-1] if first else mention.found.readings
        for at, day in enumerate(readings):
            yield Span(
                value=day.isoformat(),
                text=mention.found.text,
                key=day.isoformat(),
                cells=(place[0],),
                start=place[1],
                end=place[1] + len(mention.found.text),
                family="day",
                number=number,
                reading=at,
            )
    if taken:
        return
    for cell, text in enumerate(asking(grid.texts)):
        for match in _GLUED_DAY.finditer(text):
            day_, month, year = match.groups()
            value = f"{year}-{month}-{day_}"
            yield Span(
                value=value, text=match.group(), key=value, cells=(cell,), start=match.start(), end=match.end(),
                family="day", number=-1, reading=2,
            )  # fmt: skip


def _amounts(grid: Grid, *, whole: bool) -> Iterator[Span]:
    for number, mention in enumerate(asking(grid.document.amounts)):
        place = grid.locate(mention.line, mention.amount.start)
        if place is None or (whole and mention.amount.decimals):
            continue
        for at, value in enumerate(mention.amount.readings):
            yield Span(
                value=int(value) if whole else float(value),
                text=mention.amount.text,
                key=str(value.normalize()),
                cells=(place[0],),
                start=place[1],
                end=place[1] + len(mention.amount.text),
                family="amount",
                number=number,
                reading=at,
                amount=mention.amount,
            )


def _pieces(at: int, text: str, families: Sequence[str]) -> Iterator[Span]:
    """Parts of one cell."""
    if "rest" in families:
        for match in _REST.finditer(text):
            if len(text) - match.end() <= _FAR:  # a longer rest is no value
                yield _part(at, text, match.end(), len(text), "rest")
    if "piece" in families:
        inner = [place for match in _PIECE.finditer(text) for place in match.span()]
        if inner:
            edges = [0, *inner, len(text)]
            for begin, end in zip(edges[::2], edges[1::2], strict=True):
                yield _part(at, text, begin, end, "piece")
    if "code" in families:
        for match in _CODE.finditer(text):
            yield _part(at, text, match.start(), match.end(), "code")
    if "words" in families:
        words = list(islice(_WORD.finditer(text), _WORDS_READ))
        for first in range(len(words)):
            for last in range(first, min(len(words), first + _MOST_WORDS)):
                yield _part(at, text, words[first].start(), words[last].end(), "words")


def _family(grid: Grid, cells: tuple[int, ...]) -> Family:
    if len(cells) == 1:
        return "cell"
    if cells[-1] - cells[0] + 1 != len(cells):
        return "column"
    return "line" if grid.places[cells[0]].line == grid.places[cells[-1]].line else "run"


def _joined(grid: Grid, cells: tuple[int, ...], family: Family) -> Span:
    text = " ".join(grid.texts[at] for at in cells)
    return Span(
        value=text,
        text=text,
        key="".join(grid.folded[at] for at in cells),
        cells=cells,
        start=0,
        end=len(grid.texts[cells[-1]]),
        family=family,
    )


def _part(at: int, text: str, start: int, end: int, family: Family) -> Span:
    bare = text[start:end].strip(" ,;:()[]\"'")
    begin = text.find(bare, start) if bare else start
    return Span(value=bare, text=bare, key=fold(bare), cells=(at,), start=begin, end=begin + len(bare), family=family)


def _cut(grid: Grid, whole: Span, start: int, end: int, family: Family) -> Span:
    """Part of a joined text; the cells that it no longer touches are left out."""
    text = whole.text[start:end].rstrip(" ,;:([")
    end = start + len(text)
    kept: list[int] = []
    first = last = at = 0
    for cell in whole.cells:
        length = len(grid.texts[cell])
        if at + length > start and at < end:
            if not kept:
                first = max(start - at, 0)
            kept.append(cell)
            last = min(end - at, length)
        at += length + 1
    return Span(
        value=text, text=text, key=fold(text), cells=tuple(kept) or whole.cells[:1], start=first, end=last,
        family=family,
    )  # fmt: skip

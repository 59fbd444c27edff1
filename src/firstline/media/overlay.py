"""Joins what a PDF page's text layer says with what OCR reads in its picture. Pure.

Both are measured on the same page: in points from its upper left, and in pixels of the picture after OCR has turned it
level. What OCR reads is what a person sees, and what a layer merely claims never overrules it: a claimed word stands
only where it agrees with the pixels, number for number, and then in the layer's spelling.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

import msgspec

from firstline.normal_form import normalized
from firstline.types import Page, PdfPage, Segment

_ALIKE: Final = 0.75
"""Share of letters that must be the same: OCR misses some."""
_LONGEST: Final = 1_000
_COVERED: Final = 0.6
_ROW: Final = 40.0
_MOST_ROWS: Final = 200
_REACH: Final = 0.3
"""Heights of a line that a word of it may lie beside what OCR found."""
_READABLE: Final = frozenset(("LATIN", "GREEK", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH", "HALFWIDTH"))
"""Scripts that OCR reads: words of others cannot be held against it."""
_IN_NUMBERS: Final = frozenset(".,'’-−–+()%")


def joined(found: PdfPage, read: Page) -> Page:
    """Return a page of what its text layer shows and what was `read` in its image, in the image's pixels.

    `found` has an image, `read` is what OCR made of it.
    """
    if found.text is None or found.image is None:
        return read
    scale = found.image.width / found.text.width
    size = (found.image.width, found.image.height)
    shown = [_turned(segment, scale, size, read) for segment in found.text.segments]
    words = found.claimed.segments if found.claimed is not None else ()
    claimed = [_turned(word, scale, size, read) for word in words]
    layer = _Rows(shown)
    looked = [segment for segment in read.segments if layer.cover(segment) < _COVERED]
    spelt, left = _spelt(looked, claimed)
    ocr = _Rows(looked)
    beyond = [word for word in left if _is_beyond_ocr(word.text) and not ocr.cover(word)]
    return msgspec.structs.replace(read, segments=(*shown, *spelt, *beyond))


def _turned(segment: Segment, scale: float, size: tuple[int, int], read: Page) -> Segment:
    """Bring a box of the text layer to where OCR would have measured it."""
    angle = math.radians(read.turned)
    x = (segment.x0 + segment.x1) / 2 * scale - size[0] / 2
    y = (segment.y0 + segment.y1) / 2 * scale - size[1] / 2
    x, y = x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
    x, y = x + read.width / 2, y + read.height / 2
    across, down = (segment.x1 - segment.x0) / 2 * scale, (segment.y1 - segment.y0) / 2 * scale
    return msgspec.structs.replace(segment, x0=x - across, y0=y - down, x1=x + across, y1=y + down)


class _Rows:
    """Boxes by the rows of a page that they touch, so that one box is held against its neighbours alone."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._rows: dict[int, list[Segment]] = defaultdict(list)
        for segment in segments:
            for row in _rows(segment):
                self._rows[row].append(segment)

    def beside(self, segment: Segment) -> Iterator[Segment]:
        """The boxes in the rows of a box, each once."""
        first, *_ = rows = _rows(segment)
        for row in rows:
            for other in self._rows.get(row, ()):
                if row == max(first, _rows(other)[0]):
                    yield other

    def cover(self, segment: Segment) -> float:
        """The share of a box that others cover."""
        area = (segment.x1 - segment.x0) * (segment.y1 - segment.y0)
        covered = 0.0
        for other in self.beside(segment):
            across = min(segment.x1, other.x1) - max(segment.x0, other.x0)
            down = min(segment.y1, other.y1) - max(segment.y0, other.y0)
            if across > 0 and down > 0:
                covered += across * down
        return covered / area if area > 0 else 0.0


def _rows(segment: Segment) -> range:
    first = int(segment.y0 // _ROW)
    return range(first, min(int(segment.y1 // _ROW), first + _MOST_ROWS) + 1)


def _spelt(looked: Sequence[Segment], claimed: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Spell what OCR read as the layer does where both agree; returns the claimed words beside it as well."""
    layer = _Rows(claimed)
    taken: set[int] = set()
    out = []
    for segment in looked:
        words = [word for word in layer.beside(segment) if id(word) not in taken and _stands_in(word, segment)]
        taken.update(map(id, words))
        said = " ".join(word.text for word in sorted(words, key=lambda word: word.x0))
        out.append(msgspec.structs.replace(segment, text=said) if said and _agree(segment.text, said) else segment)
    return out, [word for word in claimed if id(word) not in taken]


def _stands_in(word: Segment, line: Segment) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    reach = _REACH * (line.y1 - line.y0)
    return line.x0 - reach <= x <= line.x1 + reach and line.y0 - reach <= y <= line.y1 + reach


def _agree(seen: str, said: str) -> bool:
    """Say whether a line of the layer is what OCR saw: the same numbers, and nearly the same letters."""
    seen, said = normalized("NFKC", seen[:_LONGEST]), normalized("NFKC", said[:_LONGEST])
    if _is_beyond_ocr(said):
        digits = [character for character in said if character.isdigit()]
        return not all(map(str.isascii, digits)) or "".join(digits) == "".join(filter(str.isdigit, seen))
    if _numbers(seen) != _numbers(said):
        return False
    matcher = SequenceMatcher(None, _letters(seen), _letters(said), autojunk=False)
    return matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _numbers(text: str) -> str:
    """The digits, each sign beside one, and nothing else."""
    around = f" {text} "
    kept: Iterator[str] = (
        character
        for before, character, after in zip(around, around[1:], around[2:], strict=False)
        if character.isdigit() or (character in _IN_NUMBERS and (before.isdigit() or after.isdigit()))
    )
    return "".join(kept)


def _letters(text: str) -> str:
    """Letters without case and accents."""
    apart = normalized("NFD", text.casefold())
    return "".join(character for character in apart if character.isalnum())


def _is_beyond_ocr(text: str) -> bool:
    """Say whether most letters are of a script that OCR does not read."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(unicodedata.name(character, "").split(" ")[0] not in _READABLE for character in letters)
    return foreign * 2 > len(letters)

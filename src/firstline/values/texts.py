"""Words as people read them: split by Unicode's rules (UAX #29), compared with case, width and punctuation folded.

A word keeps the marks on its letters: `दिल्ली` is not `दल्ला`. Points that a writer may leave out (Hebrew niqqud, Arabic
harakat) are kept apart: a text without them is the same as one that has them, and two that have different ones differ.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

from unicode_segmentation_rs import split_word_bounds

from firstline import patterns
from firstline.interruption import asking
from firstline.normal_form import normalized
from firstline.types import Value

_PLAIN_WORD = patterns.compile(r"[a-z0-9]+")
_INSIDE = r"[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
"""Joiners, soft hyphens and signs of direction, which stand inside a word without being of it."""
_RUN = patterns.compile(rf"(?:[^\W_]|\p{{M}}|{_INSIDE})+")
_MARKED = patterns.compile(rf"\p{{M}}|{_INSIDE}|\u0640")
_LATIN_END = "\u0250"
_DOTTED_I = "i\u0307"
"""What `İ` becomes when its case is folded; it is an `i`."""
_TATWEEL = "\u0640"
"""Lengthens an Arabic word and means nothing."""
_SELECTORS = frozenset(
    map(chr, (*range(0x180B, 0x180E), 0x180F, 0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Marks that choose a glyph and spell nothing."""
_POINTS = frozenset(
    map(
        chr,
        (
            *range(0x0591, 0x05BE), 0x05BF, 0x05C1, 0x05C2, 0x05C4, 0x05C5, 0x05C7,
            *range(0x0610, 0x061B), *range(0x064B, 0x0653), *range(0x0656, 0x0660), 0x0670,
            *range(0x06D6, 0x06DD), *range(0x06DF, 0x06E5), 0x06E7, 0x06E8, *range(0x06EA, 0x06EE),
        ),
    )
)  # fmt: skip
"""Marks of Hebrew and Arabic that most texts leave out. Hamza and madda are no such marks."""


_NO_POINTS: Mapping[int, str] = MappingProxyType({})


class Folded(Value, frozen=True, kw_only=True):
    """A folded text: its letters, digits and marks, and the points on them by the letter's place."""

    letters: str
    points: Mapping[int, str]

    def agrees(self, other: Folded, at: int = 0) -> bool:
        """Say whether no letter of `other`, laid on this text from a place on, has other points than here."""
        if not self.points or not other.points:
            return True
        return all(_agree(points, self.points.get(at + place, "")) for place, points in other.points.items())


def fold(text: str) -> str:
    """Fold case, width, spacing, punctuation and points: NFKC, case-folded; letters with their marks, and digits."""
    return folded(text).letters


def fold_words(text: str) -> list[str]:
    """Split into words, each folded; punctuation inside a word (`a.b`) splits it.

    Of scripts written without blanks each sign with its marks is a word, and of Katakana each run.
    """
    flat = _flat(text)
    return _PLAIN_WORD.findall(flat) if flat.isascii() else [word.letters for word in folded_words(flat)]


def folded(text: str) -> Folded:
    """Fold a text, and keep its points."""
    return _folded(_flat(text))


def folded_words(text: str) -> list[Folded]:
    """Split into folded words, and keep their points."""
    flat = _flat(text)
    if flat.isascii():
        return [Folded(letters=word, points=_NO_POINTS) for word in _PLAIN_WORD.findall(flat)]
    return [word for run in asking(_RUN.findall(flat)) for word in _words_of(run)]


def joined(words: Sequence[Folded]) -> Folded:
    """Join words without blanks; the points stay on their letters."""
    begins = accumulate((len(word.letters) for word in words), initial=0)
    points = {
        at + place: point for at, word in zip(begins, words, strict=False) for place, point in word.points.items()
    }
    return Folded(letters="".join(word.letters for word in words), points=points)


def same_words(left: str, right: str) -> bool:
    """Say whether two texts are the same when folded, and neither contradicts the points of the other."""
    one, other = folded(left), folded(right)
    return one.letters == other.letters and one.agrees(other)


def _flat(text: str) -> str:
    flat = normalized("NFKC", text).casefold()
    return flat if flat.isascii() else flat.replace(_DOTTED_I, "i")


def _words_of(run: str) -> list[Folded]:
    """Part a run of letters and marks where Unicode ends a word: between Han and Latin, at each Thai sign."""
    parts = [run] if max(run) < _LATIN_END else split_word_bounds(run)
    if _MARKED.search(run) is None:
        # The engine may know letters that this Python does not know yet.
        kept = ("".join(filter(str.isalnum, part)) for part in parts)
        return [Folded(letters=letters, points=_NO_POINTS) for letters in kept if letters]
    return [word for part in parts if (word := _with_marks(part)).letters]


def _folded(flat: str) -> Folded:
    if flat.isascii() or _MARKED.search(flat) is None:
        return Folded(letters="".join(char for char in flat if char.isalnum()), points=_NO_POINTS)
    return _with_marks(flat)


def _with_marks(flat: str) -> Folded:
    letters: list[str] = []
    points: dict[int, str] = {}
    base = False
    for char in flat:
        if char.isalnum():
            base = True
            if char != _TATWEEL:
                letters.append(char)
        elif char in _POINTS:
            if base and letters:
                points[len(letters) - 1] = points.get(len(letters) - 1, "") + char
        elif (kind := unicodedata.category(char)) in ("Mn", "Mc"):
            if base and char not in _SELECTORS:
                letters.append(char)
        elif kind not in ("Cf", "Me"):
            base = False
    return Folded(letters="".join(letters), points=points)


def _agree(left: str, right: str) -> bool:
    one, other = set(left), set(right)
    return one <= other or other <= one

"""What tells in a text, by which a summary is compared with its source: words, or signs where there are no blanks.

A word counts by its beginning, so that inflections meet. Chinese, Japanese, Thai and their like have no blanks: there a
sign counts as found where it stands in the source beside the same neighbour. Common words and particles tell nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise

from firstline.interruption import asking
from firstline.types import Value
from firstline.values.texts import fold_words

_STEM = 5
_HANGUL_STEM = 2
"""Korean words end in particles, which may be half of the word."""
_ARABIC_ARTICLES = ("وال", "بال", "كال", "فال", "ال", "لل")
_COMMON_WORDS = """
the and but for with from that this these those not has have had will would can could may was were are been being its
his her she they their who which what when where than then there also into over about out more most one said says after
before
"""
_COMMON_SIGNS = frozenset("的了在是和与與及就都而也被把将將于於之其对對为為以并並或但从從到这這那个個们們可")
_HIRAGANA = ("\u3041", "\u309f")
_PAIRED = (("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
"""Han: two signs in a row are about a word."""
_TRIPLED = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
"""Thai, Lao, Burmese, Khmer: three signs in a row are about a word."""


class Share(Value, frozen=True, kw_only=True):
    """How many telling words a sentence has (two or three signs count as one), and which share of them, and of their
    neighbouring pairs, stands in the source."""

    words: float
    in_source: float
    pairs_in_source: float


class Telling:
    """A source, read once: its telling words and sequences of signs."""

    def __init__(self, source: str) -> None:
        self._words: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()
        self._grams: set[str] = set()
        for size, row in _rows(source):
            if size:
                self._grams.update(gram for length in range(1, size + 1) for gram in _grams(row, length))
            else:
                self._words.update(row)
                self._pairs.update(pairwise(row))

    def share(self, sentence: str) -> Share:
        """Compare a sentence with the source."""
        weight = found = pairs = found_pairs = 0.0
        for size, row in _rows(sentence):
            if size:
                weight += len(row) / size
                found += self._covered(row, size) / size
                grams = _grams(row, min(size, len(row)))
                pairs += len(grams)
                found_pairs += sum(gram in self._grams for gram in grams)
            else:
                weight += len(row)
                found += sum(word in self._words for word in row)
                neighbours = set(pairwise(row))
                pairs += len(neighbours)
                found_pairs += len(neighbours & self._pairs)
        return Share(
            words=weight,
            in_source=found / weight if weight else 1.0,
            pairs_in_source=found_pairs / pairs if pairs else 1.0,
        )

    def _covered(self, row: Sequence[str], size: int) -> int:
        """Count the signs that stand in the source with their neighbours; a shorter row is looked for as a whole."""
        size = min(size, len(row))
        covered: set[int] = set()
        for at, gram in enumerate(asking(_grams(row, size))):
            if gram in self._grams:
                covered.update(range(at, at + size))
        return len(covered)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Part a text into rows of telling words (size 0), and of telling signs in a row with the size of their sequences.

    Words of one text are one row, as if the common ones between them were not there.
    """
    words = fold_words(text)
    telling = [
        _stem(word) for word in asking(words) if not _size(word) and len(word) > 1 and word not in _common_words()
    ]
    if telling:
        yield 0, telling
    for size, row in groupby(asking(words), key=lambda word: _size(word) if _tells(word) else 0):
        if size:
            yield size, list(row)


def _grams(row: Sequence[str], size: int) -> list[str]:
    return ["".join(row[at : at + size]) for at in asking(range(len(row) - size + 1))]


def _size(word: str) -> int:
    """Say how many signs of the script are about a word; 0 for scripts with blanks, and for runs of Katakana."""
    first = word[0]
    if any(low <= first <= high for low, high in (*_PAIRED, _HIRAGANA)):
        return 2
    return 3 if any(low <= first <= high for low, high in _TRIPLED) else 0


def _tells(word: str) -> bool:
    return not (_HIRAGANA[0] <= word[0] <= _HIRAGANA[1]) and word not in _COMMON_SIGNS


def _stem(word: str) -> str:
    """Cut a word to its beginning, and what is left to its last letter without marks."""
    if "\uac00" <= word[0] <= "\ud7a3":
        return word[:_HANGUL_STEM]
    article = next((one for one in _ARABIC_ARTICLES if word.startswith(one) and len(word) > len(one) + 2), "")
    stem = word.removeprefix(article)[:_STEM]
    while len(stem) > 1 and unicodedata.category(stem[-1]).startswith("M"):
        stem = stem[:-1]
    return stem


@cache
def _common_words() -> frozenset[str]:
    return frozenset(_COMMON_WORDS.split())

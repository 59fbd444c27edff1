"""Digits, separators, signs and blanks of every script as ASCII writes them, each at its place in the text.

NFKC folds too much for numbers (`m²` would be `m2`, `½` would be `1⁄2`) and moves what follows. Here one character
becomes one character, and characters that draw nothing (zero-width ones, marks of direction) are left out.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from firstline import patterns
from firstline.normal_form import normalized
from firstline.types import Value

NO_BREAK = "\u00a0"
"""Every blank that does not part words: no-break, thin, narrow, figure."""
DASH = "\u2014"
"""Every long dash, which is seldom a minus."""
ARABIC_THOUSANDS, ARABIC_DECIMAL = "\u066c", "\u066b"

_AS = {
    NO_BREAK: "\u2006\u2007\u2008\u2009\u200a\u202f\u205f",
    " ": "\u3000",
    DASH: "\u2015\ufe58",
    "-": "\u2010\u2011\u2012\u2013\u2212\u02d7\u207b\u2796\ufe63\uff0d",
    ",": "\u060c\u201a\ufe50\uff0c",
    ".": "\u2024\ufe52\uff0e",
    "'": "\u2018\u2019\u02bc\u02b9\u00b4\u0060\u2032\uff07",
    "%": "\u066a\ufe6a\uff05",
    ":": "\u2236\ufe55\uff1a",
    "/": "\u2044\u2215\uff0f",
    "(": "\ufe59\uff08",
    ")": "\ufe5a\uff09",
    "$": "\ufe69\uff04",
}
_NOT_DRAWN = patterns.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_WIDE = ((0xFF01, 0xFF5E), (0xFFE0, 0xFFE6))
_LAST_DIGIT = 0x1FBF9
"""The last decimal digit of Unicode."""


class Plain(Value, frozen=True, kw_only=True):
    """A text as it is read. `places` are where its characters stand in the text as written; None: at the same place."""

    text: str
    places: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the text begins and ends as written; it is not empty."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def plain(text: str) -> Plain:
    """Fold what numbers and dates are written with; letters stay, but for full-width ones."""
    if text.isascii():
        return Plain(text=text)
    folded = text.translate(_folds())
    if _NOT_DRAWN.search(folded) is None:
        return Plain(text=folded)
    drawn = [at for at, char in enumerate(folded) if _NOT_DRAWN.match(char) is None]
    return Plain(text="".join(folded[at] for at in drawn), places=tuple(drawn))


@cache
def _folds() -> dict[int, str]:
    """Return what each character becomes that does not stay."""
    folds = {
        code: str(unicodedata.decimal(chr(code))) for code in range(0x80, _LAST_DIGIT + 1) if chr(code).isdecimal()
    }
    for first, last in _WIDE:
        folds |= {code: normalized("NFKC", chr(code)) for code in range(first, last + 1)}
    folds |= {ord(char): as_ for as_, chars in _AS.items() for char in chars}
    return {code: as_ for code, as_ in folds.items() if len(as_) == 1}

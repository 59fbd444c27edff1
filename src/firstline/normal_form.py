"""Unicode's normal forms, in time linear in the text."""

from __future__ import annotations

import unicodedata
from typing import Literal

_MOST_MARKS = 30
"""In a row: more than any script writes (UAX #15, Stream-Safe Text Format)."""


def normalized(form: Literal["NFC", "NFKC", "NFD", "NFKD"], text: str) -> str:
    """Return the text in a normal form; of a row of combining marks the first 30 are kept.

    Python sorts such a row in quadratic time with its lock held: 160 kB of marks take 5 s.
    """
    return text if text.isascii() else unicodedata.normalize(form, _with_few_marks(text))


def _with_few_marks(text: str) -> str:
    kept: list[str] = []
    row = 0
    for char in text:
        row = row + 1 if unicodedata.combining(char) else 0
        if row <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept) if len(kept) < len(text) else text

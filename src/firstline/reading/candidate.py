"""What a document offers for a field, and how labels are recognised in print."""

from __future__ import annotations

from functools import lru_cache

from firstline import patterns
from firstline.types import Json, Value

_WORD = patterns.compile(r"\w+")


class Candidate(Value, frozen=True, kw_only=True):
    """A value that the document offers for a field. `text` is as printed, `score` the reader's own liking."""

    value: Json
    text: str
    line: int
    score: float


@lru_cache(maxsize=256)
def label_pattern(words: tuple[str, ...]) -> patterns.Pattern:
    """Compile labels: any case, any spacing or punctuation between words, not beginning inside a longer word."""
    ordered = sorted(words, key=len, reverse=True)
    parts = [r"[\W_]*".join(patterns.escape(word) for word in _WORD.findall(label)) for label in ordered]
    return patterns.compile(rf"(?<![^\W\d_])(?:{'|'.join(part for part in parts if part)})", patterns.IGNORECASE)


def longest_label(words: tuple[str, ...], text: str) -> int:
    """Return the length in characters of the longest of the labels that stands in the text; 0 for none."""
    return max((len(match.group()) for match in label_pattern(words).finditer(text)), default=0) if words else 0

"""What makes two messages the same, or nearly so. Pure."""

from __future__ import annotations

from firstline import patterns
from firstline.normal_form import normalized

_NO_LETTERS = patterns.compile(r"[\W_]+")
_DIGIT = patterns.compile(r"\d")


def fold(text: str) -> str:
    """Fold what does not make two messages different: case, width, punctuation, spacing, and which digits."""
    plain = normalized("NFKC", text).casefold()
    return _NO_LETTERS.sub(" ", _DIGIT.sub("0", plain)).strip()

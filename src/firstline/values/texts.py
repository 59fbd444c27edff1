"""Texts compared by their words: case, width, spacing and punctuation folded."""

from __future__ import annotations

from firstline import patterns
from firstline.normal_form import normalized

_WORD = patterns.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Fold case, width, spacing and punctuation: NFKC, case-folded, letters and digits only."""
    return "".join(char for char in normalized("NFKC", text).casefold() if char.isalnum())


def fold_words(text: str) -> list[str]:
    """Split into words, each folded; punctuation inside a word (`a.b`) splits it."""
    flat = normalized("NFKC", text).casefold()
    return _WORD.findall(flat)

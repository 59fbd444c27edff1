"""No regular expression of the product takes more than linear time; patterns are found, not listed."""

from __future__ import annotations

import re
import string

import pytest

from firstline.patterns import Pattern
from support.every_pattern import every_pattern
from support.growing import superlinear

CHARACTERS = 8_000
UNITS = (
    *"-1 a(.`{\n\té年_/\\*<@:,\u0301\U0001f600",
    "$ ", "a.", "1,", "1.", "1-", "12 ", "a ", "A ", "a@", "- ", "01/02/", "1a ", "<a ", "{{ ", "%(", "**", "[(", "$1",
    "no ", "rm ", "http://", "a-", "年1", "\\(", "x(", " \n", "\"'", "a1,-(",
)  # fmt: skip
_LITERAL = re.compile(r"\w{2,}")
_MOST_LITERALS = 5


def units_of(pattern: str) -> list[str]:
    """Repeat what every pattern is tried on, and near-misses made of the pattern's own words and signs."""
    words = list(dict.fromkeys(_LITERAL.findall(pattern)))
    signs = "".join(dict.fromkeys(char for char in pattern if char in string.punctuation))
    few = words[:: max(1, len(words) // _MOST_LITERALS)][:_MOST_LITERALS]
    return [*UNITS, signs or "-", *few, *(f"{word} " for word in few[:3]), "".join(few) or "a"]


def every_way(pattern: Pattern, text: str) -> None:
    """Use a pattern in all ways that the product does."""
    for _ in pattern.finditer(text):
        pass
    pattern.search(text)
    pattern.match(text)
    pattern.fullmatch(text)


def test_the_patterns_of_the_product_are_found() -> None:
    found = every_pattern()
    assert len(found) > 150
    assert "firstline.reading.addresses.REGISTRATION" in found


@pytest.mark.parametrize("name", sorted(every_pattern()))
def test_a_pattern_takes_linear_time(name: str) -> None:
    pattern = every_pattern()[name]
    grows = [
        told
        for unit in units_of(pattern.pattern)
        if (told := superlinear(lambda text: every_way(pattern, text), unit, CHARACTERS))
    ]
    assert grows == []


def test_a_backtracking_engine_fails_this_test() -> None:
    cubic = re.compile(r"^\W*(?:reg)?\W*[\W\d]*\d{4,}$")
    assert superlinear(cubic.match, "-", 400) is not None

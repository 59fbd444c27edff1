"""Fractions in digits (`½`, `1/2`) and in words (`half`, `eine halbe`, `四分之一`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from firstline import patterns
from firstline.checks.terms import Terms, Words
from firstline.types import Value

_WORDS = {
    "h2": (
        "half halves halb halbe halben halber halbes hälfte eineinhalb anderthalb* zweieinhalb "
        "dreieinhalb viereinhalb fünfeinhalb moitié demi demie demis media medio mitad mezzo mezza "
        "metà meio meia metade helft halve halva hälften полов* полтор* pół połow* "
        "półtor* نصف ونصف والنصف आधा आधे आधी डेढ़ ढाई साढ़े 一半 半分 半数 半數 半杯 半年 半カップ "
        "二分之一 2分の1 절반"
    ),
    "h3": ("drittel tiers un_tercio tercera_parte un_terzo um_terço трети треть 三分之一 3分の1 ثلث तिहाई"),
    "h4": (
        "viertel quart_de un_quart un_cuarto cuarta_parte un_quarto um_quarto quarter_of a_quarter "
        "one_quarter kwart fjärdedel четверть четверти ćwierć ربع चौथाई 四分之一 4分の1"
    ),
}
"""Words that name a fraction and little else."""
_SLASHED = patterns.compile(r"(?<![\d/.,:\u2044-])(\d{1,2})[/\u2044](2|3|4|5|6|8|16)(?![\d/\u2044]|[.,:]\d)")
_VULGAR = patterns.compile(r"[¼½¾⅐-⅞]")


class Fractions(Value, frozen=True, kw_only=True):
    """The fractions of a text with how they are written; `parts` are the numbers of those with a slash.

    `rest` is the text without those in digits.
    """

    in_digits: dict[Fraction, str]
    in_words: dict[Fraction, str]
    parts: frozenset[int]
    rest: str

    @property
    def every(self) -> frozenset[Fraction]:
        """Every fraction, however it is written."""
        return frozenset(self.in_digits) | frozenset(self.in_words)


def fractions(text: str, words: Words) -> Fractions:
    """Read the fractions below 1 of a text whose digits are ASCII; `2½` holds the number 2 and a half."""
    found: dict[Fraction, str] = {}
    parts: set[int] = set()

    def take(match: patterns.Match) -> str:
        above, below = int(match.group(1)), int(match.group(2))
        if not 0 < above < below:
            return match.group()
        found.setdefault(Fraction(above, below), match.group())
        parts.update((above, below))
        return " " * len(match.group())

    rest = _SLASHED.sub(take, text) if "/" in text or "\u2044" in text else text
    for sign in _VULGAR.findall(rest):
        found.setdefault(Fraction(unicodedata.numeric(sign)).limit_denominator(10), sign)
    return Fractions(in_digits=found, in_words=dict(_named(words)), parts=frozenset(parts), rest=rest)


def _named(words: Words) -> Iterator[tuple[Fraction, str]]:
    for term in _terms().find(words):
        yield Fraction(1, int(term.name[1:])), term.text


@cache
def _terms() -> Terms:
    return Terms(_WORDS)

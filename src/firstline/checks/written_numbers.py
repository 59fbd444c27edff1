"""The numbers of a running text, each with everything it can mean, so that two languages can be compared.

Unlike the amounts of `firstline.values` these may stand inside words, times, scores and dates (`1930s`, `2pm`, `1-0`):
in a translation every digit matters, wherever it stands.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Set
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from firstline import patterns
from firstline.checks.language import likely_languages
from firstline.checks.lexicon import PERCENT, Lexicon, lexicon
from firstline.checks.number_words import may_name_month_or_scale, scale_at, values_in_words
from firstline.checks.surroundings import Surroundings, says_minus, says_percent, surroundings
from firstline.interruption import asking
from firstline.types import Value
from firstline.values.numbers import read_number
from firstline.values.texts import fold_words

_SPACE = "\u0020\u00a0\u202f\u2009"
_FIGURES = patterns.compile(r"\d+[\d.,]*")
_DIGITS = patterns.compile(r"\d+")
_MYRIAD = patterns.compile(r"(\d[\d.,]*)\s?([億亿억万萬만千]?)")
_NUMBER = patterns.compile(
    rf"""\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:[.,]\d+)?(?!\d)
       | \d{{1,3}}(?:['’٬]\d{{3}})+(?:\.\d+)?(?!\d)
       | \d+(?:[.,٫:]\d+)*""",
    patterns.VERBOSE,
)
_MYRIADS = patterns.compile(r"(?<!\d)(?:\d[\d.,]{0,18}\s?[億亿억万萬만千]\s?){1,4}\d{0,12}")
_CJK_MONTH = patterns.compile(r"(?<!\d)(1[0-2]|[1-9])\s?[月월]")
_POWER = patterns.compile(r"(\d\s?[kcdm]?m)([23²³])(?![\w²³])")
_POWERS = {"2": "²", "3": "³"}
"""`m2` and `m²` are one unit, and hold no number."""
_LARGE = 10**6
_NO_HOUR = Decimal(99)
Time = tuple[Decimal, ...]
"""An hour, and minutes unless there are none."""
_SHOWN = 24
"""Characters of what stands behind a number that a reason shows."""


class Number(Value, frozen=True, kw_only=True):
    """A number as written, every value it can have, and the digit groups it is made of (`7.55` is 7 and 55).

    `plain` are the values without what multiplies the number or makes it a time of the afternoon, `plain_hour` is its
    first group without the latter.
    """

    text: str
    readings: frozenset[Decimal]
    plain: frozenset[Decimal]
    groups: tuple[Decimal, ...]
    plain_hour: Decimal
    around: Surroundings
    shown: str

    @property
    def written(self) -> Time:
        """The hour and the minutes as they are written; a full hour has none."""
        return (min(self.plain_hour, _NO_HOUR), *(group for group in self.groups[1:] if group))

    @property
    def times(self) -> tuple[Time, ...]:
        """The times of the day that it can be."""
        return tuple((Decimal(hour), *self.written[1:]) for hour in self.around.hours) or (self.written,)


class Numbers:
    """All numbers of a text, digits of every script among them; each view is made when first asked for."""

    def __init__(
        self,
        text: str,
        *,
        fractions: Set[Fraction] = frozenset(),
        parts: Set[int] = frozenset(),
        told: Set[tuple[int, int]] = frozenset(),
    ) -> None:
        """`fractions` and the times in `told` stand in the text too; `parts` are the numbers that they are made of."""
        self._text = text
        self.fractions = fractions
        self.told = told
        self._parts = frozenset(map(Decimal, parts))

    @cached_property
    def found(self) -> tuple[Number, ...]:
        """The numbers in digits, in order; of those that look alike, with what stands around them, the first."""
        plain = self._plain
        unlike: dict[tuple[str, Surroundings], Number] = {}
        for number in _numbers(plain, self.lexicon) if _DIGITS.search(plain) else ():
            unlike.setdefault((number.text, number.around), number)
        return tuple(unlike.values())

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words of the languages that the text may be in."""
        return lexicon(likely_languages(self._text))

    @cached_property
    def scales(self) -> frozenset[int]:
        """The factors that some word of the text has."""
        named = self.lexicon.scales.anywhere(self._words)
        places = asking(range(len(self._words)))
        common = (factor for at in places for factor in scale_at(" ".join(self._words[at : at + 2])).factors)
        return frozenset(one for one in (*named, *common) if isinstance(one, int))

    @cached_property
    def hours(self) -> frozenset[int]:
        """The hours of the day that some word of the text names a part of."""
        spans = self.lexicon.periods.anywhere(self._words)
        return frozenset(hour % 24 for span in spans if isinstance(span, tuple) for hour in range(*span))

    @cached_property
    def named_scales(self) -> dict[int, str]:
        """The factors from a million on that words of the text's own language name, with the word."""
        found: dict[int, str] = {}
        for at, word in enumerate(asking(self._words) if self._may_name else ()):
            for factor in self.lexicon.scales.first(self._words[at : at + 3]).found:
                if isinstance(factor, int) and factor >= _LARGE:
                    found.setdefault(factor, word)
        return found

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that words of the text name, `3月` among them."""
        words = self.lexicon.months.anywhere(self._words) if self._may_name else ()
        named = {month for month in words if isinstance(month, int)}
        return frozenset(named | {int(month) for month in _CJK_MONTH.findall(self._plain)})

    @cached_property
    def _may_name(self) -> bool:
        """Say whether it is worth to look for months and large numbers in words; with digits the language is known."""
        return bool(self.found) or may_name_month_or_scale(self._text)

    @cached_property
    def has_percent(self) -> bool:
        """Say whether a word or sign for percent stands anywhere."""
        return says_percent(self._text) or PERCENT in self.lexicon.measures.anywhere(self._words)

    @cached_property
    def has_minus(self) -> bool:
        """Say whether a word for minus stands anywhere."""
        return says_minus(self._text)

    @cached_property
    def _plain(self) -> str:
        powers = [match.start(2) for match in _POWER.finditer(self._text)]
        plain = list(map(_plain, self._text))
        for at in powers:
            plain[at] = _POWERS.get(self._text[at], self._text[at])
        return "".join(plain)

    @cached_property
    def _words(self) -> list[str]:
        return fold_words(self._text)

    @cached_property
    def in_words(self) -> frozenset[int]:
        """The numbers that the words of the text may stand for."""
        return values_in_words(self._text)

    @cached_property
    def readings(self) -> frozenset[Decimal]:
        """Every value that some number of the text can have."""
        return frozenset(value for number in self.found for value in number.readings)

    @cached_property
    def groups(self) -> frozenset[Decimal]:
        """Every run of digits by itself."""
        return frozenset(value for number in self.found for value in number.groups) | self._parts

    @cached_property
    def digits(self) -> str:
        """All digits of the text in a row, for numbers that are grouped differently (telephone numbers)."""
        return "".join(filter(str.isdigit, self._plain))

    @cached_property
    def around(self) -> dict[Decimal, set[Surroundings]]:
        """What stands around the numbers that can have a value."""
        found: dict[Decimal, set[Surroundings]] = {}
        for number in self.found:
            for value in number.readings:
                found.setdefault(value, set()).add(number.around)
        return found

    @cached_property
    def unscaled(self) -> frozenset[Decimal]:
        """The values in digits of the numbers that no word multiplies."""
        return frozenset(value for number in self.found if not number.around.scaled for value in number.plain)

    @cached_property
    def times(self) -> frozenset[Time]:
        """The times of the day that the numbers can be, in 24 hours where their half is told."""
        return frozenset(time for number in self.found for time in number.times)

    @cached_property
    def told_times(self) -> dict[Time, set[bool]]:
        """The times whose half is told, by 24 hours and as they are written, with their halves (True: from noon on)."""
        found: dict[Time, set[bool]] = {}
        for number in self.found:
            for hour in number.around.hours:
                for time in (*number.times, number.written):
                    found.setdefault(time, set()).add(hour >= 12)
        return found

    @cached_property
    def of_years(self) -> frozenset[Decimal]:
        """What the years of the text may be called: `30` and `20` (the century) for 1930."""
        years = [year for year in self.readings if 1400 <= year <= 2099 and year == year.to_integral_value()]
        return frozenset(said for year in years for said in (year % 100, year // 100 + 1))


def _numbers(text: str, words: Lexicon) -> Iterator[Number]:
    whole: list[Number] = []

    def take(match: patterns.Match) -> str:
        if len(_FIGURES.findall(match.group())) < 2:
            return match.group()
        value = frozenset({_myriads(match.group())})
        around = surroundings(text, match.start(), match.end(), (), words)
        whole.append(
            Number(
                text=match.group(),
                readings=value,
                plain=value,
                groups=tuple(value),
                plain_hour=_NO_HOUR,
                around=around,
                shown=_shown(text, match.start(), match.end()),
            )
        )
        return " " * len(match.group())

    rest = _MYRIADS.sub(take, text)
    yield from (_number(text, match, words) for match in _NUMBER.finditer(rest))
    yield from whole


def _number(text: str, match: patterns.Match, words: Lexicon) -> Number:
    written = match.group()
    groups = tuple(Decimal(group) for group in _DIGITS.findall(written))
    plain = frozenset(read_number(written.replace("٫", ".").replace("٬", "")))
    around = surroundings(text, match.start(), match.end(), [min(int(group), 10**6) for group in groups], words)
    readings, plain_hour = plain, groups[0]
    if around.scales:
        scaled = frozenset(value * factor for value in plain for factor in around.scales)
        readings = scaled if around.scaled else plain | scaled
    elif around.hours:
        readings = frozenset(value - groups[0] + hour for value in plain for hour in around.hours)
        groups = (Decimal(min(around.hours)), *groups[1:])
    return Number(
        text=written,
        readings=readings,
        plain=plain,
        groups=groups,
        plain_hour=plain_hour,
        around=around,
        shown=_shown(text, match.start() - around.negative, match.end()),
    )


def _shown(text: str, start: int, end: int) -> str:
    """Return a number with the currency before it and the words behind it."""
    lead = start - 1 if start > 0 and text[start - 1] in "$€£¥₹" else max(start, 0)
    behind = text[end : end + _SHOWN]
    if len(behind) == _SHOWN:
        behind = behind.rpartition(" ")[0] or behind
    return " ".join((text[lead:end] + behind).split())


def _myriads(text: str) -> Decimal:
    """Read `2万6750` or `1億2,500万` as one number."""
    total = Decimal(0)
    for digits, unit in _MYRIAD.findall(text):
        factor = {"": 1, "千": 10**3}.get(unit, 10**8 if unit in "億亿억" else 10**4)
        total += (read_number(digits.strip(".,")) or (Decimal(0),))[0] * factor
    return total


def with_ascii_digits(text: str) -> str:
    """Write the decimal digits of every script as ASCII; each character keeps its place."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _plain(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdigit() and not char.isascii() else None
    return char if digit is None else str(digit)

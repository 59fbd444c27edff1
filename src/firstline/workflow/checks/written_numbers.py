"""The numbers of a running text, each with everything it can mean, so that two languages can be compared.

Unlike the amounts of `firstline.values` these may stand inside words, times, scores and dates (`1930s`, `2pm`, `1-0`):
in a translation every digit matters, wherever it stands.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, cached_property

from firstline import patterns
from firstline.types import Value
from firstline.values.numbers import read_number
from firstline.workflow.checks.number_words import scales, values_in_words

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
_AFTERNOON = patterns.compile(r"\s?(?:p\.?\s?m\b|uhr\s(?:nachmittags|abends))", patterns.IGNORECASE)


class Number(Value, frozen=True, kw_only=True):
    """A number as written, every value it can have, and the digit groups it is made of (`7.55` is 7 and 55)."""

    text: str
    readings: frozenset[Decimal]
    groups: tuple[Decimal, ...]


class Numbers:
    """All numbers of a text, digits of every script among them; each view is made when first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def found(self) -> tuple[Number, ...]:
        """The numbers in digits, in order."""
        return tuple(_numbers("".join(map(_plain, self._text))))

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
        return frozenset(value for number in self.found for value in number.groups)

    @cached_property
    def digits(self) -> str:
        """All digits of the text in a row, for numbers that are grouped differently (telephone numbers)."""
        return "".join(char for number in self.found for char in number.text if char.isdigit())

    @cached_property
    def of_years(self) -> frozenset[Decimal]:
        """What the years of the text may be called: `30` and `20` (the century) for 1930."""
        years = [year for year in self.readings if 1400 <= year <= 2099 and year == year.to_integral_value()]
        return frozenset(said for year in years for said in (year % 100, year // 100 + 1))


def missing(wanted: Numbers, there: Numbers) -> tuple[str, ...]:
    """Give the numbers of one text that the other does not have in any form, each once, in order."""
    regrouped = len(wanted.digits) >= 7 and wanted.digits in there.digits
    lost = [
        number.text
        for number in wanted.found
        if not _has(there, number) and not (regrouped and _is_part_of_a_row(number))
    ]
    return tuple(dict.fromkeys(lost))


def _has(there: Numbers, number: Number) -> bool:
    if number.readings & there.readings:
        return True
    if all(_has_group(there, group) or (len(number.groups) > 1 and _in_words(group, there)) for group in number.groups):
        return True
    return any(_in_words(value, there) or _of_a_year(value, there) for value in number.readings)


def _has_group(there: Numbers, group: Decimal) -> bool:
    return group in there.readings or group in there.groups


def _numbers(text: str) -> Iterator[Number]:
    whole: list[str] = []

    def take(match: patterns.Match) -> str:
        if len(_FIGURES.findall(match.group())) < 2:
            return match.group()
        whole.append(match.group())
        return " " * len(match.group())

    text = _MYRIADS.sub(take, text)
    for match in _NUMBER.finditer(text):
        written = match.group()
        groups = tuple(Decimal(group) for group in _DIGITS.findall(written))
        readings = set(read_number(written.replace("٫", ".").replace("٬", "")))
        after = text[match.end() : match.end() + 16]
        factors = _scales(after)
        if factors:
            readings |= {value * factor for value in readings for factor in factors}
        elif match.end() < len(text) and _AFTERNOON.match(after):
            readings |= {value + 12 for value in readings if value < 12}
            groups = (groups[0] + 12 if groups[0] < 12 else groups[0], *groups[1:])
        yield Number(text=written, readings=frozenset(readings), groups=groups)
    yield from map(_myriad, whole)


def _myriad(text: str) -> Number:
    """Read `2万6750` or `1億2,500万` as one number."""
    total = Decimal(0)
    for digits, unit in _MYRIAD.findall(text):
        factor = {"": 1, "千": 10**3}.get(unit, 10**8 if unit in "億亿억" else 10**4)
        total += (read_number(digits.strip(".,")) or (Decimal(0),))[0] * factor
    return Number(text=text, readings=frozenset({total}), groups=(total,))


@cache
def _scale_pattern() -> patterns.Pattern:
    ordered = sorted(scales(), key=len, reverse=True)
    signs = "|".join(patterns.escape(word) for word in ordered if _unspaced(word))
    words = "|".join(patterns.escape(word) for word in ordered if not _unspaced(word))
    return patterns.compile(rf"[\s\-]{{0,2}}(?:de\s)?(?P<word>{signs}|(?:{words})(?![^\W_]))", patterns.IGNORECASE)


def _scales(after: str) -> tuple[int, ...]:
    match = _scale_pattern().match(after)
    return scales()[match.group("word").lower()] if match else ()


def _unspaced(word: str) -> bool:
    return any("\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in word)


def _plain(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdigit() and not char.isascii() else None
    return char if digit is None else str(digit)


def _in_words(value: Decimal, there: Numbers) -> bool:
    return value < 10_000 and value == value.to_integral_value() and int(value) in there.in_words


def _is_part_of_a_row(number: Number) -> bool:
    """Say whether there are digits enough for a part of a longer row, as telephone numbers have them."""
    return sum(map(str.isdigit, number.text)) >= 3


def _of_a_year(value: Decimal, there: Numbers) -> bool:
    """Say whether a year stands there in another form: `1930s`, `die 30er`, `八十年代`, `20世紀30年代`."""
    if value > 2099 or value != value.to_integral_value():
        return False
    if 1900 <= value <= 2099:
        return value % 100 in there.readings or (
            value >= 1920 and value % 10 == 0 and int(value % 100) in there.in_words
        )
    return value in there.of_years

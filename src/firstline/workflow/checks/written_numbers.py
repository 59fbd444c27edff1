"""The numbers of a running text, each with everything it can mean, so that two languages can be compared.

Unlike the amounts of `firstline.values` these may stand inside words, times, scores and dates (`1930s`, `2pm`, `1-0`):
in a translation every digit matters, wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from firstline.types import Value
from firstline.values import read_number
from firstline.workflow.checks.number_words import scales, values_in_words

_SPACE = "\u0020\u00a0\u202f\u2009"
_NUMBER = re.compile(
    rf"""\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:[.,]\d+)?(?!\d)
       | \d{{1,3}}(?:['’٬]\d{{3}})+(?:\.\d+)?(?!\d)
       | \d+(?:[.,٫:]\d+)*""",
    re.VERBOSE,
)
_AFTERNOON = re.compile(r"\s?(?:p\.?\s?m\b|uhr\s(?:nachmittags|abends))", re.IGNORECASE)


class Number(Value, frozen=True, kw_only=True):
    """A number as written, every value it can have, and the digit groups it is made of (`7.55` is 7 and 55)."""

    text: str
    readings: frozenset[Decimal]
    groups: tuple[Decimal, ...]


class Numbers(Value, frozen=True, kw_only=True):
    """All numbers of a text; `in_words` are those that its words may stand for."""

    found: tuple[Number, ...]
    in_words: frozenset[int]

    @property
    def readings(self) -> frozenset[Decimal]:
        """Every value that some number of the text can have."""
        return frozenset(value for number in self.found for value in number.readings)

    @property
    def groups(self) -> frozenset[Decimal]:
        """Every run of digits by itself."""
        return frozenset(value for number in self.found for value in number.groups)

    @property
    def digits(self) -> str:
        """All digits of the text in a row, for numbers that are grouped differently (telephone numbers)."""
        return "".join(char for number in self.found for char in number.text if char.isdigit())


def numbers(text: str) -> Numbers:
    """Read the numbers of a text; digits of every script count, full-width ones too."""
    plain = "".join(_plain(char) for char in text)
    return Numbers(found=tuple(_numbers(plain)), in_words=values_in_words(text))


def missing(wanted: Numbers, there: Numbers) -> tuple[str, ...]:
    """Give the numbers of one text that the other does not have in any form, each once, in order."""
    readings, groups = there.readings, there.groups
    lost = [
        number.text
        for number in wanted.found
        if not (number.readings & readings)
        and not all(group in readings or group in groups for group in number.groups)
        and not any(_in_words(value, there.in_words) for value in number.readings)
        and not _regrouped(number, wanted, there)
        and not any(_short_year(value, readings) for value in number.readings)
    ]
    return tuple(dict.fromkeys(lost))


def _numbers(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        written = match.group()
        groups = tuple(Decimal(group) for group in re.findall(r"\d+", written))
        readings = set(read_number(written.replace("٫", ".").replace("٬", ""))) or set(groups)
        after = text[match.end() : match.end() + 16]
        factor = _scale(after)
        if factor is not None:
            readings |= {value * factor for value in readings}
        elif match.end() < len(text) and _AFTERNOON.match(after):
            readings |= {value + 12 for value in readings if value < 12}
            groups = (groups[0] + 12 if groups[0] < 12 else groups[0], *groups[1:])
        yield Number(text=written, readings=frozenset(readings), groups=groups)
    yield from _myriads(text)


def _myriads(text: str) -> Iterator[Number]:
    """Read `2万6750` and `1億2000万` as one number each, beside their parts."""
    for match in re.finditer(r"(?:\d[\d.,]*\s?[億亿억万萬만千]\s?)+\d*", text):
        total = Decimal(0)
        for digits, unit in re.findall(r"(\d[\d.,]*)\s?([億亿억万萬만千]?)", match.group()):
            factor = {"": 1, "千": 10**3}.get(unit, 10**8 if unit in "億亿억" else 10**4)
            total += (read_number(digits.strip(".,")) or (Decimal(0),))[-1] * factor
        parts = tuple(Decimal(group) for group in re.findall(r"\d+", match.group()))
        yield Number(text=match.group(), readings=frozenset({total, *parts}), groups=parts)


@cache
def _scale_pattern() -> re.Pattern[str]:
    signs = "|".join(re.escape(word) for word, _ in scales() if _unspaced(word))
    words = "|".join(re.escape(word) for word, _ in scales() if not _unspaced(word))
    return re.compile(rf"[\s\-]{{0,2}}(?:de\s)?(?P<word>{signs}|(?:{words})(?![^\W_]))", re.IGNORECASE)


def _scale(after: str) -> int | None:
    match = _scale_pattern().match(after)
    return dict(scales())[match.group("word").lower()] if match else None


def _unspaced(word: str) -> bool:
    return any("\u3000" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in word)


def _plain(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdigit() and not char.isascii() else None
    return char if digit is None else str(digit)


def _in_words(value: Decimal, in_words: frozenset[int]) -> bool:
    return value == value.to_integral_value() and int(value) in in_words


def _regrouped(number: Number, wanted: Numbers, there: Numbers) -> bool:
    """Say whether the digits stand in the other text within a longer run, as telephone numbers do."""
    digits = "".join(char for char in number.text if char.isdigit())
    return len(digits) >= 3 and len(wanted.digits) >= 7 and digits in there.digits and wanted.digits in there.digits


def _short_year(value: Decimal, readings: frozenset[Decimal]) -> bool:
    """Say whether a year stands there with two digits (`1930s`, `die 30er`) or a short one with four."""
    if 1900 <= value <= 2099:
        return value % 100 in readings
    return value == value.to_integral_value() and 0 <= value <= 99 and bool({1900 + value, 2000 + value} & readings)

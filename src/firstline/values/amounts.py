"""Amounts of money and other numbers as people write them, found in a text."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal

from firstline import patterns
from firstline.pieces import LONGEST, pieces
from firstline.types import Json
from firstline.values.currencies import CURRENCIES
from firstline.values.dates import find_dates
from firstline.values.numbers import read_number
from firstline.values.place import Found, moved


class Amount(Found, frozen=True, kw_only=True):
    """A number in a text. `value` is the likeliest reading, `readings` all of them (`1.234` is 1.234 or 1234)."""

    value: Decimal
    readings: tuple[Decimal, ...]
    decimals: int
    currency: str | None = None
    percent: bool = False


_CURRENCY = "|".join(sorted((patterns.escape(sign) for sign in CURRENCIES), key=len, reverse=True))
_ANY_DIGIT = patterns.compile(r"\d")
_PERCENT = patterns.compile(r"\s?%")
_CENTS = patterns.compile(r"[.,]\d\d$")
_TAX_CODE = patterns.compile(r"[A-Z]{1,2}(?![\w])")
_MINUS_BEHIND = patterns.compile(r"\s?-(?![\w-])")
_BEFORE = patterns.compile(rf"(?:^|(?<=[^A-Za-z]))({_CURRENCY})\s{{0,3}}[:.]?\s{{0,2}}[-+(]?\s?$", patterns.IGNORECASE)
_AFTER = patterns.compile(rf"\s{{0,2}}({_CURRENCY})(?![A-Za-z])", patterns.IGNORECASE)
_SIGN_CHARS = 8
"""Blanks, a currency sign and the character behind it."""
_SPACE = "\u0020\u00a0\u202f\u2009"
_NUMBER = patterns.compile(
    rf"""(?<![\w.,])                      # not inside a word or a longer number
    (?:(?<=\()|[-+\u2212])?\s?            # a sign
    (?P<body>
        \d{{1,4}}[ ]\.\d\d(?!\d)                                  # 12 .50, as OCR has it
      | \d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?:[.,]\d{{1,3}})?(?!\d)   # 1 234,50
      | \d{{1,3}}(?:['’]\d{{3}})+(?:[.,]\d{{1,3}})?(?!\d)         # 1'234.50
      | \d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,4}})?(?!\d)              # 1,234.50
      | \d{{1,3}}(?:\.\d{{3}})+(?:,\d{{1,4}})?(?!\d)              # 1.234,50
      | \d+(?:[.,]\d+)?                                           # 1234.50
      | [.,]\d{{1,2}}(?!\d)                                       # .50
    )""",
    patterns.VERBOSE,
)
_GLUED = patterns.compile(rf"(?i)(?:{_CURRENCY})(?=[-+]?\d)")


def find_amounts(text: str) -> list[Amount]:
    """Find the numbers of a text from left to right, with sign, decimals and the currency beside them.

    Digits inside a word (`TD0116`), a time (`8:13`) or a date are no amounts; a currency sign may be glued (`RM9.00`).
    """
    if len(text) > LONGEST:
        return [moved(amount, at) for at, piece in pieces(text) for amount in find_amounts(piece)]
    found: list[Amount] = []
    if _ANY_DIGIT.search(text) is None:
        return found
    days = find_dates(text)
    begins = [day.start for day in days]
    for match in _NUMBER.finditer(_unglue(text)):
        start, end = match.start("body"), match.end("body")
        before_end = bisect_left(begins, end)
        if before_end and days[before_end - 1].end > start:
            continue
        after = text[end : end + 2]
        before = text[start - 1] if start else ""
        if after[:1].isalnum() and not _AFTER.match(text[end : end + _SIGN_CHARS]) and not _tax_code(text, start, end):
            continue
        if (after[:1] == ":" and after[1:2].isdigit()) or (before == ":" and start > 1 and text[start - 2].isdigit()):
            continue
        readings = read_number(match.group("body"))
        if not readings:
            continue
        negative = _negative(text, match.start(), start, end)
        if negative:
            readings = tuple(-value for value in readings)
        found.append(
            Amount(
                value=readings[0],
                readings=readings,
                text=text[start:end],
                start=start,
                end=end,
                decimals=_decimals(readings[0]),
                currency=_currency(text, start, end),
                percent=bool(_PERCENT.match(text[end : end + 2])),
            )
        )
    return found


def parse_amount(value: Json) -> tuple[Decimal, ...]:
    """Give the readings of a value that is meant as one amount: a JSON number, or a text such as `RM 1,234.50`."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return (number,) if number.is_finite() else ()
    if isinstance(value, str):
        found = find_amounts(value)
        return found[0].readings if len(found) == 1 else ()
    return ()


def _unglue(text: str) -> str:
    """Replace letters of a glued currency sign by blanks, keeping every position (`RM9.00` → `  9.00`)."""
    return _GLUED.sub(lambda match: " " * len(match.group()), text)


def _tax_code(text: str, start: int, end: int) -> bool:
    """Say whether the letters glued to an amount are a till's tax code (`80.90SR`, `8,83A`)."""
    return bool(_CENTS.search(text[start:end]) and _TAX_CODE.match(text[end : end + 3]))


def _negative(text: str, sign_at: int, start: int, end: int) -> bool:
    lead = text[max(0, sign_at) : start]
    if "-" in lead or "\u2212" in lead:
        return not (sign_at > 0 and text[sign_at - 1].isalnum())
    if _MINUS_BEHIND.match(text[end : end + 3]):
        return True
    return text[max(0, start - 1) : start] == "(" and text[end : end + 1] == ")" and "." in text[start:end]


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _currency(text: str, start: int, end: int) -> str | None:
    before = _BEFORE.search(text[max(0, start - 12) : start])
    if before:
        return CURRENCIES[before.group(1).lower()]
    after = _AFTER.match(text[end : end + _SIGN_CHARS])
    return CURRENCIES[after.group(1).lower()] if after else None

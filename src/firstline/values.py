"""Values as people write them: amounts of money, dates and folded text, found in a source and compared by meaning.

Pure functions without settings. What they fold is written out in `docs/concepts/checks.md` and tested; checks,
evaluation and the extraction's candidates all stand on them, so that a value means the same everywhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from firstline import patterns
from firstline.normal_form import normalized
from firstline.pieces import LONGEST, pieces
from firstline.types import Json, Value


class Amount(Value, frozen=True, kw_only=True):
    """A number in a text. `value` is the likeliest reading, `readings` all of them (`1.234` is 1.234 or 1234)."""

    value: Decimal
    readings: tuple[Decimal, ...]
    text: str
    start: int
    end: int
    decimals: int
    currency: str | None = None
    percent: bool = False


class DateFound(Value, frozen=True, kw_only=True):
    """A date in a text with every day it can mean: `03/04/2018` is 3 April (first) or 4 March."""

    readings: tuple[date, ...]
    text: str
    start: int
    end: int


_Found = TypeVar("_Found", Amount, DateFound)

CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "$": "USD", "usd": "USD", "us$": "USD", "£": "GBP", "gbp": "GBP",
    "rm": "MYR", "myr": "MYR", "chf": "CHF", "sfr": "CHF", "¥": "JPY", "jpy": "JPY", "rs": "INR", "₹": "INR",
    "inr": "INR", "sgd": "SGD", "s$": "SGD", "aud": "AUD", "a$": "AUD", "cad": "CAD", "c$": "CAD", "zł": "PLN",
    "zl": "PLN", "pln": "PLN", "kr": "SEK", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "kč": "CZK", "czk": "CZK",
    "rp": "IDR", "idr": "IDR", "php": "PHP", "₱": "PHP", "฿": "THB", "thb": "THB", "₩": "KRW", "krw": "KRW",
    "hk$": "HKD", "hkd": "HKD", "r$": "BRL", "brl": "BRL", "zar": "ZAR", "₺": "TRY", "try": "TRY", "tl": "TRY",
    "cny": "CNY", "rmb": "CNY", "元": "CNY", "₽": "RUB", "rub": "RUB", "nzd": "NZD", "mxn": "MXN", "huf": "HUF",
}  # fmt: skip
"""Signs and codes of currencies, in lower case, with their ISO 4217 code."""

_CURRENCY = "|".join(sorted((patterns.escape(sign) for sign in CURRENCIES), key=len, reverse=True))
_ANY_DIGIT = patterns.compile(r"\d")
_WORD = patterns.compile(r"[^\W_]+")
_PERCENT = patterns.compile(r"\s?%")
_FIGURES = patterns.compile(r"[-+]?[\d.,]*\d[\d.,]*")
_SIGNS = patterns.compile(r"[.,]")
_CENTS = patterns.compile(r"[.,]\d\d$")
_TAX_CODE = patterns.compile(r"[A-Z]{1,2}(?![\w])")
_MINUS_BEHIND = patterns.compile(r"\s?-(?![\w-])")
_BEFORE = patterns.compile(rf"(?:^|(?<=[^A-Za-z]))({_CURRENCY})\s{{0,3}}[:.]?\s{{0,2}}[-+(]?\s?$", patterns.IGNORECASE)
_AFTER = patterns.compile(rf"\s{{0,2}}({_CURRENCY})(?![A-Za-z])", patterns.IGNORECASE)
_SIGN_CHARS = 8
"""Blanks, a currency sign and the character behind it."""
_SPACE = "\u0020\u00a0\u202f\u2009"
_BLANKS = patterns.compile(rf"[{_SPACE}'’]")
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

_MONTHS = {
    1: "january jan januar jän jänner janvier janv enero ene gennaio gen januari janeiro styczeń stycznia sty",
    2: "february feb februar février fevrier févr fevr fév febrero febbraio febbr februari fevereiro fev luty lutego",
    3: "march mar märz maerz mär mrz mars marzo maart mrt março marco marzec marca",
    4: "april apr avril avr abril abr aprile kwiecień kwietnia kwi",
    5: "may mai mayo maggio mag mei maio maj maja",
    6: "june jun juni juin junio giugno giu junho czerwiec czerwca cze",
    7: "july jul juli juillet juil julio luglio lug julho lipiec lipca lip",
    8: "august aug août aout agosto ago augustus sierpień sierpnia sie",
    9: "september sep sept septembre septiembre settembre set setembro wrzesień września wrz",
    10: "october oct oktober okt octobre octubre ottobre ott outubro out październik października paź",
    11: "november nov novembre noviembre novembro listopad listopada lis",
    12: "december dec dezember dez décembre decembre déc diciembre dic dicembre desember dezembro grudzień grudnia gru",
}
_MONTH_OF = {name: number for number, names in _MONTHS.items() for name in names.split()}
_NAME = "|".join(sorted(map(patterns.escape, _MONTH_OF), key=len, reverse=True))
_END = r"(?=$|[^\d]|\d{1,2}:\d\d)"  # a receipt often glues the time to the year: 25/12/20188:13
_YEAR = r"(?P<y>(?:19|20)\d\d|\d\d(?!\d\d?\b))"


def _between(name: str) -> str:
    """A number between two signs that are the same; its group is the name and the place of the sign."""
    return "|".join(rf"{sign}\s?(?P<{name}{place}>\d{{1,2}})\s?{sign}" for place, sign in enumerate(("-", "/", r"\.")))


_DATES = (
    patterns.compile(rf"(?<!\d)(?P<y>(?:19|20)\d\d)\s?(?:{_between('m')})\s?(?P<d>\d{{1,2}})(?!\d)"),
    patterns.compile(rf"(?<![\d.,/-])(?P<a>\d{{1,2}})\s?(?:{_between('b')})\s?{_YEAR}{_END}"),
    patterns.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.|º)?[\s\-/.,']{{0,2}}(?:de\s+|of\s+)?(?P<name>{_NAME})(?![a-z])"
        rf"[\s\-/.,']{{0,3}}(?:de[l]?\s+)?{_YEAR}{_END}",
        patterns.IGNORECASE,
    ),
    patterns.compile(
        rf"(?<![a-z])(?P<name>{_NAME})(?![a-z])[\s\-/.]{{0,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?,\s?|[\s\-/]+)"
        rf"{_YEAR}{_END}",
        patterns.IGNORECASE,
    ),
    patterns.compile(
        rf"(?<!\d)(?P<y>(?:19|20)\d\d)[\s\-/.]{{1,2}}(?P<name>{_NAME})[\s\-/.]{{1,2}}(?P<d>\d{{1,2}})(?!\d)",
        patterns.IGNORECASE,
    ),
    patterns.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)"),
    patterns.compile(r"(?P<y>(?:19|20)\d\d)\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日"),
)


def fold(text: str) -> str:
    """Fold case, width, spacing and punctuation: NFKC, case-folded, letters and digits only."""
    return "".join(char for char in normalized("NFKC", text).casefold() if char.isalnum())


def fold_words(text: str) -> list[str]:
    """Split into words, each folded; punctuation inside a word (`a.b`) splits it."""
    flat = normalized("NFKC", text).casefold()
    return _WORD.findall(flat)


def find_amounts(text: str) -> list[Amount]:
    """Find the numbers of a text from left to right, with sign, decimals and the currency beside them.

    Digits inside a word (`TD0116`), a time (`8:13`) or a date are no amounts; a currency sign may be glued (`RM9.00`).
    """
    if len(text) > LONGEST:
        return [_moved(amount, at) for at, piece in pieces(text) for amount in find_amounts(piece)]
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


def read_number(text: str) -> tuple[Decimal, ...]:
    """Give the readings of one written number, likeliest first; empty where it is none.

    Two different separators: the last one is the decimal sign. One separator once with three digits after it is
    ambiguous (`1.234`, `1,234`): thousands first. Repeated: thousands.
    """
    body = _BLANKS.sub("", text.strip())
    if not _FIGURES.fullmatch(body):
        return ()
    commas, dots = body.count(","), body.count(".")
    candidates: list[str] = []
    if commas and dots:
        last = max(body.rfind(","), body.rfind("."))
        candidates = [_SIGNS.sub("", body[:last]) + "." + body[last + 1 :]]
    elif commas + dots == 1:
        sign = "," if commas else "."
        whole, _, rest = body.partition(sign)
        decimal, joined = f"{whole or '0'}.{rest}", whole + rest
        candidates = [joined, decimal] if len(rest) == 3 and 1 <= len(whole.lstrip("+-")) <= 3 else [decimal]
        if len(rest) == 3 and whole.lstrip("+-") == "0":
            candidates = [decimal]
    else:
        candidates = [_SIGNS.sub("", body)]
    values = []
    for candidate in candidates:
        try:
            values.append(Decimal(candidate.rstrip(".") or "x"))
        except InvalidOperation:
            continue
    return tuple(dict.fromkeys(values))


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


def find_dates(text: str) -> list[DateFound]:
    """Find the calendar dates of a text from left to right; overlapping finds go to the longest."""
    if len(text) > LONGEST:
        return [_moved(day, at) for at, piece in pieces(text) for day in find_dates(piece)]
    if _ANY_DIGIT.search(text) is None:
        return []
    found = [day for pattern in _DATES for match in pattern.finditer(text) if (day := _date(match)) is not None]
    found.sort(key=lambda day: (day.start, day.start - day.end))
    kept: list[DateFound] = []
    for day in found:
        if not kept or day.start >= kept[-1].end:
            kept.append(day)
        elif day.end - day.start > kept[-1].end - kept[-1].start:
            kept[-1] = day
    return kept


def parse_dates(value: Json) -> tuple[date, ...]:
    """Give every day that a text meant as one date can be; empty where it is none or several."""
    found = find_dates(value) if isinstance(value, str) else []
    return found[0].readings if len(found) == 1 else ()


def same_amount(left: Json, right: Json) -> bool:
    """Say whether two values can be the same amount."""
    return bool(set(parse_amount(left)) & set(parse_amount(right)))


def same_date(left: Json, right: Json) -> bool:
    """Say whether two values can be the same day."""
    return bool(set(parse_dates(left)) & set(parse_dates(right)))


def same_text(left: Json, right: Json) -> bool:
    """Say whether two texts are the same with case, spacing and punctuation folded."""
    if not isinstance(left, str) or not isinstance(right, str):
        return bool(left == right)
    return fold(left) == fold(right)


def _moved(found: _Found, by: int) -> _Found:
    """Put what was found in a piece at its place in the text."""
    return msgspec.structs.replace(found, start=found.start + by, end=found.end + by)


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


def _date(match: patterns.Match) -> DateFound | None:
    groups = {name.rstrip("012"): text for name, text in match.groupdict().items() if text is not None}
    year = int(groups["y"])
    if len(groups["y"]) == 2:
        year += 2000 if year < 70 else 1900
    readings = tuple(dict.fromkeys(_days(year, groups)))
    if not readings:
        return None
    return DateFound(readings=readings, text=match.group(), start=match.start(), end=match.end())


def _days(year: int, groups: dict[str, str]) -> Iterator[date]:
    if "a" in groups:
        first, second = int(groups["a"]), int(groups["b"])
        pairs = [(first, second), (second, first)]
    else:
        month = int(groups["m"]) if "m" in groups else _MONTH_OF[groups["name"].lower()]
        pairs = [(int(groups["d"]), month)]
    for day, month in pairs:
        try:
            yield date(year, month, day)
        except ValueError:
            continue

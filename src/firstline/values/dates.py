"""Calendar dates as people write them, in digits or with the name of the month, found in a text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product

from firstline import patterns
from firstline.pieces import LONGEST, pieces
from firstline.types import Json
from firstline.values.calendars import days_in_han, days_of_eras, years
from firstline.values.named_dates import named_days
from firstline.values.place import Found, moved
from firstline.values.plain import plain

Span = tuple[int, int, tuple[date, ...]]
"""Start, end and the days that are meant."""


class DateFound(Found, frozen=True, kw_only=True):
    """A date in a text with every day it can mean: `03/04/2018` is 3 April (first) or 4 March."""

    readings: tuple[date, ...]


_ANY_DIGIT = patterns.compile(r"\d|年")
_BLANK = "[ \u00a0]?"
_END = r"(?=$|[^0-9]|[0-9]{1,2}:[0-9][0-9])"  # a receipt often glues the time to the year: 25/12/20188:13
_LONG_YEAR = "(?:19|20|2[4-6])[0-9][0-9]"
_YEAR = rf"(?P<y>{_LONG_YEAR}|[0-9][0-9](?![0-9][0-9]?\b))"
_EAST_ASIAN = patterns.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _between(name: str) -> str:
    """A number between two signs that are the same; its group is the name and the place of the sign."""
    signs = enumerate(("-", "/", r"\."))
    return "|".join(rf"{sign}{_BLANK}(?P<{name}{place}>[0-9]{{1,2}}){_BLANK}{sign}" for place, sign in signs)


_DATES = (
    patterns.compile(rf"(?<![0-9])(?P<y>{_LONG_YEAR}){_BLANK}(?:{_between('m')}){_BLANK}(?P<d>[0-9]{{1,2}})(?![0-9])"),
    patterns.compile(rf"(?<![0-9.,/-])(?P<a>[0-9]{{1,2}}){_BLANK}(?:{_between('b')}){_BLANK}{_YEAR}{_END}"),
    patterns.compile(r"(?<![0-9])(?P<y>(?:19|20)[0-9][0-9])(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12][0-9]|3[01])(?![0-9])"),
    patterns.compile(
        rf"(?<![0-9])(?P<y>{_LONG_YEAR}){_BLANK}[年년]{_BLANK}(?P<m>[0-9]{{1,2}}){_BLANK}[月월]{_BLANK}"
        rf"(?P<d>[0-9]{{1,2}}){_BLANK}[日일號号]"
    ),
    patterns.compile(
        rf"(?<![0-9])(?P<y>[0-9][0-9]){_BLANK}년{_BLANK}(?P<m>[0-9]{{1,2}}){_BLANK}월{_BLANK}(?P<d>[0-9]{{1,2}}){_BLANK}일"
    ),
)


def find_dates(text: str) -> list[DateFound]:
    """Find the calendar dates of a text from left to right; overlapping finds go to the longest.

    Digits of every script, names of months in the languages of the product, Roman months, Buddhist years and eras are
    read. What may be day or month stays ambiguous.
    """
    if len(text) > LONGEST:
        return [moved(day, at) for at, piece in pieces(text) for day in find_dates(piece)]
    if _ANY_DIGIT.search(text) is None:
        return []
    read = plain(text)
    found = [(*read.span(start, end), days) for start, end, days in days_in(read.text)]
    return [DateFound(readings=days, text=text[start:end], start=start, end=end) for start, end, days in found]


def days_in(text: str) -> list[Span]:
    """Find the dates of a folded text."""
    found = [*_numeric_days(text), *days_of_eras(text), *days_in_han(text), *named_days(text)]
    found.sort(key=lambda day: (day[0], day[0] - day[1]))
    kept: list[Span] = []
    for day in found:
        if not kept or day[0] >= kept[-1][1]:
            kept.append(day)
        elif day[1] - day[0] > kept[-1][1] - kept[-1][0]:
            kept[-1] = day
    return kept


def parse_dates(value: Json) -> tuple[date, ...]:
    """Return every day that a text meant as one date can be; empty where it is none or several."""
    found = find_dates(value) if isinstance(value, str) else []
    return found[0].readings if len(found) == 1 else ()


def _numeric_days(text: str) -> Iterator[Span]:
    year_first = None
    for pattern in _DATES:
        for match in pattern.finditer(text):
            groups = {name.rstrip("012"): written for name, written in match.groupdict().items() if written is not None}
            days = tuple(_days(groups))
            if "a" in groups and len(groups["y"]) == 2:
                year_first = bool(_EAST_ASIAN.search(text)) if year_first is None else year_first
                days += tuple(_days({"y": groups["a"], "m": groups["b"], "d": groups["y"]})) if year_first else ()
            if days:
                yield match.start(), match.end(), tuple(dict.fromkeys(days))


def _days(groups: dict[str, str]) -> Iterator[date]:
    if "a" in groups:
        first, second = int(groups["a"]), int(groups["b"])
        pairs = [(first, second), (second, first)]
    else:
        pairs = [(int(groups["d"]), int(groups["m"]))]
    for year, (day, month) in product(years(groups["y"]), pairs):
        try:
            yield date(year, month, day)
        except ValueError:
            continue

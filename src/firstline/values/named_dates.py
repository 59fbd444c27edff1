"""Dates with the name of the month: `12 March 2026`, `12. března 2026`, `2026. március 12.`, `12.III.2026`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import product

from firstline import patterns
from firstline.types import Value
from firstline.values.calendars import years
from firstline.values.months import folded_name, months, roman_month

_OTHER = "[^\\s0-9!-/:-@\\[-`{-~]"  # letters and marks of every script, and rarer signs
_WORD = patterns.compile(rf"{_OTHER}+(?:\.{_OTHER}+)*")
_LONG_YEAR = "(?:19|20|2[4-6])[0-9][0-9]"
_YEAR = rf"'?(?P<era>พ\.?ศ\.?|ค\.?ศ\.?|[BC]\.?E\.?|A\.?D\.?)?\s?(?P<y>{_LONG_YEAR}|[0-9][0-9](?![0-9][0-9]?\b))"
_END = r"(?=$|[^0-9]|[0-9]{1,2}:[0-9][0-9])"
_DAY = r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th|er|ère|ere|re|ème|ste|de|e|a|[.º°ª]|-?го|-?ое|-?е|[:\-][ae]|-nji)?"
"""A day as the languages count: `12.`, `12th`, `1er`, `12-го`, `12:e`."""
_NEAR = 32
_ROMAN_BEFORE = patterns.compile(r"(?<![0-9.,/\-])(?P<d>[0-9]{1,2})(?P<sign>\. ?|[-/ ])$")
_ROMAN_BEHIND = patterns.compile(rf"(?P<sign>\. ?|[-/ ])(?P<y>{_LONG_YEAR}|[0-9][0-9](?![0-9])){_END}")
_NUMBER = patterns.compile(r"\s?(?P<m>[0-9]{1,2})(?![0-9])")
_THAI = patterns.compile(r"[\u0e00-\u0e7f]")
_BUDDHIST = "พ"
_SHORT = 3
_LONGEST = 40


class _Forms(Value, frozen=True, kw_only=True):
    """What may stand before and behind the name of a month."""

    day_before: patterns.Pattern
    year_before: patterns.Pattern
    year_and_day_before: patterns.Pattern
    year_behind: patterns.Pattern
    day_behind: patterns.Pattern
    day_and_year_behind: patterns.Pattern


@cache
def _forms() -> _Forms:
    words = "|".join(sorted(map(patterns.escape, months().between), key=len, reverse=True))
    gap = rf"[\s\-/.,']{{0,3}}(?:(?:{words})(?![^\W\d_])[\s.,']{{1,2}}){{0,2}}"
    year_before = rf"(?<![0-9])(?P<y>{_LONG_YEAR}){gap}"

    def form(pattern: str) -> patterns.Pattern:
        return patterns.compile(pattern, patterns.IGNORECASE)

    return _Forms(
        day_before=form(rf"(?<![0-9]){_DAY}{gap}$"),
        year_before=form(rf"{year_before}$"),
        year_and_day_before=form(rf"{year_before}(?<![0-9]){_DAY}{gap}$"),
        year_behind=form(rf"{gap}{_YEAR}{_END}"),
        day_behind=form(rf"{gap}{_DAY}(?!\w|:[0-9])"),
        day_and_year_behind=form(rf"[\s\-/.]{{0,2}}{_DAY}(?:\s?,\s?|[\s\-/]+){gap}{_YEAR}{_END}"),
    )


def named_days(text: str) -> Iterator[tuple[int, int, tuple[date, ...]]]:
    """Find the dates of a folded text that name their month: start, end, the days that are meant."""
    known = months().names
    numbered = months().numbered
    last, last_start, last_end = "", 0, 0
    for match in _WORD.finditer(text):
        word = match.group()
        if len(word) > _LONGEST:
            continue
        name = word.lower() if word.isascii() else folded_name(word)
        start, end = match.span()
        named = known.get(name) or _of_last_part(word)
        if not named and last and start - last_end == 1 and (named := known.get(last + name, ())):
            start = last_start  # `Meán Fómhair`
        last, last_start, last_end = name, match.start(), end
        if named:
            yield from _days_around(text, start, end, named, name)
        elif name in numbered and (number := _NUMBER.match(text[end : end + _NEAR])) and 1 <= int(number["m"]) <= 12:
            yield from _days_around(text, start, end + number.end(), (int(number["m"]),), name)
        elif (numeral := roman_month(word)) is not None:
            yield from _roman_days(text, start, end, numeral, word)


def _of_last_part(word: str) -> tuple[int, ...]:
    """Look up what stands behind the last point of a word: `d.März`."""
    return months().names.get(folded_name(word.rpartition(".")[2]), ()) if "." in word else ()


def _days_around(
    text: str, start: int, end: int, named: tuple[int, ...], name: str
) -> Iterator[tuple[int, int, tuple[date, ...]]]:
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if not any(map(str.isdigit, before + behind)):
        return
    forms = _forms()
    day, year = forms.day_before.search(before), forms.year_behind.match(behind)
    both = forms.day_and_year_behind.match(behind)
    found = False
    for first, second in ((day, year), (both, both)):
        if first and second and _may_be_short(second["y"], name) and (days := _days(first["d"], named, second, name)):
            found = True
            yield start - (len(before) - first.start() if first is day else 0), end + second.end(), days
    if found:
        return
    first, second = forms.year_before.search(before), forms.day_behind.match(behind)
    if first and second and (days := _days(second["d"], named, first, name)):
        yield start - (len(before) - first.start()), end + second.end(), days
        return
    first = forms.year_and_day_before.search(before)
    if first and (days := _days(first["d"], named, first, name)):
        yield start - (len(before) - first.start()), end, days


def _may_be_short(year: str, name: str) -> bool:
    """Say whether a year of two digits may stand with a name: short names are words of other languages too (`sen`)."""
    return len(year) > 2 or len(name) > _SHORT or not name.isascii() or name in months().short


def _days(day: str, named: tuple[int, ...], year: patterns.Match, name: str) -> tuple[date, ...]:
    era = year.groupdict().get("era") or ""
    buddhist = era.startswith(_BUDDHIST) or (not era and bool(_THAI.match(name)))
    return tuple(dict.fromkeys(_valid(years(year["y"], buddhist=buddhist), named, int(day))))


def _valid(possible: tuple[int, ...], named: tuple[int, ...], day: int) -> Iterator[date]:
    for year, month in product(possible, named):
        try:
            yield date(year, month, day)
        except ValueError:
            continue


def _roman_days(text: str, start: int, end: int, month: int, word: str) -> Iterator[tuple[int, int, tuple[date, ...]]]:
    """`12.III.2026`; with blanks only in capitals, of two letters and with a long year: `2 x 2026` is a product."""
    before = _ROMAN_BEFORE.search(text[max(0, start - _NEAR) : start])
    behind = _ROMAN_BEHIND.match(text[end : end + _NEAR])
    if before is None or behind is None or before["sign"].strip() != behind["sign"].strip():
        return
    is_bare = before["sign"] == " "
    if (is_bare and (len(word) < 2 or len(behind["y"]) < 4)) or (
        word != word.upper() and (is_bare or len(behind["y"]) < 4)
    ):
        return
    if days := tuple(_valid(years(behind["y"]), (month,), int(before["d"]))):
        yield start - len(before.group()), end + behind.end(), days

"""Calendar dates as people write them, found in a text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from firstline import patterns
from firstline.pieces import LONGEST, pieces
from firstline.types import Json
from firstline.values.place import Found, moved


class DateFound(Found, frozen=True, kw_only=True):
    """A date in a text with every day it can mean: `03/04/2018` is 3 April (first) or 4 March."""

    readings: tuple[date, ...]


_ANY_DIGIT = patterns.compile(r"\d")
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


def find_dates(text: str) -> list[DateFound]:
    """Find the calendar dates of a text from left to right; overlapping finds go to the longest."""
    if len(text) > LONGEST:
        return [moved(day, at) for at, piece in pieces(text) for day in find_dates(piece)]
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

"""Years of other calendars than ours that count the same days: Buddhist years, Japanese eras, the Republic of China."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from firstline import patterns

BUDDHIST = 543
"""Buddhist years begin this much earlier."""
_FIRST_BUDDHIST, _LAST_BUDDHIST = 2400, 2642
_REPUBLIC = 1911
_ERAS = {
    "明治": (date(1868, 1, 25), date(1912, 7, 30)),
    "大正": (date(1912, 7, 30), date(1926, 12, 25)),
    "昭和": (date(1926, 12, 25), date(1989, 1, 7)),
    "平成": (date(1989, 1, 8), date(2019, 4, 30)),
    "令和": (date(2019, 5, 1), date.max),
}
_SHORT_FOR = {
    "S": "昭和",
    "H": "平成",
    "R": "令和",
    "\u337e": "明治",
    "\u337d": "大正",
    "\u337c": "昭和",
    "\u337b": "平成",
    "\u32ff": "令和",
}
_PIVOT = 70
_DAY = (
    r"(?:年[ ]?(?P<m>[0-9]{1,2})[ ]?月[ ]?(?P<d>[0-9]{1,2})[ ]?日"
    r"|(?P<m1>[-/.])(?P<m2>[0-9]{1,2})(?P<m3>[-/.])(?P<d2>[0-9]{1,2}))"
)
OF_ERA = patterns.compile(
    rf"(?:(?P<era>明治|大正|昭和|平成|令和|民國|民国|[\u337b-\u337e\u32ff])[ ]?|(?<!\w)(?P<letter>[SHR]))"
    rf"(?P<y>[0-9]{{1,3}}|元)[ ]?{_DAY}(?![0-9])"
)
"""A day of an era: `令和8年3月12日`, `R8.3.12`, `民國115年3月12日`."""

_HAN = {char: at for at, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}
_IN_HAN = patterns.compile(
    r"(?P<y>[〇零○一二三四五六七八九]{4})年(?P<m>[一二三四五六七八九十]{1,2})月(?P<d>[一二三四五六七八九十]{1,3})[日号號]"
)


def years(written: str, *, buddhist: bool = False) -> tuple[int, ...]:
    """Return the years that digits can mean, likeliest first; `buddhist`: a short year may be one of theirs."""
    year = int(written)
    if len(written) > 2:
        return (year - BUDDHIST,) if _FIRST_BUDDHIST <= year <= _LAST_BUDDHIST else (year,)
    usual = year + (2000 if year < _PIVOT else 1900)
    return (2500 + year - BUDDHIST, usual) if buddhist else (usual,)


def days_of_eras(text: str) -> Iterator[tuple[int, int, tuple[date, ...]]]:
    """Find the days of eras in a folded text: start, end, the day."""
    for match in OF_ERA.finditer(text):
        if match["m1"] != match["m3"]:
            continue
        day = _day_of_era(
            match["era"] or match["letter"], match["y"], match["m"] or match["m2"], match["d"] or match["d2"]
        )
        if day is not None:
            yield match.start(), match.end(), (day,)


def days_in_han(text: str) -> Iterator[tuple[int, int, tuple[date, ...]]]:
    """Find the days that are written in Chinese numerals: `二〇二六年三月十二日`."""
    for match in _IN_HAN.finditer(text):
        year = int("".join(str(_HAN[char]) for char in match["y"]))
        month, day = _below_hundred(match["m"]), _below_hundred(match["d"])
        try:
            yield match.start(), match.end(), (date(year, month or 0, day or 0),)
        except ValueError:
            continue


def _below_hundred(written: str) -> int | None:
    """Read `十二` or `二十一`; None for what is no such number."""
    tens, ten, ones = written.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return None
    return (_HAN[tens] if tens else int(bool(ten))) * (10 if ten else 1) + (_HAN[ones] if ones else 0)


def _day_of_era(written: str, year: str, month: str, day: str) -> date | None:
    era = _SHORT_FOR.get(written, written)
    count = 1 if year == "元" else int(year)
    first, last = _ERAS.get(era, (date(_REPUBLIC + 1, 1, 1), date.max))
    start = first.year - 1 if era in _ERAS else _REPUBLIC
    try:
        found = date(start + count, int(month), int(day))
    except ValueError:
        return None
    return found if first <= found <= last else None

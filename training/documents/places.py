"""Where a document comes from: a country's habits and a language's words, read from the word lists beside this file.

All lists are our own: words of tills and offices, kinds of streets, large towns and their postcodes, common surnames.
Nothing is taken from a data set. In patterns `#` stands for a digit, `@` for a capital letter.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

_LISTS = Path(__file__).parent / "lists"
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A country with one of its languages. `facts` are the country's habits, `words` and `trades` the language's."""

    country: str
    language: str
    facts: Mapping[str, Any]
    words: Mapping[str, Sequence[str]]
    trades: Mapping[str, Mapping[str, Sequence[str]]]
    months: Sequence[str]
    months_short: Sequence[str]

    def word(self, name: str, random: Random) -> str:
        """Choose one of the words for a thing."""
        return random.choice(self.words[name])


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How amounts are written: `sign` is the currency's, with its blank, `after` says on which side it stands."""

    decimal: str
    thousands: str
    sign: str
    after: bool
    minus: str = "front"

    def plain(self, value: Decimal) -> str:
        """Write an amount with two places and without a sign of currency."""
        whole, _, cents = f"{abs(value):.2f}".partition(".")
        groups = f"{int(whole):,}".replace(",", self.thousands) if self.thousands else whole
        text = f"{groups}{self.decimal}{cents}"
        if value >= 0:
            return text
        return {"front": f"-{text}", "behind": f"{text}-", "round": f"({text})"}[self.minus]

    def read(self, text: str) -> Decimal:
        """Read back what `plain` wrote."""
        digits = "".join(char for char in text if char.isdigit() or char == self.decimal).replace(self.decimal, ".")
        return -Decimal(digits) if any(char in text for char in "-(") else Decimal(digits)


def read_places() -> tuple[Place, ...]:
    """Read the lists; one place for every country and language."""
    countries = _read("countries")
    languages = {name: _read(name) for one in countries.values() for name in one["languages"]}
    return tuple(
        Place(
            country=country,
            language=language,
            facts=facts,
            words=languages[language]["words"],
            trades=languages[language]["trades"],
            months=languages[language]["months"],
            months_short=languages[language]["months_short"],
        )
        for country, facts in countries.items()
        for language in facts["languages"]
    )


def some_place(places: Sequence[Place], random: Random) -> Place:
    """Choose a place by the countries' weights."""
    weights = [place.facts["weight"] / len(place.facts["languages"]) for place in places]
    return random.choices(places, weights)[0]


def some_figures(where: Place, random: Random) -> Figures:
    """Choose how a till writes amounts: mostly as the country does, sometimes as the till's maker did."""
    facts = where.facts
    decimal = facts["decimal"] if random.random() < 0.93 else random.choice([".", ","])
    thousands = facts["thousands"] if random.random() < 0.6 else ""
    if thousands == decimal:
        thousands = ""
    after = facts["sign_after"] if random.random() < 0.9 else not facts["sign_after"]
    bare = random.choice(facts["signs"]).strip()
    blank = " " if after or (bare[-1].isalpha() and random.random() < 0.5) or random.random() < 0.15 else ""
    blank = "" if after and random.random() < 0.2 else blank
    minus = random.choices(["front", "behind", "round"], [7, 2, 1])[0]
    sign = f"{blank}{bare}" if after else f"{bare}{blank}"
    return Figures(decimal=decimal, thousands=thousands, sign=sign, after=after, minus=minus)


def filled(pattern: str, random: Random) -> str:
    """Fill a pattern's places with digits and letters."""
    return "".join(
        str(random.randrange(10)) if char == "#" else random.choice(_LETTERS) if char == "@" else char
        for char in pattern
    )


def written(day: date, style: str, where: Place) -> str:
    """Write a day in a style such as `dd/mm/yyyy`; `MMM` and `MMMM` are the month's name."""
    values = (
        ("yyyy", f"{day.year}"),
        ("yy", f"{day.year % 100:02}"),
        ("MMMM", "\x01"),
        ("MMM", "\x02"),
        ("mm", f"{day.month:02}"),
        ("m", f"{day.month}"),
        ("dd", f"{day.day:02}"),
    )
    text = style
    for name, value in values:
        text = text.replace(name, value)
    text = _lone_d(text, str(day.day))
    return text.replace("\x01", where.months[day.month - 1]).replace("\x02", where.months_short[day.month - 1])


def _lone_d(text: str, number: str) -> str:
    """Put the day where `d` stands for it and is no part of a word (`d de MMMM de yyyy`)."""
    if text.startswith("d") and not text.startswith("de"):
        return number + text[1:]
    for before, after in (("/d/", f"/{number}/"), (" d,", f" {number},"), (" d ", f" {number} ")):
        text = text.replace(before, after)
    return text


def some_time(random: Random, language: str) -> str:
    """Make up a time of day within shop hours."""
    hour, minute, second = random.randint(7, 22), random.randrange(60), random.randrange(60)
    if language == "en" and random.random() < 0.4:
        half = random.choice(["AM", "PM", "am", "pm"])
        hour = (hour - 1) % 12 + 1
        seconds = f":{second:02}" if random.random() < 0.3 else ""
        return f"{hour:{random.choice(['02', ''])}}:{minute:02}{seconds}{random.choice(['', ' '])}{half}"
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if random.random() < 0.35 else "")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_LISTS / f"{name}.toml").read_text(encoding="utf-8"))

"""Writes `src/firstline/values/months.json`: the names of the months in every language of the product, from CLDR.

    python docs/make_months.py

The data are those of Babel (Unicode CLDR, Unicode License v3). `names` has each name as `values.months` folds it, with
the months that it can mean (`listopad` is November in Polish and October in Croatian); `numbered` the words that stand
before a number (`tháng 3`), `between` the words that stand between day, month and year (`de`, `gada`); `short` the
names of three letters or fewer that are no words of another language, which may stand with a year of two digits.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from babel import localedata

from firstline import patterns
from firstline.checks.languages import merged, told_apart
from firstline.values.months import folded_name, without_marks

FILE = Path(__file__).parent.parent / "src" / "firstline" / "values" / "months.json"
_WIDTHS = ("wide", "abbreviated")
_WELL_KNOWN = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
"""Languages whose short names stand with short years on the receipts that the readers were measured on."""
_QUOTED = patterns.compile(r"'([^']+)'")
_MONTH_FIELD = patterns.compile(
    r"(?P<before>(?:'[^']*'|[^\s'A-Za-z.,/-])*)(?<![ML])(?:MMMM?|LLLL?)(?![ML])(?P<behind>(?:'[^']*')?)"
)
_UNQUOTED = patterns.compile(r"[^\x00-\x7f\u3000-\u9fff\uac00-\ud7a3]+")
_SHORT = 3
_ALSO_NAMED = {"maerz": 3, "jaenner": 1, "mrz": 3, "febbr": 2}
"""German without umlauts, and shorter names than CLDR's that are in use."""
_ALSO_BETWEEN = ("of", "ng", "năm", "года", "року", "жылғы", "(e)ko")


def made() -> dict[str, Any]:
    """Return the content of the file."""
    names: dict[str, set[int]] = defaultdict(set)
    bare: dict[str, set[int]] = defaultdict(set)
    numbered: set[str] = set()
    between: set[str] = set()
    short = {"mrz"}
    for locale in locales():
        data = localedata.load(locale, merge_inherited=False)
        affixes = list(_affixes(data))
        between.update(_between(data))
        for name, month in _names(data):
            if any(char.isdigit() for char in name):
                numbered.update(word.casefold() for word in name.split() if word.isalpha() and len(name.split()) == 2)
                continue
            for before, behind in [("", ""), *affixes]:
                key = folded_name(f"{before}{name}{behind}")
                names[key].add(month)
                bare[without_marks(key)].add(month)
                if locale in _WELL_KNOWN and len(key) <= _SHORT:
                    short.update((key, without_marks(key)))
    for key, month in _ALSO_NAMED.items():
        names[key].add(month)
    names |= {key: months for key, months in bare.items() if key not in names}
    return {
        "babel": version("babel"),
        "names": {key: sorted(names[key]) for key in sorted(names) if len(key) > 1},
        "numbered": sorted(numbered),
        "between": sorted({*between, *_ALSO_BETWEEN}),
        "short": sorted(short),
    }


def locales() -> list[str]:
    """List the locales of the product's languages, the plain one of each first."""
    known = [one for one in localedata.locale_identifiers() if merged(one.split("_")[0]) in told_apart()]
    return sorted(known, key=lambda one: (one.count("_"), one))


def _names(data: Any) -> Iterator[tuple[str, int]]:
    for widths in (one for one in data.get("months", {}).values() if isinstance(one, Mapping)):
        for width in _WIDTHS:
            named = widths.get(width)
            if isinstance(named, Mapping):  # or an alias of another width
                yield from ((name, month) for month, name in named.items() if isinstance(name, str))


def _formats(data: Any) -> Iterator[str]:
    for part in data.get("date_formats", {}).values():
        if hasattr(part, "pattern"):
            yield part.pattern


def _between(data: Any) -> Iterator[str]:
    for pattern in _formats(data):
        if "y" in pattern and "d" in pattern:
            for quoted in [*_QUOTED.findall(pattern), *_UNQUOTED.findall(pattern)]:
                yield from (word.strip(".,-").casefold() for word in quoted.split() if word.strip(".,-").isalpha())


def _affixes(data: Any) -> Iterator[tuple[str, str]]:
    """Find what is glued to the name of a month: `ב` in Hebrew, `ren` in Basque."""
    for pattern in _formats(data):
        for match in _MONTH_FIELD.finditer(pattern):
            before, behind = match["before"].replace("'", ""), match["behind"].replace("'", "")
            if (before or behind) and (before + behind).isalpha():
                yield before, behind


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")

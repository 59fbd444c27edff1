"""The names of the months in the languages that the product knows, as CLDR has them (`docs/make_months.py`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from firstline import patterns
from firstline.normal_form import normalized
from firstline.types import Value

_FOR = {"ı": "i", "ß": "ss"}
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_NOT_NAMED = patterns.compile(r"[\s.'\u2019\u00b7\u05f3\u0970\u200c\u200d]")


class Months(Value, frozen=True, kw_only=True):
    """Folded names with the months they can mean, and the words that stand beside them in dates."""

    babel: str
    names: Mapping[str, tuple[int, ...]]
    numbered: frozenset[str]
    between: tuple[str, ...]
    short: frozenset[str]


@cache
def months() -> Months:
    """Return all names. They are read once."""
    return msgspec.json.decode((files("firstline.values") / "months.json").read_bytes(), type=Months)


def folded_name(name: str) -> str:
    """Fold the name of a month: NFKC, case, points and blanks."""
    return _NOT_NAMED.sub("", normalized("NFKC", name).casefold().replace("i\u0307", "i"))


def without_marks(name: str) -> str:
    """Leave the marks off the letters of a name, as many printers do: `brezna`, `fevrier`, `subat`."""
    bare = "".join(char for char in normalized("NFD", name) if not unicodedata.combining(char))
    return "".join(_FOR.get(char, char) for char in normalized("NFC", bare)) or name


def months_of(name: str) -> tuple[int, ...]:
    """Return the months that a written name can mean; none for a word that names none."""
    return months().names.get(folded_name(name), ())


def roman_month(name: str) -> int | None:
    """Return the month of a Roman numeral; None for another word."""
    numeral = normalized("NFKC", name).lower()
    return _ROMAN.index(numeral) + 1 if numeral in _ROMAN else None

"""Whole numbers with a unit glued to them (`2x`, `5kg`, `x2`): no amounts, but what an answer may count."""

from __future__ import annotations

from firstline import patterns
from firstline.values.currencies import CURRENCIES, DRAWN
from firstline.values.plain import NO_BREAK, plain

_COUNT = patterns.compile(
    rf"(?<!\w)(?<![.,'/:\u00b7{patterns.escape(DRAWN)}-])(?P<group>(?<=[0-9][ {NO_BREAK}]))?"
    r"(?:[xX](?P<times>[0-9]+)(?![.,'/:-][0-9])|(?P<count>[0-9]+)(?P<unit>[A-Za-z]{1,3}))(?!\w)"
)
_MULTIPLIERS = ("k", "mn", "mio", "mrd", "bn", "tsd", "cr", "lac")
_MILLIONS = "M"
_LONGEST = 9


def counts(text: str) -> frozenset[int]:
    """Return the whole numbers of a text that have a unit glued to them; `12k` and `5M` are other numbers."""
    found: set[int] = set()
    for match in _COUNT.finditer(plain(text).text):
        digits, unit = match["times"] or match["count"], match["unit"] or ""
        is_group = match["group"] is not None and len(digits) == 3  # the `234` of `1 234kg`
        multiplies = unit.lower() in _MULTIPLIERS or unit == _MILLIONS
        if not is_group and not multiplies and unit.lower() not in CURRENCIES and len(digits) <= _LONGEST:
            found.add(int(digits))
    return frozenset(found)

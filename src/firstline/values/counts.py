"""Whole numbers with a unit glued to them (`2x`, `5kg`, `x2`): no amounts, but what an answer may count."""

from __future__ import annotations

from firstline import patterns
from firstline.values.currencies import CURRENCIES, DRAWN
from firstline.values.figures import PARTING
from firstline.values.plain import NO_BREAK, plain

_COUNT = patterns.compile(
    rf"(?<!\w)(?<![.,'/:\u00b7{patterns.escape(DRAWN)}-])"
    r"(?:[xX](?P<times>[0-9]+)(?![.,'/:-][0-9])|(?P<count>[0-9]+)(?P<unit>[A-Za-z]{1,3}))(?!\w)"
)
_MULTIPLIERS = ("k", "mn", "mio", "mrd", "bn", "tsd", "cr", "lac")
_MILLIONS = "M"
_LONGEST = 9


def counts(text: str) -> frozenset[int]:
    """Return the whole numbers of a text that have a unit glued to them; `12k` and `5M` are other numbers."""
    found: set[int] = set()
    read = plain(text).text
    for match in _COUNT.finditer(read):
        digits, unit = match["times"] or match["count"], match["unit"] or ""
        is_group = len(digits) == 3 and _goes_on(read[max(0, match.start() - 2) : match.start()])
        multiplies = unit.lower() in _MULTIPLIERS or unit == _MILLIONS
        if not is_group and not multiplies and unit.lower() not in CURRENCIES and len(digits) <= _LONGEST:
            found.add(int(digits))
    return frozenset(found)


def _goes_on(before: str) -> bool:
    """Say whether three digits may be a group of the number before them: the `234` of `1 234kg` and `1*234kg`."""
    if len(before) < 2 or not before[0].isdigit():
        return False
    return before[1] in (" ", NO_BREAK) or not (before[1].isspace() or before[1] in PARTING)

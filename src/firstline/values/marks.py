"""What stands around a figure: its sign, its currency, a percent sign. Texts are folded (`plain`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from firstline import patterns
from firstline.types import Value
from firstline.values.currencies import CURRENCIES
from firstline.values.figures import CENTS, CURRENCY, NO_LETTER, UNSPACED, Figure
from firstline.values.plain import DASH, NO_BREAK

Sign = Literal["plus", "minus", "rather plus", "rather minus"]
"""`rather`: it may be the other too."""
_BLANK = rf"[ {NO_BREAK}]"
_MARK = rf"[-+({DASH}\u25b2\u25b3]"  # the triangles are the minus of Japanese accounts
_BEFORE = patterns.compile(
    rf"(?P<outer>{_MARK}{_BLANK}?)?"
    rf"(?:(?P<currency>(?:(?<![A-Za-z\u00aa-\u0dff])|(?=\W)){CURRENCY}){_BLANK}{{0,3}}[:.]?{_BLANK}{{0,2}})?"
    rf"(?P<inner>{_MARK}{_BLANK}?)?$",
    patterns.IGNORECASE,
)
_GLUED = patterns.compile(rf"(?P<currency>{CURRENCY})\.?$", patterns.IGNORECASE)
_BEHIND = patterns.compile(
    rf"(?P<first>{_BLANK}?-(?:(?!\w|-)|(?=[円元圓원])))?(?:{_BLANK}{{0,2}}(?P<currency>{CURRENCY}){NO_LETTER})?(?P<last>{_BLANK}?-(?!\w|-))?"
    rf"(?:{_BLANK}{{0,2}}(?P<note>CR|DR)\.?(?!\w))?(?P<close>{_BLANK}?\))?",
    patterns.IGNORECASE,
)
_CREDIT_BEFORE = patterns.compile(rf"(?<!\w)CR[.:]?{_BLANK}{{0,2}}$")
_PERCENT = patterns.compile(rf"{_BLANK}?%")
_NEXT_NUMBER = patterns.compile(rf"{_BLANK}[0-9]")
_END = patterns.compile(rf"{_BLANK}{{2}}|\s*$|\n|\)")
_WINDOW = 24
_CREDIT = "cr"
_MONEY_DIGITS = 3
"""Fewer in brackets are a note or a count."""


class Marks(Value, frozen=True, kw_only=True):
    """The marks of a figure; `currency` is an ISO 4217 code."""

    sign: Sign
    currency: str | None
    percent: bool


def marks_of(text: str, figure: Figure) -> Marks | None:
    """Read what stands around a figure of a folded text. None for one that is written in crores (`5 Cr`)."""
    before = text[max(0, figure.start - _WINDOW) : figure.start].rpartition("\n")[2]
    behind = text[figure.end : figure.end + _WINDOW]
    lead, trail = _BEFORE.search(before), _BEHIND.match(behind)
    if lead is None or trail is None:  # neither happens: both match nothing too
        return None
    glued = _GLUED.search(before)
    written = lead["currency"] or (glued and glued["currency"]) or trail["currency"]
    currency = figure.currency or (CURRENCIES[written.lower()] if written else None)
    is_percent = bool(_PERCENT.match(behind)) or (before[-1:] == "%" and not before[-2:-1].isdigit())
    is_money = bool(CENTS.search(figure.body)) or currency is not None
    note = trail["note"] or ""
    if note.lower() == _CREDIT and note != note.upper() and (not CENTS.search(figure.body) or currency == "INR"):
        return None
    signs = [*_brackets(figure, lead, trail, is_money, is_percent), *_dashes_before(before, lead, is_money)]
    signs += [*_dash_behind(behind, trail, is_money or not figure.body.isdigit()), *_notes(figure, before, note)]
    return Marks(sign=_together(signs), currency=currency, percent=is_percent)


def _brackets(
    figure: Figure, lead: patterns.Match, trail: patterns.Match, is_money: bool, is_percent: bool
) -> Iterator[Sign]:
    """`(1.380,00)` and `(EUR 12)` are negative, `(250)` may be, `(2)` is a note."""
    opened = "(" in (lead["outer"] or "") or "(" in (lead["inner"] or "")
    if opened and trail["close"] and not is_percent:
        if is_money or not figure.body.isdigit():
            yield "minus"
        elif len(figure.body) >= _MONEY_DIGITS:
            yield "rather plus"


def _dashes_before(before: str, lead: patterns.Match, is_money: bool) -> Iterator[Sign]:
    for name in ("outer", "inner"):
        mark = lead[name]
        if not mark or mark[0] in "+(":
            continue
        char = before[lead.start(name) - 1 : lead.start(name)]
        follows_currency = name == "inner" and lead["currency"]
        if char.isdigit() or (char and char in f"-/{DASH}"):
            continue  # a range, a telephone number, a line
        if char.isalpha() and not follows_currency and not UNSPACED.match(char):
            if is_money:
                yield "rather plus"
        elif mark == "-" and char not in (":", "="):
            yield "minus"
        else:
            yield "rather minus"


def _dash_behind(behind: str, trail: patterns.Match, is_money: bool) -> Iterator[Sign]:
    for name in ("first", "last"):
        if not trail[name]:
            continue
        rest = behind[trail.end(name) :]
        if trail[name] == "-" and not _NEXT_NUMBER.match(rest):
            yield "minus" if is_money else "rather minus"
        elif trail[name] == "-" and is_money:
            yield "rather minus"  # or the dash of a range: `5.00- 7.00`
        elif _END.match(rest):
            yield "rather minus"


def _notes(figure: Figure, before: str, note: str) -> Iterator[Sign]:
    """`CR` and `DR` of accounts: what is credited is taken off."""
    if note.lower() == _CREDIT:
        yield "rather minus" if figure.body.isdigit() else "minus"
    elif not note and CENTS.search(figure.body) and _CREDIT_BEFORE.search(before):
        yield "rather minus"


def _together(signs: Sequence[Sign]) -> Sign:
    return next((sign for sign in ("minus", "rather minus", "rather plus") if sign in signs), "plus")

"""One written number and everything that it can mean. It is read whole, by a known way of grouping digits, or not."""

from __future__ import annotations

from decimal import Decimal

from firstline import patterns
from firstline.values.plain import ARABIC_DECIMAL, ARABIC_THOUSANDS, NO_BREAK, plain

MOST_DIGITS = 100
"""More are no number that anybody reads."""
_APART = rf"[.,'_\u00b7 {NO_BREAK}{ARABIC_THOUSANDS}{ARABIC_DECIMAL}]"
_FIGURES = patterns.compile(rf"[-+]?[0-9]*(?:{_APART}[0-9]+)*\.?")
_DIGITS = patterns.compile(r"[0-9]+")
_DECIMAL_SIGNS = (".", ",", "\u00b7", ARABIC_DECIMAL)
_SHORTEST_SIGNS = (".", ",")
"""These group digits too, so that three behind one of them are ambiguous."""
_LAKH_SIGNS = (",", NO_BREAK, ARABIC_THOUSANDS)
_MYRIAD_SIGNS = (",",)


def read_number(text: str) -> tuple[Decimal, ...]:
    """Return the readings of one written number, likeliest first; empty where it is none, or grouped in no known way.

    Digits are grouped by three (`1,234,567`), as lakh and crore (`12,34,567`) or by four (`1,2345,6789`), always with
    the same sign. Another sign behind them begins the decimals. One sign alone with three digits behind it is
    ambiguous (`1.234`, `1,234`): thousands first.
    """
    body = plain(text.strip()).text.strip()
    if len(body) > 2 * MOST_DIGITS or not _FIGURES.fullmatch(body):
        return ()
    negative, body = body[:1] == "-", body.lstrip("-+").removesuffix(".")
    whole = _DIGITS.match(body)
    groups = _DIGITS.findall(body)
    if not groups or sum(map(len, groups)) > MOST_DIGITS:
        return ()
    signs = _signs(body if whole else "0" + body)
    read = _readings(groups if whole else ["", *groups], signs)
    values = tuple(dict.fromkeys(map(Decimal, read)))
    return tuple(value.copy_negate() for value in values) if negative else values


def _signs(body: str) -> list[str]:
    return [char for char in body if not char.isdigit()]


def _readings(groups: list[str], signs: list[str]) -> tuple[str, ...]:
    if not signs:
        return (groups[0],)
    if len(signs) == 1:
        return _with_one_sign(groups[0], signs[0], groups[1])
    joined = "".join(groups)
    if len(set(signs)) == 1:
        return (joined,) if _is_grouped(groups, signs[0]) else ()
    grouping, last = signs[0], signs[-1]
    if set(signs[:-1]) != {grouping} or last == grouping or last not in _DECIMAL_SIGNS:
        return ()
    if grouping in (".", "\u00b7", ARABIC_DECIMAL) and last != ",":
        return ()
    return (f"{''.join(groups[:-1])}.{groups[-1]}",) if _is_grouped(groups[:-1], grouping) else ()


def _with_one_sign(whole: str, sign: str, rest: str) -> tuple[str, ...]:
    joined, decimal = whole + rest, f"{whole or '0'}.{rest}"
    grouped = _is_grouped([whole, rest], sign)
    if sign not in _DECIMAL_SIGNS:
        return (joined,) if grouped else ()
    if sign not in _SHORTEST_SIGNS:
        return (decimal,)
    if not whole and len(rest) > 2:
        return ()
    return (joined, decimal) if grouped and len(rest) == 3 else (decimal,)


def _is_grouped(groups: list[str], sign: str) -> bool:
    """Say whether the digits of a whole number are grouped in a known way; two groups at least."""
    first, *rest = map(len, groups)
    if not 1 <= first <= 4 or groups[0].startswith("0") or sign in ("\u00b7", ARABIC_DECIMAL):
        return False
    if first <= 3 and set(rest) == {3}:
        return True
    if sign in _LAKH_SIGNS and first <= 2 and len(rest) > 1 and rest[-1] == 3 and set(rest[:-1]) == {2}:
        return True
    return sign in _MYRIAD_SIGNS and set(rest) == {4}

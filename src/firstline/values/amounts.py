"""Amounts of money and other numbers as people write them, found in a text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

from firstline import patterns
from firstline.pieces import LONGEST, pieces
from firstline.types import Json
from firstline.values.dates import days_in
from firstline.values.figures import Figure, figures
from firstline.values.marks import Marks, marks_of
from firstline.values.place import Found, moved
from firstline.values.plain import plain


class Amount(Found, frozen=True, kw_only=True):
    """A number in a text. `value` is the likeliest reading, `readings` all of them (`1.234` is 1.234 or 1234)."""

    value: Decimal
    readings: tuple[Decimal, ...]
    decimals: int
    currency: str | None = None
    percent: bool = False


_ANY_DIGIT = patterns.compile(r"\d")


def find_amounts(text: str) -> list[Amount]:
    """Find the numbers of a text from left to right, with sign, decimals and the currency beside them.

    A number is read whole or not at all (`figures`). Digits inside a word (`TD0116`), a time (`8:13`) or a date are no
    amounts; a currency sign may be glued (`RM9.00`). Digits, separators and signs of all scripts are read.
    """
    if len(text) > LONGEST:
        return [moved(amount, at) for at, piece in pieces(text) for amount in find_amounts(piece)]
    return [amount for amount in _figures(text) if amount is not None]


def number_spans(text: str) -> list[tuple[int, int]]:
    """Return where the numbers of a folded text (`plain`) begin and end, those that cannot be read among them."""
    return [(at + one.start, at + one.end) for at, piece in pieces(text) for one in _figures_of(piece)]


def _figures(text: str) -> Iterator[Amount | None]:
    """Return each figure of a text as an amount; None for one that cannot be read."""
    if _ANY_DIGIT.search(text) is None:
        return
    read = plain(text)
    for figure in _figures_of(read.text):
        marks = marks_of(read.text, figure) if figure.readings else None
        yield _amount(text, *read.span(figure.start, figure.end), figure, marks) if marks else None


def _figures_of(text: str) -> Iterator[Figure]:
    """Find the figures of a folded text outside its dates."""
    days = days_in(text)
    begins = [start for start, _, _ in days]

    def taken(start: int, end: int) -> bool:
        before_end = bisect_left(begins, end)
        return bool(before_end) and days[before_end - 1][1] > start

    return figures(text, taken)


def parse_amount(value: Json) -> tuple[Decimal, ...]:
    """Return the readings of a value that is meant as one amount: a JSON number, or a text such as `RM 1,234.50`."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        return (number,) if number.is_finite() else ()
    if isinstance(value, str):
        found = list(_figures(value)) if len(value) <= LONGEST else []
        return found[0].readings if len(found) == 1 and found[0] is not None else ()
    return ()


def _amount(text: str, start: int, end: int, figure: Figure, marks: Marks) -> Amount:
    minus = tuple(value.copy_negate() if value else value for value in figure.readings)
    match marks.sign:
        case "plus":
            readings = figure.readings
        case "minus":
            readings = minus
        case "rather plus":
            readings = figure.readings + minus
        case "rather minus":
            readings = minus + figure.readings
    return Amount(
        value=readings[0],
        readings=tuple(dict.fromkeys(readings)),
        text=text[start:end],
        start=start,
        end=end,
        decimals=_decimals(readings[0]),
        currency=marks.currency,
        percent=marks.percent,
    )


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0

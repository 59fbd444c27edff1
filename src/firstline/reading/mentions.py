"""Amounts and dates on a page with the words that lead to them."""

from __future__ import annotations

from firstline import patterns
from firstline.types import Value
from firstline.values.amounts import Amount
from firstline.values.dates import DateFound

_GROUPED = patterns.compile(r"^\D{0,4}[1-9]\d{0,2}(?:[.,'’]\d{3})+$")


class Lead(Value, frozen=True, kw_only=True):
    """Words before a value; `weight` falls from 1 (on the value's own line) with lines and numbers in between."""

    text: str
    weight: float


class Mention(Value, frozen=True, kw_only=True):
    """An amount on the page with the words that lead to it, what follows it, and its height (0 top, 1 bottom)."""

    amount: Amount
    line: int
    leads: tuple[Lead, ...]
    trail: str
    y: float

    @property
    def is_money(self) -> bool:
        """Say whether it is written as an amount of money: with cents, a currency, or in groups of thousands."""
        amount = self.amount
        return (
            amount.decimals == 2 or amount.currency is not None or (amount.decimals == 0 and _is_grouped(amount.text))
        )


class DateMention(Value, frozen=True, kw_only=True):
    """A date on the page with the words before it."""

    found: DateFound
    line: int
    lead: str
    y: float


def _is_grouped(text: str) -> bool:
    return _GROUPED.match(text) is not None

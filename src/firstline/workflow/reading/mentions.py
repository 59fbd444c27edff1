"""Amounts and dates on a page with the words that lead to them."""

from __future__ import annotations

from firstline.types import Value
from firstline.values.amounts import Amount
from firstline.values.dates import DateFound


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


class DateMention(Value, frozen=True, kw_only=True):
    """A date on the page with the words before it."""

    found: DateFound
    line: int
    lead: str
    y: float

"""Which amounts of a document close: a base and what is added to it make the total, and what else of the page says so.

An amount is never a proof of itself. Counted is, each by numbers that are printed: the sum (a base and what is added
to it, with charges, discounts and rounding), or an amount and its rounding alone; a tax at a printed rate of an amount;
what was paid less the change; the rows of goods above; totals of parts. A sum that says the same amount twice (the
total is the base, no tax is added) is none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Literal

from firstline.reading.mentions import Mention
from firstline.reading.money_words import (
    CASH,
    CHANGE,
    CHARGE,
    LARGEST_ROUNDING,
    LESS,
    ONLY_TAX,
    ROUNDING,
    TAX,
    TOTAL,
)
from firstline.types import Json, Value

Proof = Literal["sum", "rounding", "rate", "paid", "goods", "parts"]
Form = Literal["added", "included"]
"""How a tax stands to the total: added to the base, or a part of what the base already holds."""

_CENTS = 100
_HUGE = 10**12
_MOST = 120
"""Amounts looked at, from the end: sums stand there."""
_EXTRAS = 10
_TOGETHER = 3
"""Charges, discounts and roundings that one sum may take in."""
_ROWS = 60
_CHARGE_LINE = 40
_FIVE = 5
"""What is rounded ends in whole five cents."""
_FORGIVEN = 2
"""Cents that a sum may miss by without a rounding that is printed."""
_MOST_RATES = 12
_HIGHEST_RATE = Decimal("0.35")


PROVEN = 2
"""Proofs that settle an amount: one alone may be chance, such as a total that closes with no tax."""


class Closing(Value, frozen=True, kw_only=True):
    """What speaks for a total, its base and what is added: the proofs, and the form in which the sum closes."""

    proofs: frozenset[Proof] = frozenset()
    form: Form | None = None


class Arithmetic:
    """The amounts of a document by what their words say they are; made once, then asked about combinations.

    All amounts are whole hundredths of the currency's unit (cents), signed as printed. `unread`: a charge or discount
    is printed whose amount could not be read, so that no difference contradicts anything.
    """

    def __init__(
        self, amounts: Sequence[Mention], percentages: Iterable[Decimal] = (), *, unread: bool = False
    ) -> None:
        self._unread = unread
        mentions = [mention for mention in amounts if abs(mention.amount.value) < _HUGE][-_MOST:]
        money = [m for m in mentions if m.is_money] or mentions
        self.printed = frozenset(abs(cents(m.amount.value)) for m in money)
        roundings = {cents(m.amount.value) for m in money if _is_rounding(m)} - {0}
        self._roundings = frozenset({*roundings, *(-one for one in roundings)})
        charges = _charges(money)
        self._steps = frozenset(sum(some) for count in range(_TOGETHER + 1) for some in combinations(charges, count))
        self._taxes = tuple(sorted({cents(m.amount.value) for m in money if TAX.search(_words(m))} - {0}))[:_EXTRAS]
        self._at_rate = frozenset(_at_rate(self.printed, _rates(percentages)))
        self._paid = frozenset(_paid(money))
        self._goods = frozenset(_goods(money))
        self._parts = frozenset(_parts(money))

    def closing(self, total: int, base: int | None, added: Sequence[int]) -> Closing:
        """Say what speaks for these amounts together. `added` are those that are there, such as the tax."""
        tax = sum(added)
        form = self._form(total, base, tax)
        proofs: set[Proof] = set()
        if base is not None and form and _says_something(total, base, tax, form):
            proofs.add("sum")
        elif self._is_rounded(total):
            proofs.add("rounding")
        if tax and abs(tax) in self._at_rate:
            proofs.add("rate")
        if total in self._paid:
            proofs.add("paid")
        if total in self._goods or (base is not None and form is not None and base in self._goods):
            proofs.add("goods")
        if total in self._parts:
            proofs.add("parts")
        return Closing(proofs=frozenset(proofs), form=form)

    def fails(self, total: int, base: int, added: Sequence[int]) -> bool:
        """Say whether these amounts contradict each other: they close in no form that documents use.

        What misses by a rounding that was not printed is forgiven. A tax that the total is said to hold, though base
        and tax together are printed too, contradicts it.
        """
        tax = sum(added)
        form = self._form(total, base, tax)
        if form == "added":
            return False
        if form == "included":
            return abs(base + tax) in self.printed and abs(tax) in self._at_rate
        missing = total - base - tax
        if abs(missing) <= _FORGIVEN or (tax and abs(total - base) <= _FORGIVEN):
            return False
        # Taxes of other rates, or a charge whose words were not read.
        others = {one + other for one in (0, *self._taxes) for other in self._taxes}
        return missing not in others and abs(missing) not in self.printed and not self._unread

    def _form(self, total: int, base: int | None, tax: int) -> Form | None:
        if base is None:
            return None
        if self._reaches(total, base + tax):
            return "added"
        if tax and 0 < Decimal(tax) / Decimal(total or 1) < _HIGHEST_RATE and self._reaches(total, base):
            return "included"
        return None

    def _reaches(self, total: int, start: int) -> bool:
        """Say whether charges and a rounding that are printed lead from one amount to the total."""
        if total - start in self._steps:
            return True
        rounded = total % _FIVE == 0
        return rounded and any(total - start - one in self._steps for one in self._roundings)

    def _is_rounded(self, total: int) -> bool:
        """Say whether an amount that is printed and a rounding make it."""
        return total % _FIVE == 0 and any(
            abs(total - one) in self.printed and (total - one) % _FIVE for one in self._roundings
        )


def _says_something(total: int, base: int, tax: int, form: Form) -> bool:
    """Say whether a sum is more than the same amount twice."""
    return total != base and abs(tax) < abs(total) if form == "added" else total != base


def is_unread_charge(text: str) -> bool:
    """Say whether a line without an amount is that of a charge or discount whose figures were misread."""
    return len(text) <= _CHARGE_LINE and any(map(str.isdigit, text)) and bool(CHARGE.search(text) or LESS.search(text))


def cents(value: Decimal) -> int:
    """Return an amount in whole hundredths, rounded half to even."""
    return int((value * _CENTS).to_integral_value())


def cents_of(value: Json) -> int | None:
    """Return an answer's number in whole hundredths; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= _HUGE:
        return None
    return cents(Decimal(str(value)))


def _words(mention: Mention) -> str:
    return mention.leads[0].text if mention.leads else ""


def _is_rounding(mention: Mention) -> bool:
    return abs(mention.amount.value) <= LARGEST_ROUNDING and bool(ROUNDING.search(_words(mention)))


def _charges(money: Sequence[Mention]) -> list[int]:
    """What a sum may take in besides base and tax, signed."""
    found: list[int] = []
    for mention in money:
        value, words = cents(mention.amount.value), _words(mention)
        if not value or _is_rounding(mention):
            continue
        if LESS.search(words):
            found.append(-abs(value))
        elif CHARGE.search(words) and not ONLY_TAX.search(words):
            found.append(value)
    return list(dict.fromkeys(found))[-_EXTRAS:]


def _rates(percentages: Iterable[Decimal]) -> list[Decimal]:
    """The percentages that are printed and can be a tax's, as percent."""
    highest = _HIGHEST_RATE * _CENTS
    return sorted(rate for rate in percentages if 0 < rate <= highest)[:_MOST_RATES]


def _at_rate(printed: Iterable[int], rates: Iterable[Decimal]) -> Iterator[int]:
    """The taxes at a printed rate of every printed amount, added to it or held by it."""
    for rate in rates:
        for amount in printed:
            for tax in (amount * rate / _CENTS, amount * rate / (_CENTS + rate)):
                nearest = int(tax.to_integral_value())
                yield nearest
                if nearest >= _CENTS:  # a cent more or less: each row was rounded by itself
                    yield from (nearest - 1, nearest + 1)


def _paid(money: Sequence[Mention]) -> Iterator[int]:
    """What was handed over less the change that is printed behind it."""
    for at, mention in enumerate(money):
        if not CASH.search(_words(mention)):
            continue
        for behind in money[at + 1 : at + 3]:
            change = cents(behind.amount.value)
            if CHANGE.search(_words(behind)) or (change and behind.line - mention.line <= 2):
                due = cents(mention.amount.value) - abs(change)
                if due > 0:
                    yield due


def _goods(money: Sequence[Mention]) -> Iterator[int]:
    """Amounts that the rows above add up to, two rows at least; a row is a line whose words are not those of sums."""
    last = {m.line: cents(m.amount.value) for m in money if m.amount.value and not _is_of_sums(m)}
    lines = sorted(last)
    for mention in money:
        value = cents(mention.amount.value)
        above = [last[line] for line in lines if line < mention.line][-_ROWS:]
        total = 0
        for count, one in enumerate(reversed(above), start=1):
            total += one
            if total == value and count > 1 and value:
                yield value
                break


def _is_of_sums(mention: Mention) -> bool:
    words = _words(mention)
    return any(pattern.search(words) for pattern in (TOTAL, TAX, CHARGE, LESS, CASH, CHANGE, ROUNDING))


def _parts(money: Sequence[Mention]) -> Iterator[int]:
    """Amounts labelled as a total that two totals above add up to, as of the goods at two rates."""
    totals = [(m.line, cents(m.amount.value)) for m in money if TOTAL.search(_words(m)) and m.amount.value][:_EXTRAS]
    for line, value in totals:
        above = [one for where, one in totals if where < line]
        if any(one + other == value for one, other in combinations(above, 2)):
            yield value

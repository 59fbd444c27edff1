"""The check that a total and its parts add up as documents print them; bound to every field with `sum_of`.

It looks at the numbers of the answer together with the charges, discounts, roundings and further taxes that the source
prints beside them. What is null contradicts nothing, but a base that is printed and not the total wants its difference
explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.reading.closing import Arithmetic, cents_of
from firstline.reading.document import Document
from firstline.types import Finding, Json

_ONE = Decimal(100)


def adds_up(total: str, parts: tuple[str, ...]) -> Check:
    """Make the check that `total` is the first of `parts` and what is added to it, the other parts."""
    fields = (*parts, total)

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        if not isinstance(answer, dict) or not any(subject.under_test(field) for field in fields):
            return ()
        whole, base, *added = [cents_of(answer.get(field)) for field in (total, *parts)]
        if whole is None:
            return ()
        there = [one for one in added if one is not None]
        reason = _too_large(whole, there, answer, total)
        if reason is None and base is not None:
            arithmetic = subject.reading(arithmetic_of)
            # A total that is not printed is for `grounded` to name: it says nothing about its parts.
            if abs(whole) in arithmetic.printed and arithmetic.fails(whole, base, there):
                reason = _words(answer, total, parts)
        return () if reason is None else (Finding(check="sums", field=None, fields=fields, reason=reason),)

    return NamedCheck(name="sums", look=look)


def arithmetic_of(source: str) -> Arithmetic:
    """Read the amounts of a text."""
    return Document.of_text(source).arithmetic


def _too_large(whole: int, added: list[int], answer: Mapping[str, Json], total: str) -> str | None:
    """Say it where what is added is the whole total or more of it."""
    tax = sum(added)
    if not tax or abs(tax) < abs(whole):
        return None
    return f"what is added ({tax / _ONE:.2f}) is not a part of {total} {shown(answer.get(total))}"


def _words(answer: Mapping[str, Json], total: str, parts: tuple[str, ...]) -> str:
    sum_ = " + ".join(f"{part} {shown(answer.get(part))}" for part in parts if answer.get(part) is not None)
    return f"{sum_} is not {total} {shown(answer.get(total))}, and nothing printed explains the difference"

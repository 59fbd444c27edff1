"""Chooses a total, its base and what is added to it together: by how likely each is, and by what closes.

The second reader and an extract student both weigh candidates field by field. Here their weights meet the arithmetic of
the page (`closing.py`): each proof that a combination has counts as much as `PROOF` in the weights' own unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from firstline.reading.closing import PROVEN, Arithmetic, Closing, cents_of
from firstline.reading.document import Document
from firstline.schema.field import Field
from firstline.types import Json, Value

READER_PROOF = 1.2
"""What a proof is worth beside the second reader's likings."""
STUDENT_PROOF = 1.5
"""What a proof is worth beside logarithms of a student's shares."""
_TOTALS = 8
_MOST = {1: 6, 2: 4}
"""Candidates of the base and of each added amount, by how many are added; fewer where there are more."""
_FEW = 3
MOST_ADDED = 4


class Option(Value, frozen=True, kw_only=True):
    """A value that a field may have, None for "not there", and what speaks for it."""

    value: Json
    weight: float


class Chosen(Value, frozen=True, kw_only=True):
    """The best combination by field, what speaks for it, and each value's share among all combinations."""

    values: Mapping[str, Json]
    closing: Closing
    shares: Mapping[str, float]


def sums_of(fields: Sequence[Field]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return each total with the fields that make it: the base first, then what is added. Only numbers can."""
    numbers = {field.name for field in fields if field.type in ("number", "integer")}
    for field in fields:
        parts = field.sum_of
        if parts and numbers.issuperset((field.name, *parts)) and len(parts) <= MOST_ADDED + 1:
            yield field.name, parts


def choose(
    arithmetic: Arithmetic, total: str, parts: Sequence[str], options: Mapping[str, Sequence[Option]], *, proof: float
) -> Chosen | None:
    """Choose the values of a total and its parts together; None where the total has no option.

    `options` of a field come in any order; a field without any is taken as not there.
    """
    names = (total, *parts)
    most = _MOST.get(len(parts) - 1, _FEW)
    lists = [_best(options.get(name, ()), _TOTALS if name == total else most) for name in names]
    lists = [one or [Option(value=None, weight=0.0)] for one in lists]
    if all(one.value is None for one in lists[0]):
        return None
    scored: list[tuple[float, tuple[Option, ...], Closing]] = []
    for combination in product(*lists):
        closing, contradicts = look(arithmetic, [one.value for one in combination])
        weight = sum(one.weight for one in combination) + proof * (len(closing.proofs) - contradicts)
        scored.append((weight, combination, closing))
    top, best, closing = max(scored, key=lambda one: one[0])
    parts_of_all = [(math.exp(weight - top), combination) for weight, combination, _ in scored]
    whole = sum(part for part, _ in parts_of_all)
    shares = {
        name: sum(part for part, other in parts_of_all if other[at].value == best[at].value) / whole
        for at, name in enumerate(names)
    }
    return Chosen(values={name: best[at].value for at, name in enumerate(names)}, closing=closing, shares=shares)


def look(arithmetic: Arithmetic, values: Sequence[Json]) -> tuple[Closing, bool]:
    """Say what speaks for a total, its base and what is added (in this order), and whether they contradict it."""
    total, base, *added = [cents_of(value) for value in values]
    if total is None:
        return Closing(), False
    there = [one for one in added if one is not None]
    contradicts = base is not None and bool(there) and arithmetic.fails(total, base, there)
    return arithmetic.closing(total, base, there), contradicts


def proven(
    document: Document, fields: Sequence[Field], values: Mapping[str, Json], readings: Mapping[str, Json]
) -> frozenset[str]:
    """Name the fields whose values the page's arithmetic settles; each of them is printed.

    A sum does so with a second proof, or where the second reader found all of its amounts but one: the sum leaves no
    choice for that one. A total alone is settled by two proofs of its own.
    """
    found: set[str] = set()
    for total, parts in sums_of(fields):
        names = (total, *parts)
        arithmetic = document.arithmetic
        closing, contradicts = look(arithmetic, [values.get(name) for name in names])
        there = {name: at for name in names if (at := cents_of(values.get(name))) is not None}
        if contradicts or any(abs(at) not in arithmetic.printed for at in there.values()):
            continue
        if "sum" not in closing.proofs:
            found |= {total} if len(closing.proofs - {"rate"}) >= PROVEN else set()
            continue
        agreed = {name for name, at in there.items() if cents_of(readings.get(name)) == at}
        by_readers = closing.form == "added" and len(agreed) >= PROVEN and len(there) - len(agreed) <= 1
        if len(closing.proofs) < PROVEN and not by_readers:
            continue
        added = set(parts[1:]) if closing.form == "added" or "rate" in closing.proofs else set()
        found |= there.keys() & ({total, parts[0]} | added)
    return frozenset(found)


def _best(options: Sequence[Option], most: int) -> list[Option]:
    """The best options that are amounts, and "not there" if that is one."""
    amounts = [one for one in options if one.value is None or cents_of(one.value) is not None]
    ranked = sorted(amounts, key=lambda one: -one.weight)
    kept = ranked[:most]
    return kept + [one for one in ranked[most:] if one.value is None]

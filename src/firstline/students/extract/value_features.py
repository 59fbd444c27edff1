"""What sets one number or day of a document apart from the others: labels, arithmetic, rank and place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from firstline import patterns
from firstline.reading.candidate import longest_label
from firstline.reading.document import Document
from firstline.reading.reader import label_score
from firstline.reading.sums import summary_lines, support
from firstline.schema.field import Field
from firstline.students.extract.grid import Floats
from firstline.students.extract.spans import Span

AMOUNT = (
    "size", "decimals", "negative", "currency", "same", "rank", "of_largest", "support", "label", "aside", "on_line",
    "last_on_line", "from_end", "is_sum", "is_difference", "percent_behind", "before_1", "before_2", "after_1",
    "after_2", "run_before", "pair_before", "paid_less_change", "goes_into_later", "nearly_before", "nearly_behind",
    "of_five", "labelled_behind", "largest_labelled",
)  # fmt: skip
DAY = ("order", "days", "day_label", "day_unlike", "time_behind", "year")
_TIME = patterns.compile(r"^.{0,3}\d{1,2}\s?[:.]\s?\d\d", patterns.DOTALL)
_MANY = 60
_CENTS = 100
_HUGE = 10**12
_NEAR = 24
"""Numbers before and behind that are compared with one."""
_ROUNDING = 5
_LABELLED = 0.5


def _ratio(cents: int, other: int = 0) -> float:
    """The logarithm of another number's ratio to this one; 9 where there is none."""
    return math.log(other / cents) if other > 0 and cents > 0 else 9.0


class Sums:
    """The arithmetic of a document's amounts, made once and shared by its number fields."""

    def __init__(self, document: Document) -> None:
        mentions = document.amounts
        self.votes = support([m for m in mentions if m.amount.decimals == 2 or m.amount.currency])
        self.aside = summary_lines(document)
        self.same = Counter(m.amount.value for m in mentions)
        self.on_line = Counter(m.line for m in mentions)
        self.last_on_line = {m.line: at for at, m in enumerate(mentions)}
        money = {m.amount.value for m in mentions if m.amount.decimals == 2 and m.amount.value > 0}
        ordered = sorted(money, reverse=True)[:_MANY]
        self.largest = ordered[0] if ordered else Decimal(1)
        self.rank = {value: at for at, value in enumerate(ordered)}
        cents = [int(value * _CENTS) for value in ordered]
        pairs = [(a, b) for at, a in enumerate(cents) for b in cents[at + 1 :]]
        self.sums = {a + b for a, b in pairs}
        self.differences = {a - b for a, b in pairs}
        self.cents = [int(m.amount.value * _CENTS) if abs(m.amount.value) < _HUGE else 0 for m in mentions]
        self._order: dict[tuple[int, int], list[float]] = {}

    def order(self, at: int, cents: int) -> list[float]:
        """Say how a number stands to those before and behind it: ratios, sums, what is paid less change, rounding."""
        if (at, cents) not in self._order:
            self._order[at, cents] = self._relations(at, cents)
        return self._order[at, cents]

    def _relations(self, at: int, cents: int) -> list[float]:
        before, behind = self.cents[max(0, at - _NEAR) : at], self.cents[at + 1 : at + 1 + _NEAR]
        earlier, later = set(before) - {0}, set(behind) - {0}
        ratios = [_ratio(cents, *before[-1:]), _ratio(cents, *before[-2:-1]), _ratio(cents, *behind[:1])]
        ratios.append(_ratio(cents, *behind[1:2]))
        if cents <= 0:
            return [*ratios, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        total, run = 0, False
        for value in reversed(before):
            total += value
            run = run or (total == cents and value != cents)
        return [
            *ratios,
            run,
            any(cents - one in earlier and cents != 2 * one for one in earlier),
            any(cents + one in later for one in later if one > 0),
            any(cents + one in later for one in earlier | later if one > 0),
            any(one != cents and abs(one - cents) <= _ROUNDING for one in earlier),
            any(one != cents and abs(one - cents) <= _ROUNDING for one in later),
            cents % 5 == 0,
        ]


def amount_features(document: Document, field: Field, found: Sequence[Span], sums: Sums) -> Floats:
    """Describe numbers; shape (spans, len(AMOUNT))."""
    mentions = document.amounts
    labels = {number: label_score(mentions[number].leads, field) for number in {span.number for span in found}}
    labelled = [number for number in sorted(labels) if labels[number] > _LABELLED]
    most = max((mentions[number].amount.value for number in labelled), default=None)
    rows = []
    for span in found:
        mention = mentions[span.number]
        amount, value = mention.amount, mention.amount.readings[span.reading]
        cents = int(value * _CENTS) if abs(value) < _HUGE else 0
        rows.append(
            [
                math.copysign(math.log10(1 + min(abs(float(value)), 1e12)), value),
                amount.decimals,
                value < 0,
                amount.currency is not None,
                sums.same[amount.value],
                sums.rank.get(value, _MANY),
                min(float(value / sums.largest), 10.0),
                sums.votes.get(value, 0.0),
                labels[span.number],
                mention.line in sums.aside,
                sums.on_line[mention.line],
                sums.last_on_line[mention.line] == span.number,
                min(len(mentions) - 1 - span.number, _MANY),
                cents in sums.sums,
                cents in sums.differences,
                mention.trail.lstrip()[:1] == "%",
                *sums.order(span.number, cents),
                min(sum(number > span.number for number in labelled), 9),
                value == most,
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(len(found), len(AMOUNT))


def day_features(document: Document, field: Field, found: Sequence[Span], behind: Sequence[str]) -> Floats:
    """Describe days; `behind` is what follows each on its line. Shape (spans, len(DAY))."""
    mentions = document.dates
    rows = []
    for span, text in zip(found, behind, strict=True):
        lead = mentions[span.number].lead if span.number >= 0 else ""
        rows.append(
            [
                span.number,
                len(mentions),
                longest_label(field.labels, lead),
                longest_label(field.unlike, lead),
                bool(_TIME.match(text)),
                float(span.key[:4]) - 2000,
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(len(found), len(DAY))

"""Arithmetic between the amounts of a document: what is paid minus what is given back, a sum and its tax, rounding.

An amount that other printed amounts add up to is more likely the one to pay; no words are needed for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from firstline import patterns
from firstline.interruption import asking
from firstline.reading.document import Document
from firstline.reading.mentions import Mention
from firstline.reading.money_words import CHANGE, LARGEST_ROUNDING, ROUNDING, TAX
from firstline.values.amounts import find_amounts

_SUMMARY = patterns.compile(
    r"(?:gst|sst|vat|tax|mwst|tva|iva|btw)\W{0,3}(?:summary|analysis|code|breakdown|details|rate)|^\W*summary"
    r"|(?:amount|amt|netto|net)\W*(?:\([a-z]{2,3}\))?\W+(?:tax|gst|mwst|steuer|ust|tva|iva)\b",
    patterns.IGNORECASE,
)
_SUMMARY_LINES = 12
_MANY = 60


def support(mentions: Sequence[Mention]) -> Mapping[Decimal, float]:
    """Return each amount that the others' arithmetic speaks for (above 0) or against (below 0); at most about 1."""
    votes: dict[Decimal, float] = defaultdict(float)
    money = list(mentions[-_MANY:])
    values = {mention.amount.value for mention in money}
    for index, mention in enumerate(money):
        value, words = mention.amount.value, " ".join(lead.text for lead in mention.leads)
        if ROUNDING.search(words) and 0 < abs(value) <= LARGEST_ROUNDING:
            _rounding(votes, values, abs(value), after=money[index + 1 :], before=money[:index])
        if CHANGE.search(words) and value >= 0:
            _change(votes, money[:index], value)
        if TAX.search(words) and value > 0:
            for base in values:
                if base > value and base + value in values:
                    votes[base + value] = max(votes[base + value], 0.45)
                    votes[base] = min(votes[base], 0.0) - 0.1 if votes[base] <= 0 else votes[base]
    return votes


def summary_lines(document: Document) -> frozenset[int]:
    """Return the lines under the heading of a tax table, which repeats sums without tax."""
    aside: set[int] = set()
    for index, text in enumerate(asking(document.texts, 1)):
        if _SUMMARY.search(text) and index > len(document.texts) // 3 and not find_amounts(text):
            aside.update(range(index, index + _SUMMARY_LINES))
    return frozenset(aside)


def _rounding(
    votes: dict[Decimal, float],
    values: set[Decimal],
    step: Decimal,
    *,
    after: Sequence[Mention],
    before: Sequence[Mention],
) -> None:
    for mention in reversed(before):
        unrounded = mention.amount.value
        for rounded in (unrounded - step, unrounded + step):
            if rounded in values and any(m.amount.value == rounded for m in after):
                votes[rounded] += 0.8
                votes[unrounded] -= 0.4
                return


def _change(votes: dict[Decimal, float], before: Sequence[Mention], change: Decimal) -> None:
    """What was handed over minus the change: the nearest amounts before the change that differ by just it."""
    nearest = [mention.amount.value for mention in before[-6:]]
    for place in range(len(nearest) - 1, -1, -1):
        due = nearest[place] - change
        if due > 0 and due in nearest[: place if change else place + 1]:
            votes[due] += 0.6 if change else 0.2
            if change:
                votes[nearest[place]] -= 0.6
            return

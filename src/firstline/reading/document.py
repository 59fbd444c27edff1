"""A document as the readers see it: lines of cells, the amounts and dates in them, and the words that lead to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cached_property

from firstline import patterns
from firstline.interruption import ask
from firstline.layout import Line, lines_of_text, render, short_lines
from firstline.reading.closing import Arithmetic, is_unread_charge
from firstline.reading.mentions import DateMention, Lead, Mention
from firstline.values.amounts import Amount, find_amounts
from firstline.values.dates import find_dates

_NO_LETTER = patterns.compile(r"[\W\d_]")
_LETTER = patterns.compile(r"[^\W\d_]")
_LOOK_BACK = 3
LEAD_CHARS = 240
"""Words further before a value do not lead to it."""


class Document:
    """Lines in reading order and what stands in them. Made once a run and shared by all fields and rungs."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = tuple(short_lines(lines))
        self.text = render(lines)

    @classmethod
    def of_text(cls, text: str) -> Document:
        """Read plain text; the text itself stays as it was written."""
        document = cls(lines_of_text(text))
        document.text = text
        return document

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Each line's text, cells parted by two spaces."""
        return tuple(line.text for line in self.lines)

    @cached_property
    def amounts(self) -> tuple[Mention, ...]:
        """Every number of the document, in reading order, percentages left out."""
        mentions: list[Mention] = []
        tails: list[tuple[str, bool]] = []  # what follows the last number of each line above, and if there was one
        for index, text in enumerate(self.texts):
            amounts = [amount for amount in self._numbers[index] if not amount.percent]
            end = 0
            for amount in amounts:
                start = max(0, amount.start - LEAD_CHARS)
                own = text[max(end, start) : amount.start]
                mentions.append(
                    Mention(
                        amount=amount,
                        line=index,
                        leads=tuple(_leads(own, text[start : amount.start], tails)),
                        trail=text[amount.end : amount.end + 24],
                        y=self._height(index),
                    )
                )
                end = amount.end
            tails.append((text[end:][-LEAD_CHARS:], bool(amounts)))
        return tuple(mentions)

    @cached_property
    def percentages(self) -> frozenset[Decimal]:
        """The percentages that are printed, each once."""
        return frozenset(amount.value for amounts in self._numbers for amount in amounts if amount.percent)

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """What its amounts make together."""
        counted = {mention.line for mention in self.amounts if mention.is_money}
        unread = any(at not in counted and is_unread_charge(text) for at, text in enumerate(self.texts))
        return Arithmetic(self.amounts, self.percentages, unread=unread)

    @cached_property
    def _numbers(self) -> tuple[tuple[Amount, ...], ...]:
        """The numbers of each line."""
        found = []
        for text in self.texts:
            ask()
            found.append(tuple(find_amounts(text)))
        return tuple(found)

    @cached_property
    def dates(self) -> tuple[DateMention, ...]:
        """Every calendar date of the document, in reading order."""
        mentions = []
        for index, text in enumerate(self.texts):
            ask()
            for found in find_dates(text):
                above = self.texts[index - 1][-LEAD_CHARS:] if index else ""
                own = text[max(0, found.start - LEAD_CHARS) : found.start]
                lead = own if _LETTER.search(own) else f"{above} {own}"
                mentions.append(DateMention(found=found, line=index, lead=lead, y=self._height(index)))
        return tuple(mentions)

    def _height(self, index: int) -> float:
        return index / max(len(self.lines) - 1, 1)


def _leads(own: str, line_so_far: str, tails: Sequence[tuple[str, bool]]) -> Iterator[Lead]:
    """Words for a number: before it on its line; without any there, the nearest lines above that have some."""
    if _LETTER.search(own):
        yield Lead(text=own, weight=1.0)
        if _is_word(own):
            return
    elif _LETTER.search(line_so_far):
        yield Lead(text=line_so_far, weight=0.9)
        if _is_word(line_so_far):
            return
    weight = 0.85
    for tail, has_amount in reversed(tails[-_LOOK_BACK:]):
        if has_amount:
            weight *= 0.6
        if _LETTER.search(tail):
            yield Lead(text=tail, weight=weight)
            if _is_word(tail):
                return
        weight *= 0.8


def _is_word(text: str) -> bool:
    """Say whether there is more than a currency sign."""
    return len(_NO_LETTER.sub("", text)) > 3

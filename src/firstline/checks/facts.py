"""Facts of a text beside its numbers: times and fractions, identifiers, bounds, days and small numbers in words."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from firstline.checks.bounds import Bounds, bounds, turned_round
from firstline.checks.clock import Told, times_in_digits, told_times
from firstline.checks.exchanged_words import days_of_week, numbers_in_words
from firstline.checks.fractions import Fractions, fractions
from firstline.checks.identifiers import Identifiers, identifiers, lost_identifiers
from firstline.checks.terms import Term, Words
from firstline.checks.written_numbers import Numbers, with_ascii_digits


class Facts:
    """The facts of a text, each kind read when first asked for. `numbers` are those that are left beside them."""

    def __init__(self, text: str) -> None:
        self._text = with_ascii_digits(text)
        self._words = Words(self._text)
        self.told: Told = told_times(self._text)
        self._rest = Words(self.told.rest) if self.told.times else self._words
        self.identifiers: Identifiers = identifiers(self.told.rest)
        self.fractions: Fractions = fractions(self.identifiers.rest, self._rest)
        self.numbers = Numbers(
            self.fractions.rest,
            fractions=self.fractions.every,
            parts=self.fractions.parts | self.told.hours,
            told=frozenset(self.told.times),
        )

    @cached_property
    def bounds(self) -> Bounds:
        """What bounds the numbers."""
        return bounds(self._words, self._days)

    @cached_property
    def days(self) -> dict[str, str]:
        """The days of the week that are named."""
        return {term.name: term.text for term in self._days}

    @cached_property
    def _days(self) -> list[Term]:
        return days_of_week(self._words)

    @cached_property
    def in_words(self) -> dict[int, str]:
        """The small numbers in words, outside times and fractions."""
        return numbers_in_words(self._rest)

    @cached_property
    def times(self) -> frozenset[tuple[int, int]]:
        """The times of the day, told in words or written in digits, by twelve hours."""
        return frozenset(self.told.times) | times_in_digits(self.told.rest)


def lost_facts(mine: Facts, others: Facts) -> list[str]:
    """Return the facts of one text that are others in another text."""
    return [
        *lost_identifiers(mine.identifiers, others.identifiers, others.numbers.digits),
        *_lost_times(mine, others),
        *_lost_fractions(mine, others),
        *_lost_words(mine, others),
        *turned_round(mine.bounds, others.bounds),
    ]


def lost_days(mine: Facts, others: Facts) -> list[str]:
    """Return the days of the week that other days took the place of."""
    lost, new = mine.days.keys() - others.days.keys(), others.days.keys() - mine.days.keys()
    return [mine.days[name] for name in mine.days if name in lost] if lost and new else []


def _lost_times(mine: Facts, others: Facts) -> list[str]:
    lost = [time for time in mine.told.times if time not in others.times]
    return [mine.told.times[time] for time in lost] if lost and others.times - mine.times else []


def _lost_fractions(mine: Facts, others: Facts) -> list[str]:
    there = others.fractions.every
    lost = [shown for value, shown in mine.fractions.in_digits.items() if not _has_fraction(value, others)]
    gone = [value for value in mine.fractions.in_words if not _has_fraction(value, others)]
    new = [value for value in there if not _has_fraction(value, mine)]
    return lost + ([mine.fractions.in_words[value] for value in gone] if gone and new else [])


def _has_fraction(value: Fraction, there: Facts) -> bool:
    if value in there.fractions.every:
        return True
    readings = there.numbers.readings
    if any(Fraction(reading) % 1 == value or Fraction(reading) == value * 100 for reading in readings):
        return True
    words = there.numbers.in_words
    if value.denominator == 2:
        return 50 in words
    whole = {int(one) for one in there.numbers.groups if one == one.to_integral_value()}
    return all(part in words or part in whole or part == 1 for part in (value.numerator, value.denominator))


def _lost_words(mine: Facts, others: Facts) -> list[str]:
    """Return the small numbers in words that are gone, where others came."""
    if not mine.in_words.keys() - others.in_words.keys() or not others.in_words.keys() - mine.in_words.keys():
        return []
    lost = [number for number in mine.in_words if not _has_number(number, others)]
    new = lost and any(not _has_number(number, mine) for number in others.in_words)
    return [mine.in_words[number] for number in lost] if new else []


def _has_number(number: int, there: Facts) -> bool:
    numbers = there.numbers
    return number in numbers.in_words or number in numbers.groups or number in numbers.readings

"""The numbers of one text that another does not have: their values in any form, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from firstline.checks.lexicon import PERCENT
from firstline.checks.surroundings import Surroundings
from firstline.checks.written_numbers import Number, Numbers


def missing(wanted: Numbers, there: Numbers) -> tuple[str, ...]:
    """Return the numbers of one text that the other does not have in any form, each once, in order.

    A number whose value is there with another sign, unit or currency, without its percent, or in another half of the
    day, is missing too; it is shown with what stands around it.
    """
    regrouped = len(wanted.digits) >= 7 and wanted.digits in there.digits
    lost = [
        shown
        for number in wanted.found
        if (shown := _lost(number, wanted, there)) and not (regrouped and _is_part_of_a_row(number))
    ]
    return tuple(dict.fromkeys(lost or _exchanged_scales(wanted, there)))


def _lost(number: Number, wanted: Numbers, there: Numbers) -> str | None:
    if _is_told(number, there) or any(_is_fraction(value, there) for value in number.plain):
        return None
    same = [around for value in number.readings for around in there.around.get(value, ())]
    if same:
        return number.shown if _clashes(number.around, same, there) else None
    if number.around.scaled:
        return None if _plainly_there(number, there) and number.around.scales & there.scales else number.shown
    if number.around.hours:
        half = {hour >= 12 for hour in number.around.hours}
        said = half & {hour >= 12 for hour in there.hours} and _plainly_there(number, there)
        return None if said or not there.times.isdisjoint(number.times) or _has_parts(number, there) else number.shown
    halves = there.told_times.get(number.written, set())
    said = number.written in there.times or halves & {hour >= 12 for hour in wanted.hours}
    return None if (halves and said) or _has_parts(number, there) else number.text


def _clashes(around: Surroundings, same: Iterable[Surroundings], there: Numbers) -> bool:
    """Say whether none of the numbers with a value can be the one around which this stands."""
    others = tuple(same)
    if around.negative and not any(other.negative for other in others) and not there.has_minus:
        return True
    if not around.measures:
        return False
    if (
        around.measures == {PERCENT}
        and not any(PERCENT in other.measures for other in others)
        and not there.has_percent
    ):
        return True
    return all(other.measures and not other.measures & around.measures for other in others)


def _exchanged_scales(wanted: Numbers, there: Numbers) -> list[str]:
    """Return words for millions and more that another one took the place of (`three million`, `drei Milliarden`)."""
    mine, others = wanted.named_scales, there.named_scales
    if not mine or not others or wanted.lexicon.scales.signs or there.lexicon.scales.signs:
        return []
    lost, new = mine.keys() - others.keys(), others.keys() - mine.keys()
    in_digits = any(value >= min(lost) for value in there.readings) if lost else True
    return [mine[factor] for factor in sorted(lost)] if new and not in_digits else []


def _plainly_there(number: Number, there: Numbers) -> bool:
    """Say whether a number stands there without its scale or half of the day, in digits or words."""
    return not there.unscaled.isdisjoint(number.plain) or any(_in_words(value, there) for value in number.plain)


def _has_parts(number: Number, there: Numbers) -> bool:
    """Say whether the digit groups of a number stand there, or words for its value, or another form of a year."""
    if all(_has_group(there, group) or (len(number.groups) > 1 and _in_words(group, there)) for group in number.groups):
        return True
    return any(_in_words(value, there) or _of_a_year(value, there) for value in number.readings)


def _has_group(there: Numbers, group: Decimal) -> bool:
    return group in there.readings or group in there.groups


def _in_words(value: Decimal, there: Numbers) -> bool:
    return value < 10_000 and value == value.to_integral_value() and int(value) in there.in_words


def _is_part_of_a_row(number: Number) -> bool:
    """Say whether there are digits enough for a part of a longer row, as telephone numbers have them."""
    return sum(map(str.isdigit, number.text)) >= 3


def _of_a_year(value: Decimal, there: Numbers) -> bool:
    """Say whether a year stands there in another form: `1930s`, `die 30er`, `八十年代`, `20世紀30年代`."""
    if value > 2099 or value != value.to_integral_value():
        return False
    if 1900 <= value <= 2099:
        return value % 100 in there.readings or (
            value >= 1920 and value % 10 == 0 and int(value % 100) in there.in_words
        )
    return value in there.of_years


def _is_told(number: Number, there: Numbers) -> bool:
    """Say whether a number is a time, or the hour of one, that words tell there."""
    if not there.told or len(number.written) > 2:
        return False
    hour, minutes = number.written[0], int(number.written[1]) if len(number.written) > 1 else 0
    return (int(hour) % 12, minutes) in there.told or (not minutes and hour in there.groups)


def _is_fraction(value: Decimal, there: Numbers) -> bool:
    """Say whether a decimal stands there as a fraction, and a whole number before it."""
    if not there.fractions or value == value.to_integral_value() or Fraction(value) % 1 not in there.fractions:
        return False
    whole = value.to_integral_value(ROUND_FLOOR)
    return not whole or _has_group(there, whole) or _in_words(whole, there)

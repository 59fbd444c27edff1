"""The check `grounding`: what the answer says is in the source, after the normalisation of `firstline.values`.

Dates count by the day, amounts by their value, texts with case, spacing and punctuation folded and only as whole
words. `docs/concepts/checks.md` spells the rules out. `Evidence` is what the check reads a source as; others that
want to know whether a value stands in a text use the same.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from decimal import Decimal
from functools import cached_property
from itertools import accumulate

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.schema.field import FieldType
from firstline.types import Finding, Json
from firstline.values.amounts import Amount, find_amounts, number_spans, parse_amount
from firstline.values.counts import counts
from firstline.values.currencies import CURRENCIES
from firstline.values.dates import find_dates, parse_dates
from firstline.values.figures import CURRENCY
from firstline.values.plain import plain
from firstline.values.texts import Folded, folded, folded_words, joined

_WRITTEN_NUMBER = patterns.compile(
    rf"[-+(]?\s?(?:{CURRENCY}\s?)?[0-9]+(?:[.,'][0-9]+)+(?:\s?{CURRENCY})?\)?", patterns.IGNORECASE
)
_DIGITS = patterns.compile(r"[0-9]+")
_DIGITS_ON = patterns.compile(r"[.,']?[0-9]")
_MOST_PLACES = 10_000
"""Places at which a text is looked for between words; only a text made for it stands at more without being one."""
_ISO_CURRENCIES = frozenset(CURRENCIES.values())


class Evidence:
    """A source, read once: the amounts, days and words in it. Each is found when first asked for."""

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def amounts(self) -> frozenset[Decimal]:
        """Every value that a number of the source can mean; where a minus may be a dash, both signs of it."""
        found: set[Decimal] = set()
        for amount in self._found:
            found.update(amount.readings)
            if amount.percent:
                found.update(map(_hundredth, amount.readings))
        return frozenset(found)

    @cached_property
    def _found(self) -> list[Amount]:
        return find_amounts(self.source)

    @cached_property
    def days(self) -> frozenset[object]:
        """Every day that a date of the source can mean."""
        return frozenset(day for found in find_dates(self.source) for day in found.readings)

    @cached_property
    def currencies(self) -> frozenset[str]:
        """The ISO 4217 codes of the currencies beside the amounts."""
        return frozenset(amount.currency for amount in self._found if amount.currency)

    @cached_property
    def _counts(self) -> frozenset[int]:
        """The whole numbers with a unit glued to them."""
        return counts(self.source)

    @cached_property
    def _words(self) -> tuple[Folded, list[int]]:
        """The folded source without spaces, and the sorted offsets at which a word begins or ends."""
        words = folded_words(self.source)
        edges = accumulate((len(word.letters) for word in words), initial=0)
        return joined(words), list(edges)

    def has_amount(self, value: Json) -> bool:
        """Say whether a number, or a text that is one number, stands in the source."""
        readings = parse_amount(value)
        if any(reading in self.amounts for reading in readings):
            return True
        return any(reading in self._counts for reading in readings)

    def has_day(self, value: Json) -> bool:
        """Say whether a date stands in the source, in whatever form."""
        return any(day in self.days for day in parse_dates(value))

    def has_number_as_written(self, text: str) -> bool:
        """Say whether a number stands in the source sign by sign, and not as a part of a longer one."""
        return self._is_part(plain(text.strip()).text) is False

    def _is_part(self, wanted: str) -> bool | None:
        """Say whether digits stand in the source inside of longer numbers only; None where they do not stand there."""
        source = self._plain
        at, found = source.find(wanted), None
        for _ in range(_MOST_PLACES):
            if at == -1:
                return found
            end = at + len(wanted)
            before, behind = source[max(0, at - 2) : at][::-1], source[end : end + 2]
            if not _DIGITS_ON.match(before) and not _DIGITS_ON.match(behind) and not self._is_inside(at, end):
                return False
            at, found = source.find(wanted, at + 1), True
        return found

    def _is_inside(self, start: int, end: int) -> bool:
        """Say whether a place of the folded source cuts a number in two."""
        spans = self._spans
        first = bisect_right(spans, (start, len(self._plain))) - 1
        cut_before = first >= 0 and spans[first][0] < start < spans[first][1]
        last = bisect_left(spans, (end, 0)) - 1
        return cut_before or (last >= 0 and spans[last][0] < end < spans[last][1])

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return number_spans(self._plain)

    @cached_property
    def _plain(self) -> str:
        return plain(self.source).text

    def has_text(self, text: str) -> bool:
        """Say whether a text stands in the source as whole words in a row, case, spacing and punctuation folded."""
        wanted = folded(text)
        if not wanted.letters:
            return text.strip() in self.source
        if _DIGITS.fullmatch(text.strip()) and self._is_part(text.strip()) and not self.has_amount(text):
            return False
        there, edges = self._words
        at = there.letters.find(wanted.letters)
        for _ in range(_MOST_PLACES):
            if at == -1:
                return False
            if _is_in(edges, at) and _is_in(edges, at + len(wanted.letters)) and there.agrees(wanted, at):
                return True
            place = bisect_right(edges, at)
            at = there.letters.find(wanted.letters, edges[place]) if place < len(edges) else -1
        return False


def grounded(field: str, kind: FieldType) -> Check:
    """Make the check that the value of `field` stands in the source.

    `kind` is the type of the field: `number` and `integer` are compared by value, `date` by day, `string` as folded
    words; of an `array` or `object` every value inside is looked up by what it is. Null and booleans pass.
    """

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        if not isinstance(answer, dict) or answer.get(field) is None or not subject.under_test(field):
            return ()
        missing = _missing(answer[field], kind, subject.reading(Evidence), field)
        return tuple(Finding(check="grounding", field=field, reason=reason) for reason in missing)

    return NamedCheck(name="grounding", look=look)


def _missing(value: Json, kind: FieldType, evidence: Evidence, place: str) -> list[str]:
    if isinstance(value, dict):
        inner = [(item, f"{place}.{key}") for key, item in value.items()]
        return [reason for item, where in inner for reason in _missing(item, "object", evidence, where)]
    if isinstance(value, list):
        inner = [(item, f"{place}[{i}]") for i, item in enumerate(value)]
        below: FieldType = "object" if kind == "array" else kind
        return [reason for item, where in inner for reason in _missing(item, below, evidence, where)]
    if stands(value, kind, evidence):
        return []
    where = "" if "." not in place and "[" not in place else f"{place}: "
    return [f"{where}{shown(value)} is not in the source"]


def stands(value: Json, kind: FieldType, evidence: Evidence) -> bool:
    """Say whether one value (not a list or object) stands in a source; null and booleans always do."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return evidence.has_amount(value)
    if not isinstance(value, str):
        return False
    if kind in ("number", "integer"):
        return evidence.has_amount(value)
    if kind == "date" and parse_dates(value):
        return evidence.has_day(value)
    if _WRITTEN_NUMBER.fullmatch(plain(value.strip()).text):  # as a text `1.23` would stand in `1,23,457.08`
        return evidence.has_amount(value) or evidence.has_number_as_written(value) or evidence.has_day(value)
    if evidence.has_text(value) or (value in _ISO_CURRENCIES and value in evidence.currencies):
        return True
    return kind == "object" and (evidence.has_day(value) or evidence.has_amount(value))


def _hundredth(value: Decimal) -> Decimal:
    """Divide by a hundred with all digits kept."""
    sign, digits, exponent = value.as_tuple()
    return Decimal((sign, digits, int(exponent) - 2))


def _is_in(ordered: list[int], item: int) -> bool:
    at = bisect_left(ordered, item)
    return at < len(ordered) and ordered[at] == item

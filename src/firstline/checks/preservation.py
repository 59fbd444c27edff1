"""The check `preservation`: numbers, dates, addresses, placeholders, markup and names come through a rewriting.

A number may change its form (`1,234.5` to `1.234,5`, `3` to `drei`, `$2 billion` to `20億ドル`, `2pm` to `14 Uhr`), not
its value. `docs/concepts/checks.md` lists what is allowed.
"""

from __future__ import annotations

from calendar import month_name
from collections import Counter
from collections.abc import Callable, Sequence, Set
from typing import Literal, get_args

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.checks.facts import Facts, lost_days, lost_facts
from firstline.checks.marks import Marks, marks
from firstline.checks.missing_numbers import missing
from firstline.checks.names import changed_names, invented_names
from firstline.checks.written_numbers import Numbers
from firstline.errors import TaskError
from firstline.interruption import asking
from firstline.types import Finding, Json, Value
from firstline.values.dates import DateFound, find_dates
from firstline.values.texts import fold

Kind = Literal["number", "date", "url", "email", "handle", "placeholder", "markup", "name"]
Mode = Literal["both", "no_new"]
KINDS: tuple[Kind, ...] = get_args(Kind)
USUAL: tuple[Kind, ...] = ("number", "date", "url", "email", "handle", "placeholder", "markup")
"""All but names, which translators translate: `name` refuses a few right translations in a hundred."""


_LIKE = 3
_IN_BRACKETS = patterns.compile(r"\[[a-z]+\]")
"""A placeholder where the source has it; where only the translation has it, a word that the translator put in."""


class _Side(Value, frozen=True, kw_only=True):
    """One of the two texts, read."""

    text: str
    marks: Marks
    facts: Facts

    @property
    def numbers(self) -> Numbers:
        """The numbers of the text."""
        return self.facts.numbers


def preserved(field: str, kinds: Sequence[Kind] = USUAL, *, mode: Mode = "both") -> Check:
    """Make the check that what `kinds` names is the same in the source and in the text of `field`.

    `both`: nothing lost and nothing invented, for translating and rewriting. `no_new`: nothing invented, for
    summarising. One finding a kind. Raises TaskError for an unknown kind or mode.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise TaskError(f"`{unknown[0]}` is nothing that can be preserved", hint=f"there are {', '.join(KINDS)}")
    if mode not in get_args(Mode):
        raise TaskError(f"`{mode}` is no mode of preservation", hint="there are both and no_new")

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        value = answer.get(field) if isinstance(answer, dict) else None
        if value is None or not subject.under_test(field):
            return ()
        before, after = _side(subject.source), _side(_text(value))
        reasons = [reason for kind in kinds for reason in _compare(kind, before, after, mode)]
        return tuple(Finding(check="preservation", field=field, reason=reason) for reason in reasons)

    return NamedCheck(name="preservation", look=look)


def _side(text: str) -> _Side:
    read = marks(text)
    return _Side(text=text, marks=read, facts=Facts(read.rest))


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(map(_text, value.values()))
    return "\n".join(map(_text, value)) if isinstance(value, list) else shown(value, limit=1_000)


def _compare(kind: Kind, before: _Side, after: _Side, mode: Mode) -> list[str]:
    if kind == "name":
        return _names(before, after, mode)
    lost_by: Callable[[_Side, _Side], Sequence[str]] = _LOST[kind]
    lost = lost_by(before, after) if mode == "both" else ()
    new = [item for item in lost_by(after, before) if kind != "placeholder" or _IN_BRACKETS.fullmatch(item) is None]
    return [f"{verb} the {kind} {_listed(items)}" for verb, items in (("lost", lost), ("invented", new)) if items]


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return ", ".join(shown(item, limit=60) for item in items[:5]) + more


def _names(before: _Side, after: _Side, mode: Mode) -> list[str]:
    if mode == "no_new":
        new = invented_names(before.text, after.text)
        return [f"invented the name {_listed(new)}"] if new else []
    changed = changed_names(before.text, after.text)
    return [f"lost the name {_listed(changed[0])}, invented {_listed(changed[1])}"] if changed else []


def _lost_numbers(source: _Side, target: _Side) -> Sequence[str]:
    return list(dict.fromkeys((*missing(source.numbers, target.numbers), *lost_facts(source.facts, target.facts))))


def _lost_dates(source: _Side, target: _Side) -> Sequence[str]:
    found = find_dates(target.marks.rest)
    days = {day for one in found for day in one.readings}
    months = target.numbers.months | {day.month for day in days}
    lost = [
        one.text
        for one in asking(find_dates(source.marks.rest))
        if not days.intersection(one.readings) and (_in_another(one, months) or not _in_digits(one, target.numbers))
    ]
    return lost or _exchanged_months(source, target, months) or lost_days(source.facts, target.facts)


def _in_another(found: DateFound, months: Set[int]) -> bool:
    """Say whether months are named there, and none is the date's."""
    return bool(months) and months.isdisjoint(day.month for day in found.readings)


def _exchanged_months(source: _Side, target: _Side, there: Set[int]) -> list[str]:
    """Return the names of months that another month took the place of. One without the other is no proof."""
    mine = source.numbers.months
    known = mine | {day.month for one in find_dates(source.marks.rest) for day in one.readings}
    gone = [month for month in sorted(mine - there) if month not in target.numbers.groups]
    return [month_name[month] for month in gone] if gone and target.numbers.months - known else []


def _in_digits(found: DateFound, there: Numbers) -> bool:
    """Say whether day and year stand there as numbers: a month's name that is not known."""
    groups = there.groups
    return any(day.day in groups and (day.year in groups or day.year % 100 in groups) for day in found.readings)


def _lost_of(name: str) -> Callable[[_Side, _Side], Sequence[str]]:
    def lost(source: _Side, target: _Side) -> Sequence[str]:
        here: Counter[str] = getattr(source.marks, name)
        there: Counter[str] = getattr(target.marks, name)
        plural = any("," in mark for mark in here)  # an ICU message repeats its arguments once a plural form
        return [mark for mark in here if (mark not in there if plural else here[mark] > there[mark])]

    return lost


def _lost_urls(source: _Side, target: _Side) -> Sequence[str]:
    there = {_address(url) for url in target.marks.url}
    lost = [url for url in source.marks.url if _address(url) not in there]
    return lost or _exchanged_links(source.marks, target.marks)


def _exchanged_links(source: Marks, target: Marks) -> list[str]:
    """Return the addresses that stand in another order, unless the words of their links moved with them."""
    here = [link for link in source.links if link in target.links]
    there = [link for link in target.links if link in source.links]
    moved = [one for one, other in zip(here, there, strict=True) if one != other]
    return [link for link in moved if not _is_like(source.links[link], target.links[link])]


def _is_like(words: str, others: str) -> bool:
    """Say whether the words of two links begin alike, as names and many words of related languages do."""
    start = fold(words)[:_LIKE]
    return len(start) == _LIKE and fold(others)[:_LIKE] == start


def _address(url: str) -> str:
    scheme, _, rest = url.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/")


_LOST: dict[str, Callable[[_Side, _Side], Sequence[str]]] = {
    "number": _lost_numbers,
    "date": _lost_dates,
    "url": _lost_urls,
    "email": _lost_of("email"),
    "handle": _lost_of("handle"),
    "placeholder": _lost_of("placeholder"),
    "markup": _lost_of("markup"),
}

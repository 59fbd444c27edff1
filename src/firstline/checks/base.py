"""What a check is: a pure function from a `Subject` to findings; none means that nothing speaks against the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar, cast

import msgspec

from firstline.errors import ReadingTimeError
from firstline.interruption import ask
from firstline.types import Finding, Json, Value

Read = TypeVar("Read")


class Subject(Value, frozen=True, kw_only=True):
    """What a check looks at.

    `answer` is the task's whole answer: an object with a key a field (classify: `{"label": …}`; transform:
    `{"text": …}`). `source` is the text of the input as the model saw it (OCR or PDF text for pictures). `fields`
    are the fields under test (empty: all). `confidences` holds measured probabilities by field, `readings` what a
    second, different reader found by field (a field that it did not find is missing), `heard` what models asked
    earlier gave. `proven` are fields whose values the arithmetic of the source settles. `parameters` are the run's own.
    `read` keeps what checks have made of the source.
    """

    answer: Json
    source: str = ""
    fields: tuple[str, ...] = ()
    confidences: Mapping[str, float] = {}
    readings: Mapping[str, Json] = {}
    heard: Mapping[str, tuple[Json, ...]] = {}
    proven: frozenset[str] = frozenset()
    parameters: Mapping[str, Json] = {}
    read: dict[Callable[[str], object], object] = msgspec.field(default_factory=dict)

    def reading(self, reader: Callable[[str], Read]) -> Read:
        """Return what a reader makes of the source; read once for all checks of this answer."""
        if reader not in self.read:
            self.read[reader] = reader(self.source)
        return cast("Read", self.read[reader])

    def under_test(self, field: str) -> bool:
        """Say whether a field is to be looked at."""
        return not self.fields or field in self.fields


class Check(Protocol):
    """One verification. `name` is what findings, docs and task files call it."""

    @property
    def name(self) -> str:
        """The check's name, such as `grounding`."""
        ...

    def __call__(self, subject: Subject) -> tuple[Finding, ...]:
        """Look at an answer and give what speaks against it. Never raises for a wrong answer; no input or output."""
        ...


class NamedCheck(Value, frozen=True, kw_only=True):
    """A check made of its name and the function that looks; what every factory gives back."""

    name: str
    look: Callable[[Subject], tuple[Finding, ...]]

    def __call__(self, subject: Subject) -> tuple[Finding, ...]:
        return self.look(subject)


def findings_of(checks: Iterable[Check], subject: Subject) -> tuple[Finding, ...]:
    """Ask checks one after the other; each that the time of the reading (`Deadline`) ends is a finding."""
    found: list[Finding] = []
    for check in checks:
        try:
            ask()
            found += check(subject)
        except ReadingTimeError as error:
            found.append(Finding(check=check.name, reason=f"was not checked: {error.message}"))
    return tuple(found)


def shown(value: Json, limit: int = 80) -> str:
    """Write a value for a reason: texts as they are, everything else as JSON, cut at `limit` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"

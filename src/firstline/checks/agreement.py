"""The check `agreement`: a second, different reader found the same value."""

from __future__ import annotations

from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.checks.grounding import Evidence
from firstline.schema.field import FieldType
from firstline.types import Finding, Json
from firstline.values.same import same_amount, same_date, same_text
from firstline.values.texts import fold


def agrees(
    field: str,
    kind: FieldType,
    *,
    required: bool = False,
    contained: bool = False,
    models: bool = True,
    later: bool = False,
) -> Check:
    """Make the check that the second reader's value of `field` is the answer's, or, with `models`, an earlier model's.

    Compared by type: dates by day, amounts by value, texts with case, spacing and punctuation folded, lists item by
    item, objects key by key. With `contained` a text also agrees with one that holds all its words in a row. Where the
    second reader found nothing there is nothing to compare; that is a finding only when `required` is set. With `later`
    the model that answers first needs nobody to agree, and neither does a value that arithmetic settles.
    """

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        if not isinstance(answer, dict) or not subject.under_test(field):
            return ()
        value = answer.get(field)
        if field in subject.proven:
            return ()
        if later and not subject.heard.get(field):
            return ()
        if models and _heard(value, subject.heard.get(field, ()), kind):
            return ()
        if subject.readings.get(field) is None:
            if not required or value is None:
                return ()
            return (_finding("no second reader found it"),)
        reading = subject.readings[field]
        if same(value, reading, kind, contained=contained):
            return ()
        return (_finding(f"the second reader found {shown(reading)}, not {shown(value)}"),)

    def _finding(reason: str) -> Finding:
        return Finding(check="agreement", field=field, reason=reason)

    return NamedCheck(name="agreement", look=look)


def same(left: Json, right: Json, kind: FieldType, *, contained: bool = False) -> bool:
    """Say whether two values of a field mean the same."""
    if left is None or right is None:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        keys = {key for key in {*left, *right} if left.get(key) is not None or right.get(key) is not None}
        return all(same(left.get(key), right.get(key), "object", contained=contained) for key in keys)
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(same(a, b, "object", contained=contained) for a, b in pairs)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if kind in ("number", "integer") or isinstance(left, int | float) or isinstance(right, int | float):
        return same_amount(left, right)
    if kind == "date" and same_date(left, right):
        return True
    if same_text(left, right):
        return True
    return contained and isinstance(left, str) and isinstance(right, str) and _holds(left, right)


def _heard(value: Json, earlier: tuple[Json, ...], kind: FieldType) -> bool:
    return value is not None and any(one is not None and same(value, one, kind) for one in earlier)


def _holds(left: str, right: str) -> bool:
    short, long = sorted((left, right), key=lambda text: len(fold(text)))
    return bool(fold(short)) and Evidence(long).has_text(short)

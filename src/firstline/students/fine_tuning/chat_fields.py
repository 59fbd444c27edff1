"""The fields of an extraction, found in contents: their types, and how their values are written. Pure.

A field is one that is taught only where its values stand in the user's text, dates by the day, amounts by their value,
texts with case, spacing and punctuation folded (`checks/grounding.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from firstline import patterns
from firstline.checks.grounding import Evidence
from firstline.errors import UsageError
from firstline.schema.field import FieldType
from firstline.students.fine_tuning.content_form import Case, FieldForm, Style, Written, parse_object, style_of
from firstline.types import Json, Value
from firstline.values.amounts import parse_amount

ALONE = "answer"
"""The field of contents that are one value and no object."""

_STANDS = 0.8
_SPELLED = 0.95
_SHAPED = 0.95
_LEAST_PRESENT = 5
_LONGEST = 400
_STYLE_LINES = 200
_NUMBER = patterns.compile(r"-?\d+(?:\.(\d+))?")
_DAY = patterns.compile(r"\d{4}-\d{2}-\d{2}")
_NAME = patterns.compile(r"[^\W_](?:[^\x00-\x1f\"]{0,62}[^\s\"])?")

Said = tuple[int, str, str]
"""A line's number, the user's text and the content."""


class Taught(Value, frozen=True, kw_only=True):
    """A field: its type, whether it may be absent, and how it is written. `style` is None where it stands alone."""

    name: str
    type: FieldType
    optional: bool
    form: FieldForm
    style: Style | None

    def expected(self, content: str) -> Json:
        """Return the value that a content has for this field; None: it is not there. Raises UsageError where it has
        another shape."""
        raw: Json = content.strip()
        if self.style is not None:
            parsed = parse_object(content)
            if parsed is None or isinstance(parsed[0].get(self.name), list | dict | bool):
                raise UsageError("the content is no such object", param=self.name)
            raw = parsed[0].get(self.name)
        if _is_absent(raw) or raw == self.form.absent:
            return None
        if self.type in ("number", "integer"):
            readings = parse_amount(raw)
            if not readings:
                raise UsageError(f"{raw!r} is no number", param=self.name)
            return int(readings[0]) if self.type == "integer" else float(readings[0])
        return raw if isinstance(raw, str) else str(raw)


class _Value(Value, frozen=True, kw_only=True):
    """A field's value in a line that has one."""

    line: int
    raw: Json
    text: str
    evidence: Evidence

    @property
    def as_day(self) -> bool:
        return isinstance(self.raw, str) and _DAY.fullmatch(self.raw) is not None and self.evidence.has_day(self.raw)

    @property
    def as_number(self) -> bool:
        plain = not isinstance(self.raw, str) or _NUMBER.fullmatch(self.raw) is not None
        return plain and self.evidence.has_amount(self.raw)

    @property
    def as_text(self) -> bool:
        return isinstance(self.raw, str) and self.evidence.has_text(self.raw)

    @property
    def stands(self) -> bool:
        return self.as_text or self.as_day or self.as_number


def find_fields(said: Sequence[Said]) -> tuple[Taught, ...] | str:
    """Find the fields; in words why there are none that could be taught."""
    parsed = [(line, text, parse_object(content)) for line, text, content in said]
    objects = [(line, text, found[0]) for line, text, found in parsed if found is not None]
    if len(objects) < _SHAPED * len(said):
        if objects and len(objects) >= len(said) / 2:
            other = next(line for line, _, found in parsed if found is None)
            return f"{len(said) - len(objects)} of {len(said)} answers are no JSON object (line {other})"
        return _alone(said)
    names = list(dict.fromkeys(name for _, _, tree in objects for name in tree))
    if not names:
        return "the JSON objects are empty"
    style = style_of([content for _, _, content in said[:_STYLE_LINES]])
    read = [(line, text, tree, Evidence(text)) for line, text, tree in objects]
    fields = []
    for name in _ordered(names, [tree for _, _, tree in objects]):
        values = [(line, text, name in tree, tree.get(name), evidence) for line, text, tree, evidence in read]
        found = _field(name, values, style)
        if isinstance(found, str):
            return found
        fields.append(found)
    return tuple(fields)


def _alone(said: Sequence[Said]) -> tuple[Taught, ...] | str:
    """Take contents that are one value each."""
    values = [(line, text, True, content.strip(), Evidence(text)) for line, text, content in said]
    found = _field(ALONE, values, None)
    return f"its answers are no JSON objects, and {found}" if isinstance(found, str) else (found,)


def _field(name: str, values: Sequence[tuple[int, str, bool, Json, Evidence]], style: Style | None) -> Taught | str:
    """Find one field: each line's number and text, whether it has the key, its value, and the text as evidence."""
    what = f"`{name}`" if style is not None else "the answer"
    if style is not None and _NAME.fullmatch(name) is None:
        return f"the key {name[:64]!r} can name no field"
    for line, _, _, raw, _ in values:
        if isinstance(raw, list | dict | bool):
            kind = "a list" if isinstance(raw, list) else "an object" if isinstance(raw, dict) else "true or false"
            return f"{what} is {kind} (line {line}), and only texts, numbers and dates are found in a text"
    given = [
        _Value(line=line, raw=raw, text=text, evidence=evidence)
        for line, text, _, raw, evidence in values
        if not _is_absent(raw)
    ]
    standing = [one for one in given if one.stands]
    marker = _marker([one for one in given if not one.stands])
    present = [one for one in given if one.raw != marker]
    if len(standing) < _STANDS * len(present) or len(standing) < _LEAST_PRESENT:
        other = next((one for one in present if not one.stands), None)
        shown = f" (line {other.line}: {str(other.raw)[:80]!r})" if other is not None else ""
        return f"{what} stands in the user's text in {len(standing)} of {len(values)} lines{shown}"
    long = next((one for one in standing if len(str(one.raw)) > _LONGEST), None)
    if long is not None:
        return f"{what} is longer than {_LONGEST} characters (line {long.line})"
    kind = _type(present)
    without = [(has, raw) for _, _, has, raw, _ in values if _is_absent(raw) or raw == marker]
    return Taught(
        name=name,
        type=kind,
        optional=bool(without),
        form=_form(kind, present, without, marker),
        style=style,
    )


def _type(present: Sequence[_Value]) -> FieldType:
    """Return the type by which most values stand in their text as they are written."""
    if all(not isinstance(one.raw, str) for one in present):
        return "integer" if all(isinstance(one.raw, int) for one in present) else "number"
    strings = [one for one in present if isinstance(one.raw, str)]
    as_written = sum(one.raw in one.text for one in strings)
    if as_written >= _SPELLED * len(strings):
        return "string"
    if all(_DAY.fullmatch(one.raw) for one in strings):
        return "date"
    if all(_NUMBER.fullmatch(one.raw) for one in strings):
        return "number" if any("." in one.raw for one in strings) else "integer"
    return "string"


def _form(kind: FieldType, present: Sequence[_Value], without: Sequence[tuple[bool, Json]], marker: Json) -> FieldForm:
    told = Counter(_shown_absence(has, raw) for has, raw in without)
    has, absent = told.most_common(1)[0][0] if told else (True, marker)
    return FieldForm(
        quoted=kind != "string" and all(isinstance(one.raw, str) for one in present),
        decimals=_decimals(present) if kind == "number" else None,
        case=_case(present) if kind == "string" else None,
        absent=absent,
        omitted=not has,
    )


def _shown_absence(has: bool, raw: Json) -> tuple[bool, Json]:
    return has, raw if has else None


def _decimals(present: Sequence[_Value]) -> int | None:
    """Return the digits after the point where all have as many and that is not how JSON writes them anyway."""
    counts, bare = set(), True
    for one in present:
        digits = one.raw.digits if isinstance(one.raw, Written) else str(one.raw)
        found = _NUMBER.fullmatch(digits)
        if found is None:
            return None
        counts.add(len(found[1] or ""))
        bare = bare and not digits.endswith("0")
    return counts.pop() if len(counts) == 1 and counts != {0} and not (bare and counts == {1}) else None


def _case(present: Sequence[_Value]) -> Case | None:
    """Return the case that all values are written in although their texts have another."""
    other = [one for one in present if isinstance(one.raw, str) and one.raw not in one.text]
    if len(other) < (1 - _SPELLED) * len(present):
        return None
    cases: Mapping[Case, bool] = {
        "lower": all(str(one.raw) == str(one.raw).lower() for one in present),
        "upper": all(str(one.raw) == str(one.raw).upper() for one in present),
        "title": all(str(one.raw) == str(one.raw).title() for one in present),
    }
    return next((case for case, holds in cases.items() if holds), None)


def _marker(missing: Sequence[_Value]) -> Json:
    """Return the one text, such as `N/A`, that says a value is not there; None where there is none."""
    counted = Counter(one.raw for one in missing if isinstance(one.raw, str))
    if not counted:
        return None
    [(text, count)] = counted.most_common(1)
    return text if count >= max(2, _STANDS * len(missing)) else None


def _is_absent(raw: Json) -> bool:
    return raw is None or (isinstance(raw, str) and not raw.strip())


def _ordered(names: Sequence[str], trees: Sequence[Mapping[str, Json]]) -> list[str]:
    """Put the keys into the order that most objects have."""
    counted = Counter(tuple(tree) for tree in trees)
    best = counted.most_common(1)[0][0]
    return [*best, *(name for name in names if name not in best)]

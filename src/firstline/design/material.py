"""The examples that a task is designed from: what they tell, which the designer sees, and which are held back.

What is shown goes into the prompt and, of a classify task, into the task itself; so what the task is tried on must be
other examples. Pure: what the inputs hold is read elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from firstline.checks.agreement import same
from firstline.errors import UsageError
from firstline.evaluation.examples import Row
from firstline.schema.field import FieldType
from firstline.tasks.task import Kind
from firstline.types import Json, Text, Value
from firstline.values.dates import parse_dates

MOST_SHOWN_OF_LABEL = 5
MOST_SHOWN = 12
"""Examples shown of a task without labels."""
MOST_TRIED = 40
ALL_KINDS: tuple[Kind, ...] = ("classify", "extract", "transform")

_LONGEST_DATE = 32
_TYPES: tuple[tuple[type | tuple[type, ...], FieldType], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    ((int, float), "number"),
    (list, "array"),
    (dict, "object"),
)


class Seen(Value, frozen=True, kw_only=True):
    """What the examples say of one field: the type of its values, in how many it is named, in how many null."""

    name: str
    type: FieldType
    n: int
    nulls: int


class Material(Value, frozen=True, kw_only=True):
    """Examples, read and looked through.

    `kinds` are those that a task of them can be; `labels` counts them by label, `fields` says what they expect. `shown`
    and `held` part the examples; an input stands in one of the two alone. `inputs` is what the task has to take.
    """

    name: str
    rows: tuple[Row, ...]
    kinds: tuple[Kind, ...]
    labels: Mapping[str, int] = {}
    fields: tuple[Seen, ...] = ()
    shown: tuple[Row, ...] = ()
    held: tuple[Row, ...] = ()
    inputs: tuple[str, ...] = ("text",)

    @property
    def labelled(self) -> int:
        """How many say what is right."""
        return sum(bool(row.expected) for row in self.rows)

    @property
    def tried(self) -> tuple[Row, ...]:
        """What the task is tried on: examples that were held back, and shown ones only where there are no others."""
        labelled = [row for row in self.held if row.expected]
        return tuple(spread(labelled or self.held or self.shown, MOST_TRIED))


def material(rows: Sequence[Row], *, name: str, kind: Kind | None = None) -> Material:
    """Look through examples; `name` is their file's, `kind` what the task is wished to be.

    Raises UsageError with the line where two contradict each other, where they are too few, or cannot make that kind.
    """
    for row in rows:
        if not any(part.text.strip() if isinstance(part, Text) else part.data for part in row.given.parts):
            raise UsageError(f"{name}:{row.line}: input: is empty", hint="give a text, a picture or a PDF")
    unlike = _distinct(rows, name)
    if len(unlike) < 2:
        raise UsageError(
            f"{name} holds one example",
            hint="give two at least, ten or more of each kind are better: some are held back",
        )
    kinds = _kinds(rows, name)
    if kind is not None and kind not in kinds:
        raise UsageError(
            f"the examples of {name} make no {kind} task but {' or '.join(kinds)}",
            hint='a label is {"expected": "billing"}, fields are {"expected": {"total": 12.5}}, a text {"expected": '
            '{"text": …}}',
            param="--kind",
        )
    sorts = kinds == ("classify",)
    labels = Counter(str(row.expected["label"]) for row in rows if row.expected and sorts)
    shown = _shown_by_label(unlike) if labels else spread(unlike, min(MOST_SHOWN, len(unlike) // 2))
    seen = {id(row) for row in shown}
    pictures = any(not isinstance(part, Text) for row in rows for part in row.given.parts)
    return Material(
        name=name,
        rows=tuple(rows),
        kinds=kinds if kind is None else (kind,),
        labels=dict(labels.most_common()),
        fields=() if labels else _fields(rows),
        shown=tuple(shown),
        held=tuple(row for row in unlike if id(row) not in seen),
        inputs=("text", "image") if pictures else ("text",),
    )


def spread(rows: Sequence[Row], count: int) -> list[Row]:
    """Take so many rows, evenly from all: files are often sorted."""
    if len(rows) <= count:
        return list(rows)
    return [rows[place * len(rows) // count] for place in range(count)]


def _kinds(rows: Sequence[Row], name: str) -> tuple[Kind, ...]:
    labelled = [(row, set(row.expected)) for row in rows if row.expected]
    if not labelled:
        return ALL_KINDS
    sorted_ones = [row for row, keys in labelled if keys == {"label"}]
    if len(sorted_ones) == len(labelled):
        for row in sorted_ones:
            if not isinstance(row.expected["label"], str) or not row.expected["label"].strip():
                raise UsageError(
                    f"{name}:{row.line}: the label is {json.dumps(row.expected['label'])[:40]}, not a word",
                    hint='a line is {"input": …, "expected": "billing"}',
                )
        return ("classify",)
    if sorted_ones:
        other = next(row for row, keys in labelled if keys != {"label"})
        raise UsageError(
            f"{name}:{other.line}: expects {', '.join(other.expected)}, but line {sorted_ones[0].line} expects a label",
            hint="one task gives a label or fields, not now the one and now the other",
        )
    return ("transform",) if all(keys == {"text"} for _, keys in labelled) else ("extract", "transform")


def _distinct(rows: Sequence[Row], name: str) -> list[Row]:
    """Return each input once, labelled where one of its lines is. Raises UsageError where two lines contradict."""
    known: dict[Json, Row] = {}
    for row in rows:
        key = _key(row)
        before = known.setdefault(key, row)
        for field, value in row.expected.items():
            if field in before.expected and not same(value, before.expected[field], "string"):
                raise UsageError(
                    f"{name}:{row.line}: {field}: expects {_short(value)}, but line {before.line} expects "
                    f"{_short(before.expected[field])} for the same input",
                    hint="one input has one right answer: mend or take out one of the two lines",
                )
        if not before.expected and row.expected:
            known[key] = row
    return list(known.values())


def _key(row: Row) -> Json:
    parts = tuple(" ".join(part.text.split()) if isinstance(part, Text) else part.data for part in row.given.parts)
    return parts, json.dumps(row.parameters, sort_keys=True)


def _shown_by_label(rows: Sequence[Row]) -> list[Row]:
    """Take half of each label, at most a few, the first of every label before the second of any."""
    by_label: dict[str, list[Row]] = {}
    for row in rows:
        if row.expected:
            by_label.setdefault(str(row.expected["label"]), []).append(row)
    taken = [spread(own, min(MOST_SHOWN_OF_LABEL, -(-len(own) // 2))) for own in by_label.values()]
    return [own[place] for place in range(MOST_SHOWN_OF_LABEL) for own in taken if place < len(own)]


def _fields(rows: Iterable[Row]) -> tuple[Seen, ...]:
    values: dict[str, list[Json]] = {}
    for row in rows:
        for name, value in row.expected.items():
            values.setdefault(name, []).append(value)
    return tuple(
        Seen(name=name, type=type_of(found), n=len(found), nulls=found.count(None)) for name, found in values.items()
    )


def type_of(values: Sequence[Json]) -> FieldType:
    """Say what type of a field holds all these values; null says nothing."""
    given = [value for value in values if value is not None]
    for kinds, name in _TYPES:
        if given and all(
            isinstance(value, kinds) and (name == "boolean") == isinstance(value, bool) for value in given
        ):
            return name
    texts = [value for value in given if isinstance(value, str)]
    days = texts and len(texts) == len(given) and all(any(c.isdigit() for c in text) for text in texts)
    return "date" if days and all(len(text) <= _LONGEST_DATE and parse_dates(text) for text in texts) else "string"


def _short(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]

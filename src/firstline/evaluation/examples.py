"""Labelled examples: a file of them, one JSON object a line, and whether they can be learned and certified from.

`read_rows` reads the file, `examine` says everything that is wrong with what it holds for a task, by line and field.
Knows nothing of models: nothing is run here.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firstline import strict_json
from firstline.checks.agreement import same
from firstline.errors import UsageError, message_about
from firstline.evaluation.json_lines import lines_of
from firstline.media.foreign import foreign
from firstline.reading.source import Decode, Document, InputPart, TaskInput
from firstline.schema.field import FieldType
from firstline.schema.schema import Validator, compile_schema
from firstline.tasks.task import Task
from firstline.tasks.task_file import with_named_fields
from firstline.types import Json, Text, Value
from firstline.values.dates import parse_dates

SPLITS = ("fit", "choose", "certify")
"""What an example may be kept for: fitting the confidence, choosing the thresholds, measuring the bound."""

_LINE = 'a line is {"input": …, "expected": …}'
_PATHS = "paths are relative to the folder of the file of examples"
_FEW = "label more: to promise 5 % errors with 95 % confidence takes 59 served answers without one"
_MOST_TOLD = 5


class Row(Value, frozen=True, kw_only=True):
    """One labelled example; `expected` holds values by field (empty: it is not labelled).

    `line` is its place in the file, counted from 1 (0: it comes from no file). `split` is what the line says under that
    key: one of `SPLITS`, None where it says nothing; only what learns or certifies looks at it.
    """

    given: TaskInput
    expected: Mapping[str, Json]
    parameters: Mapping[str, Json] = {}
    line: int = 0
    split: str | None = None


class Examined(Value, frozen=True, kw_only=True):
    """What examples hold that are fit to certify from.

    `classes` counts the examples of each label of a classify task, `missing` names the labels without one; `splits`
    counts those of each split where the lines name it (empty: none does); `repeated` those whose input came before.
    """

    n: int
    classes: Mapping[str, int] = {}
    missing: tuple[str, ...] = ()
    splits: Mapping[str, int] = {}
    repeated: int = 0


class _Mistake(Value, frozen=True, kw_only=True):
    """What is wrong with a line (0: with the file). `given` is the word that is none of `among`."""

    reason: str
    line: int = 0
    field: str | None = None
    hint: str | None = None
    given: str = ""
    among: tuple[str, ...] = ()


def read_rows(path: Path, decode: Decode, *, labelled: bool = True) -> list[Row]:
    """Read `DATA.jsonl`; picture paths are relative to the file. Raises UsageError with the line of a mistake.

    With `labelled` False a line may be without `expected`.
    """
    rows = []
    for number, tree in read_lines(path):
        with at_line(path, number):
            rows.append(_row(tree if labelled else {"expected": {}, **tree}, number, path.parent, decode))
    if not rows:
        raise UsageError(f"{path.name} holds no examples")
    return rows


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Json]]]:
    """Return JSON objects of a file with the numbers of their lines; empty lines are left out. Raises UsageError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if (other := foreign(data)) is not None:
        raise UsageError(f"{path} is {other[0]}, not lines of JSON", hint="save it as JSONL in UTF-8")
    try:
        text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    for number, line in lines_of(text):
        with at_line(path, number):
            tree = _object(line)
        yield number, tree


def read_input(given: Json, folder: Path, decode: Decode) -> TaskInput:
    """Read the `input` of a line: a text, or a list of parts whose paths are relative to `folder`.

    Blocks for as long as pictures take to be decoded. Raises UsageError and InputError.
    """
    parts = [{"type": "text", "text": given}] if isinstance(given, str) else given
    if not isinstance(parts, list):
        raise UsageError("`input` is a text or a list of parts", hint=_LINE)
    return TaskInput(parts=tuple(_part(part, folder, decode) for part in parts))


@contextmanager
def at_line(path: Path, number: int) -> Iterator[None]:
    """Say of a mistake in which line of which file it stands. Raises UsageError in the place of it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(message_about(f"{path.name}:{number}", error.message), hint=error.hint) from None


def examine(
    task: Task, rows: Sequence[Row], *, name: str, allow_missing_classes: bool = False, designing: bool = False
) -> Examined:
    """Refuse examples that a certificate must not stand on. Pure; `name` is the file's, for the messages.

    Each must have an input and expect at least one value, and values must fit the task's schema: of the fields only
    those present are looked at, and a date may be written as people write it. One input has one expectation and stands
    in one split; either all lines name their split or none. A class without examples is a mistake unless
    `allow_missing_classes`; the label for what is out of scope may always be without. While a task is `designing` the
    examples need only fit it, however few they are. Raises UsageError that tells the first mistakes, each on a line of
    its own as FILE:LINE: field: reason.
    """
    numbered = [(row.line or place, row) for place, row in enumerate(rows, start=1)]
    wrong = list(_rows_mistakes(task, numbered))
    lines = {mistake.line for mistake in wrong}
    sound = [(line, row) for line, row in numbered if line not in lines]
    inputs = _Inputs()
    for line, row in sound:
        wrong += inputs.add(task, line, row)
    wrong += _split_mistakes(numbered)
    counted = Counter(row.expected["label"] for _, row in sound) if task.kind == "classify" else Counter()
    classes = {label.name: counted[label.name] for label in task.labels}
    missing = tuple(label for label, count in classes.items() if not count)
    wrong.sort(key=lambda mistake: mistake.line)
    if not designing:
        wrong += _file_mistakes(rows, () if allow_missing_classes else missing, task.out_of_scope)
    if wrong:
        raise _error(name, wrong)
    splits = Counter(row.split for row in rows if row.split is not None)
    return Examined(
        n=len(rows),
        classes=classes,
        missing=missing,
        splits={split: splits[split] for split in SPLITS} if splits else {},
        repeated=inputs.repeated,
    )


def examine_answers(task: Task, rows: Sequence[Row], *, name: str) -> None:
    """Refuse fields and labels that a task does not have: they would count as wrong in every run. Pure.

    Unlike for a certificate, an example may be written in any way that compares as right. Raises UsageError as
    `examine` does.
    """
    fits: dict[str, _Fit] = {}
    wrong: list[_Mistake] = []
    for place, row in enumerate(rows, start=1):
        named = with_named_fields(task, task.arguments(row.parameters))
        if named.version not in fits:
            fits[named.version] = _Fit(named)
        wrong += fits[named.version].unknown(row.line or place, row.expected)
    if wrong:
        raise _error(name, wrong)


def _object(line: str) -> dict[str, Json]:
    try:
        tree = strict_json.read_sound(line)
    except strict_json.NotJSONError as error:
        raise UsageError(f"not JSON: {error}", hint=_LINE) from None
    except strict_json.FaultyError as error:
        raise UsageError(f"cannot be used: {error}", hint=_LINE) from None
    if not isinstance(tree, dict):
        raise UsageError("not a JSON object", hint=_LINE)
    return tree


def _row(tree: Mapping[str, Json], number: int, folder: Path, decode: Decode) -> Row:
    for key in ("input", "expected"):
        if key not in tree:
            raise UsageError(f"the key `{key}` is missing", hint=_LINE)
    expected, parameters, split = tree["expected"], tree.get("parameters", {}), tree.get("split")
    if not isinstance(parameters, dict):
        raise UsageError("`parameters` is an object", hint=_LINE)
    return Row(
        given=read_input(tree["input"], folder, decode),
        expected=expected if isinstance(expected, dict) else {"label": expected},
        parameters=parameters,
        line=number,
        split=split if split is None or isinstance(split, str) else _shown(split),
    )


def _part(part: Any, folder: Path, decode: Decode) -> InputPart:
    match part:
        case {"type": "text", "text": str(text)}:
            return Text(text=text)
        case {"type": "image", "path": str(name)}:
            try:
                data = (folder / name).read_bytes()
            except OSError as error:
                raise UsageError(f"{name} cannot be read: {error.strerror}", hint=_PATHS) from None
            return Document(data=data) if data.startswith(b"%PDF") else decode(data)
    raise UsageError(
        f"not a part of an input: {_shown(part)}",
        hint='{"type": "text", "text": …} or {"type": "image", "path": …}',
    )


def _rows_mistakes(task: Task, numbered: Sequence[tuple[int, Row]]) -> Iterator[_Mistake]:
    """What is wrong with each line by itself."""
    fits: dict[str, _Fit] = {}
    for line, row in numbered:
        if not any(part.text.strip() if isinstance(part, Text) else part.data for part in row.given.parts):
            yield _Mistake(line=line, field="input", reason="is empty", hint="give a text, a picture or a PDF")
        if not row.expected:
            yield _Mistake(
                line=line, field="expected", reason="holds no value", hint="name at least one field with its value"
            )
        if row.split is not None and row.split not in SPLITS:
            yield _Mistake(
                line=line,
                field="split",
                reason=f"{_shown(row.split)} is none of {', '.join(SPLITS)}",
                given=row.split,
                among=SPLITS,
            )
        try:
            named = with_named_fields(task, task.arguments(row.parameters))
        except UsageError as error:
            yield _Mistake(line=line, field="parameters", reason=error.message, hint=error.hint)
            continue
        key = named.version
        if key not in fits:
            fits[key] = _Fit(named)
        yield from fits[key].mistakes(line, row.expected)


class _Fit:
    """Whether expected values fit a task; its schema is compiled once for all lines."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._labels = tuple(label.name for label in task.labels)
        self._types: dict[str, FieldType] = {field.name: field.type for field in task.fields}
        self._enums = {field.name: field.enum for field in task.fields if field.enum}
        own = {field.name for field in task.fields if field.schema}
        properties: dict[str, Json] = {
            key: part if key in own else _without_required(part) for key, part in task.schema["properties"].items()
        }
        self._validator: Validator = compile_schema({"type": "object", "properties": properties})

    def unknown(self, line: int, expected: Mapping[str, Json]) -> Iterator[_Mistake]:
        """List the fields, labels and words that the task does not have."""
        for key, value in expected.items():
            among = self._enums.get(key, ())
            if key not in self._task.keys:
                yield self._no_field(line, key)
            elif self._task.kind == "classify":
                if not any(same(value, label, "string") for label in self._labels):
                    yield from self._label_mistakes(line, value)
            elif among and value is not None and not any(same(value, one, "string") for one in among):
                reason = f"{_shown(value)} is none of {_listed(among)}"
                yield _Mistake(line=line, field=key, reason=reason, given=str(value), among=among)

    def _no_field(self, line: int, key: str) -> _Mistake:
        reason, hint = f"{self._task.name} does not answer this field", f"it has {', '.join(self._task.keys)}"
        return _Mistake(line=line, field=key, reason=reason, hint=hint, given=key, among=self._task.keys)

    def mistakes(self, line: int, expected: Mapping[str, Json]) -> Iterator[_Mistake]:
        """List what does not fit."""
        values: dict[str, Json] = {}
        for key, value in expected.items():
            if key not in self._task.keys:
                yield self._no_field(line, key)
            elif self._task.kind == "classify":
                yield from self._label_mistakes(line, value)
            elif not (self._types.get(key) == "date" and parse_dates(value)):
                values[key] = value
        for item in self._validator.mismatches(values):
            field, value = item.field or "expected", values.get(item.field or "")
            among = self._enums.get(field, ()) if isinstance(value, str) else ()
            reason = item.reason.removeprefix(f"{field}: ")
            written = _written(value, self._types.get(field))
            yield _Mistake(line=line, field=field, reason=reason, hint=written, given=str(value), among=among)

    def _label_mistakes(self, line: int, value: Json) -> Iterator[_Mistake]:
        if isinstance(value, str) and value in self._labels:
            return
        if value is None or (isinstance(value, str) and not value.strip()):
            rest = self._task.out_of_scope
            hint = f"what belongs to no class is labelled {rest}" if rest else "name the class, or take the line out"
            yield _Mistake(line=line, field="label", reason="is empty", hint=hint)
            return
        yield _Mistake(
            line=line,
            field="label",
            reason=f"{_shown(value)} is none of the labels of {self._task.name}",
            hint=f"its labels are {_listed(self._labels)}",
            given=str(value),
            among=self._labels,
        )


class _Inputs:
    """The inputs seen so far with what they were said to give: one input, one expectation, one split."""

    def __init__(self) -> None:
        self._expected: dict[str, dict[str, tuple[int, Json]]] = {}
        self._split: dict[str, tuple[int, str | None]] = {}
        self.repeated = 0

    def add(self, task: Task, line: int, row: Row) -> Iterator[_Mistake]:
        """Take in a line and say in what it contradicts an earlier one."""
        key = _input_key(task, row)
        first, split = self._split.setdefault(key, (line, row.split))
        self.repeated += first != line
        if split != row.split and split is not None and row.split is not None:
            yield _Mistake(
                line=line,
                field="split",
                reason=f"{row.split}, but line {first} has the same input in {split}",
                hint="keep an input in one split, or what is measured has been seen before",
            )
        known = self._expected.setdefault(key, {})
        types: dict[str, FieldType] = {field.name: field.type for field in task.fields}
        for field, value in row.expected.items():
            before, other = known.setdefault(field, (line, value))
            agree = value == other if task.kind == "classify" else same(value, other, types.get(field, "string"))
            if not agree:
                yield _Mistake(
                    line=line,
                    field=field,
                    reason=f"expects {_shown(value)}, but line {before} expects {_shown(other)} for the same input",
                    hint="one input has one right answer: mend or take out one of the two lines",
                )


def _split_mistakes(numbered: Sequence[tuple[int, Row]]) -> Iterator[_Mistake]:
    """Say where some lines name their split and others do not, and which is missing."""
    without = next((line for line, row in numbered if row.split is None), None)
    named = next((line for line, row in numbered if row.split is not None), None)
    if named is None:
        return
    if without is not None:
        hint = "name the split of every line, or of none: then they are parted for you"
        yield _Mistake(line=without, field="split", reason=f"is missing, but line {named} names one", hint=hint)
    elif not any(row.split == "certify" for _, row in numbered):
        yield _Mistake(reason="no line is in the split certify", hint=f"the splits are {', '.join(SPLITS)}")


def _file_mistakes(rows: Sequence[Row], missing: Sequence[str], out_of_scope: str | None) -> Iterator[_Mistake]:
    if not rows:
        yield _Mistake(reason="holds no examples", hint=_LINE)
    elif len(rows) == 1:
        yield _Mistake(reason="one example certifies nothing", hint=_FEW)
    empty = [label for label in missing if label != out_of_scope]
    if rows and empty:
        what = "the class" if len(empty) == 1 else "the classes"
        hint = "label at least one example of each, or take the class out of the task"
        yield _Mistake(reason=f"no example of {what} {_listed(empty)}", field="label", hint=hint)


def _error(name: str, wrong: Sequence[_Mistake]) -> UsageError:
    """Tell the first mistakes together; what is near a misspelled word is looked up for these alone."""
    told = [_told(name, mistake) for mistake in wrong[:_MOST_TOLD]]
    if len(wrong) > _MOST_TOLD:
        told.append(f"… and {len(wrong) - _MOST_TOLD} more")
    hint = next((mistake.hint for mistake in wrong if mistake.hint), _LINE)
    return UsageError("\n".join(told), hint=hint, param=wrong[0].field)


def _told(name: str, mistake: _Mistake) -> str:
    where = f"{name}:{mistake.line}" if mistake.line else name
    field = f"{mistake.field}: " if mistake.field and mistake.line else ""
    near = difflib.get_close_matches(mistake.given, mistake.among, n=1) if mistake.among else ()
    return f"{where}: {field}{mistake.reason}{f'; did you mean {near[0]}?' if near else ''}"


def _input_key(task: Task, row: Row) -> str:
    """What makes two inputs the same: their parts, texts with spacing folded, and all parameters."""
    digest = hashlib.sha256(json.dumps(task.arguments(row.parameters), sort_keys=True).encode())
    for part in row.given.parts:
        data = " ".join(part.text.split()).encode() if isinstance(part, Text) else part.data
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()


def _without_required(schema: Json) -> Json:
    """A key that an expected object leaves out is not compared, so it need not be there."""
    if not isinstance(schema, dict):
        return schema
    own = {key: value for key, value in schema.items() if key != "required"}
    if isinstance(own.get("properties"), dict):
        own["properties"] = {key: _without_required(part) for key, part in own["properties"].items()}
    if "items" in own:
        own["items"] = _without_required(own["items"])
    return own


def _written(value: Json, kind: FieldType | None) -> str | None:
    if kind in ("number", "integer") and isinstance(value, str):
        return "write a number without quotes, currency and thousands separators: 1234.5"
    if kind == "date":
        return "write a date as YYYY-MM-DD"
    return None


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]

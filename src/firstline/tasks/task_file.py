"""Reads a task from TOML; a mistake is refused with the line, the field and the reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from firstline import patterns
from firstline.checks.base import Check
from firstline.checks.confidence import confident
from firstline.checks.registry import build
from firstline.checks.schema import matches_schema
from firstline.checks.sums import adds_up
from firstline.declared_mistakes import find_mistake, line_of
from firstline.errors import FirstlineError, TaskError, UsageError, message_about
from firstline.reading.joint import MOST_ADDED
from firstline.schema.field import Field, FieldType, Position, Prefer, Span
from firstline.schema.schema import unsatisfiable
from firstline.tasks.task import BUILT_IN, Kind, Label, Merge, Parameter, Target, Task, TaskBudget
from firstline.types import Json, Modality, OnReview

NAME = patterns.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FIELD_NAME = patterns.compile(r"[^\W_](?:[^\x00-\x1f\"]{0,62}[^\s\"])?")
EACH = "*"
"""The output field that stands for each field which a run names in its parameter `fields`."""
MOST_FIELDS = 40
_NUMBERS = ("number", "integer")
LEAST_CONFIDENCE = 0.5
"""Whatever a task declares: a value that its own model thinks likelier wrong than right is not served."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a file."""


class FieldPart(_Part, frozen=True, kw_only=True):
    """`[output.NAME]`."""

    type: Annotated[FieldType, Meta(description="type of the value; a date is written as YYYY-MM-DD")] = "string"
    description: Annotated[str, Meta(description="what the value is, in the model's prompt")] = ""
    enum: Annotated[list[str], Meta(description="the only values there may be")] = []
    optional: Annotated[bool, Meta(description="null when the document does not have it")] = True
    labels: Annotated[list[str], Meta(description="words printed beside the value")] = []
    unlike: Annotated[list[str], Meta(description="words that mark another value")] = []
    span: Annotated[Span | None, Meta(description="what a text value is on the page")] = None
    pattern: Annotated[
        str, Meta(description="regular expression of the value (span `pattern`); as in Python, without backreferences")
    ] = ""
    position: Annotated[Position, Meta(description="where on the document it stands")] = "any"
    prefer: Annotated[Prefer, Meta(description="which of several labelled values is meant")] = "any"
    sum_of: Annotated[
        list[str],
        Meta(description="the numbers that make this one: the base, then what is added (the tax)"),
    ] = []
    small_models: Annotated[
        bool, Meta(description="beside a student, models of up to 2 billion parameters that run here are asked for it")
    ] = True
    items: Annotated[dict[str, FieldPart], Meta(description="fields of each element of an array")] = {}
    schema: Annotated[dict[str, Any] | None, Meta(description="JSON Schema 2020-12 instead of `type`")] = None
    checks: Annotated[list[str | dict[str, Any]], Meta(description="checks of this field")] = []


class LabelPart(_Part, frozen=True, kw_only=True):
    """`[labels.NAME]`."""

    description: Annotated[str, Meta(description="what belongs to the class")] = ""
    examples: Annotated[list[str], Meta(description="messages that belong to it")] = []


class ParameterPart(_Part, frozen=True, kw_only=True):
    """`[parameters.NAME]`."""

    description: Annotated[str, Meta(description="what it sets")] = ""
    default: Annotated[Any, Meta(description="value when a run sets none")] = None
    required: Annotated[bool, Meta(description="a run must set it")] = False
    choices: Annotated[list[str], Meta(description="the only values there may be")] = []


class TaskFile(_Part, frozen=True, kw_only=True):
    """The whole file."""

    kind: Annotated[Kind, Meta(description="classify, extract or transform")]
    instruction: Annotated[str, Meta(description="what to do, in the model's prompt", min_length=1)]
    description: Annotated[str, Meta(description="what the task is for, shown in lists")] = ""
    input: Annotated[tuple[Modality, ...], Meta(description="what it takes: text, image", min_length=1)] = (
        "text",
        "image",
    )
    ladder: Annotated[list[str], Meta(description="models in order; empty: the settings' default")] = []
    target: Annotated[Target | None, Meta(description="what a certificate must promise")] = None
    budget: Annotated[TaskBudget, Meta(description="what one run may spend")] = TaskBudget()
    output: Annotated[dict[str, FieldPart], Meta(description="the fields of the answer")] = {}
    labels: Annotated[dict[str, LabelPart], Meta(description="the classes of a classify task")] = {}
    out_of_scope: Annotated[str | None, Meta(description="the label for what belongs to no other")] = None
    parameters: Annotated[dict[str, ParameterPart], Meta(description="what a run may set")] = {}
    checks: Annotated[list[str | dict[str, Any]], Meta(description="checks of the answer as a whole")] = []
    max_output_tokens: Annotated[int, Meta(description="longest answer in tokens", ge=1, le=16_384)] = 1024
    on_review: Annotated[
        OnReview | None,
        Meta(description="what an answer left to a person says; without it what `[reviews]` of the settings says"),
    ] = None
    split: Annotated[bool, Meta(description="longer text than the model's window is worked on in parts")] = True
    merge: Annotated[Merge, Meta(description="texts of parts: in a row (join) or worked on again (again)")] = "join"


def task_from_text(name: str, text: str, *, origin: str = BUILT_IN) -> Task:
    """Read a task from TOML text. Raises TaskError with origin, line and reason."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{origin}: not TOML: {error}", hint="the format is TOML 1.0; text stands in quotes") from None
    try:
        return task_from_tree(name, tree, origin=origin)
    except TaskError as error:
        line = line_of(text, error.param)
        where = f"{origin}:{line}" if line else origin
        raise TaskError(message_about(where, error.message), hint=error.hint, param=error.param) from None


def place_of(origin: str, path: str) -> str:
    """Return file, line and key of a declaration, to stand before a message; empty where the task has no TOML file."""
    try:
        text = Path(origin).read_text(encoding="utf-8") if origin.endswith(".toml") else ""
    except (OSError, UnicodeDecodeError):
        return ""
    line = line_of(text, path)
    return f"{origin}:{line}: {path}: " if line else ""


def task_from_tree(name: str, tree: Mapping[str, Any], *, origin: str) -> Task:
    """Make a task from a declaration. Raises TaskError whose `param` is the dotted path of the mistake."""
    if not NAME.fullmatch(name):
        raise TaskError(f"{name!r} is no task name", hint="lower-case letters, digits, - and _; at most 64")
    try:
        file = msgspec.convert(tree, TaskFile)
    except msgspec.ValidationError as error:
        found = find_mistake(tree, TaskFile)
        if found is None:
            raise TaskError(str(error)) from None
        path = found.path
        raise TaskError(f"{path}: {found.reason}" if path else found.reason, hint=found.hint, param=path) from None
    _check_shape(file)
    fields = tuple(_field(key, part) for key, part in file.output.items() if key != EACH)
    task = Task(
        name=name,
        kind=file.kind,
        instruction=file.instruction.strip(),
        declaration=dict(tree),
        description=file.description.strip() or file.instruction.strip(),
        input=tuple(file.input),
        fields=fields,
        labels=tuple(
            Label(name=key, description=part.description, examples=tuple(part.examples))
            for key, part in file.labels.items()
        ),
        out_of_scope=file.out_of_scope,
        parameters=tuple(
            Parameter(
                name=key,
                description=part.description,
                default=part.default,
                required=part.required,
                choices=tuple(part.choices),
            )
            for key, part in file.parameters.items()
        ),
        ladder=tuple(file.ladder),
        target=file.target,
        budget=file.budget,
        max_output_tokens=file.max_output_tokens,
        on_review=file.on_review,
        split=file.split,
        merge=file.merge,
        origin=origin,
    )
    return msgspec.structs.replace(task, checks=_checks(task, file))


def with_named_fields(task: Task, arguments: Mapping[str, Json]) -> Task:
    """Put the fields that a run names in the place of `*`; any other task stays as it is. Raises UsageError."""
    outputs = task.declaration.get("output", {})
    if EACH not in outputs:
        return task
    given = arguments.get("fields")
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise UsageError("fields must be names", hint="--fields 'name,date of birth'", param="fields")
    named = [name for name in dict.fromkeys(one.strip() for one in names) if name]
    if not 0 < len(named) <= MOST_FIELDS:
        raise UsageError(
            f"name 1 to {MOST_FIELDS} fields, not {len(named)}", hint="--fields 'name,date'", param="fields"
        )
    template = outputs[EACH]
    own = {key: part for key, part in outputs.items() if key != EACH}
    for name in named:
        own[name] = {"labels": [name.replace("_", " ")], "description": f"what stands beside “{name}”", **template}
    try:
        return task_from_tree(task.name, {**task.declaration, "output": own}, origin=task.origin)
    except TaskError as error:
        raise UsageError(error.message, hint=error.hint, param="fields") from None


def _checks(task: Task, file: TaskFile) -> tuple[Check, ...]:
    """Bind the declared checks; the answer's schema and a least confidence are always checked."""
    reason = unsatisfiable(task.schema)
    if reason:
        raise TaskError(
            f"no answer can meet the output: {reason}",
            hint="change the declaration so that at least one value meets all of it",
            param="output",
        )
    checks: list[Check] = [matches_schema(task.schema), confident(LEAST_CONFIDENCE)]
    for key, part in file.output.items():
        if key == EACH:
            continue
        path = f"output.{key}.checks"
        checks += [_built(spec, path, task.keys, field=key, field_type=part.type) for spec in part.checks]
        if part.sum_of:
            checks.append(adds_up(key, tuple(part.sum_of)))
    only = {"classify": "label", "transform": "text"}.get(task.kind) if not task.fields else None
    checks += [_built(spec, "checks", task.keys, field=only, field_type="string") for spec in file.checks]
    return tuple(checks)


def _built(
    spec: str | dict[str, Any], path: str, known: tuple[str, ...], *, field: str | None, field_type: str
) -> Check:
    try:
        return build(spec, field=field, field_type=field_type, known_fields=known)
    except FirstlineError as error:
        raise TaskError(message_about(path, error.message), hint=error.hint, param=path) from None


def _check_shape(file: TaskFile) -> None:
    """Refuse what each kind cannot have."""
    if file.kind == "classify" and len(file.labels) < 2:
        raise TaskError("a classify task needs at least two labels", hint="[labels.NAME]", param="labels")
    if file.kind != "classify" and (file.labels or file.out_of_scope):
        raise TaskError(f"labels belong to classify tasks, this one is {file.kind}", param="labels")
    if file.kind == "classify" and file.output:
        raise TaskError("a classify task has labels instead of an output", param="output")
    if file.out_of_scope is not None and file.out_of_scope not in file.labels:
        raise TaskError(
            f"out_of_scope names the label {file.out_of_scope!r}, which is not declared",
            hint=f"add [labels.{file.out_of_scope}]",
            param="out_of_scope",
        )
    if file.kind == "extract" and not file.output:
        raise TaskError("an extract task needs an output", hint="[output.NAME]", param="output")
    if EACH in file.output and "fields" not in file.parameters:
        raise TaskError("`*` needs the parameter that names the fields", hint="[parameters.fields]", param="output.*")
    for name in file.output:
        if name != EACH and not _FIELD_NAME.fullmatch(name):
            raise TaskError(f"{name!r} is no field name", hint="it begins with a letter", param=f"output.{name}")
    for name, part in file.output.items():
        _check_pattern(part, f"output.{name}")
        _check_sum(file, name, part)


def _check_sum(file: TaskFile, name: str, part: FieldPart) -> None:
    """Refuse a sum of what is no number, of itself, or of too many."""
    if not part.sum_of:
        return
    at = f"output.{name}.sum_of"
    if part.type not in _NUMBERS:
        raise TaskError(f"only a number is a sum, {name} is a {part.type}", param=at)
    for one in part.sum_of:
        other = file.output.get(one)
        if other is None or one == name or other.type not in _NUMBERS:
            raise TaskError(f"{one!r} is no other number field", hint="name fields of type number or integer", param=at)
    if not 2 <= len(set(part.sum_of)) == len(part.sum_of) <= MOST_ADDED + 1:
        raise TaskError(
            f"a sum is of 2 to {MOST_ADDED + 1} different fields", hint='sum_of = ["subtotal", "tax"]', param=at
        )


def _check_pattern(part: FieldPart, at: str) -> None:
    """Raise TaskError for a pattern of a field, or of what is in its list, that does not compile."""
    if part.pattern:
        try:
            patterns.compile_foreign(part.pattern)
        except patterns.PatternError as error:
            raise TaskError(f"the pattern cannot be used: {error}", param=f"{at}.pattern") from None
    for name, inner in part.items.items():
        _check_pattern(inner, f"{at}.items.{name}")


def _field(name: str, part: FieldPart) -> Field:
    span: Span = part.span or ("pattern" if part.pattern else "value" if part.labels else "free")
    return Field(
        name=name,
        type=part.type,
        description=part.description,
        enum=tuple(part.enum),
        optional=part.optional,
        labels=tuple(part.labels),
        unlike=tuple(part.unlike),
        span=span,
        pattern=part.pattern,
        position=part.position,
        prefer=part.prefer,
        sum_of=tuple(part.sum_of),
        small_models=part.small_models,
        items=tuple(_field(key, inner) for key, inner in part.items.items()),
        schema=part.schema,
    )

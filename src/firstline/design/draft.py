"""What a designer answers: one task as JSON, and the declaration that it becomes.

The shapes say what each kind of task can have; what the checks take comes from their registry. The document says more
than the file: each key is there, empty where it has nothing to say, because that is what strict outputs want.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from firstline.checks.registry import Parameters, checks
from firstline.errors import TaskError
from firstline.schema.field import FieldType, Position, Prefer, Span
from firstline.schema.schema import strict
from firstline.tasks.task import Kind
from firstline.tasks.task_file import FieldPart, LabelPart, ParameterPart
from firstline.types import Json

Check = dict[str, Any]
"""One check: its name under `check`, its parameters beside it."""
OF_ALL = ("rule", "confidence")
"""The checks that may stand beside an answer of several fields; the others belong to one."""


class _Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the shapes of a draft: nothing else may stand in one."""


class LabelDraft(_Shape, frozen=True, kw_only=True):
    """A class of messages."""

    name: Annotated[str, Meta(description="short, lower case, words joined by _")]
    description: Annotated[str, Meta(description="what belongs to it, in words that part it from its neighbours")]
    examples: Annotated[list[str], Meta(description="messages that belong to it")]


class ItemDraft(_Shape, frozen=True, kw_only=True):
    """A field of each element of an array."""

    name: str
    type: Annotated[FieldType, Meta(description="type of the value")]
    description: str
    optional: Annotated[bool, Meta(description="null where an element does not have it")]


class FieldDraft(_Shape, frozen=True, kw_only=True):
    """A field of the answer."""

    name: Annotated[str, Meta(description="lower case, words joined by _")]
    type: Annotated[FieldType, Meta(description="type of the value; a date is written as YYYY-MM-DD")]
    optional: Annotated[bool, Meta(description="null where an input does not have it")]
    description: Annotated[str, Meta(description="what the value is, in a few words")]
    enum: Annotated[list[str], Meta(description="the only values there may be; empty: any")]
    labels: Annotated[list[str], Meta(description="words printed beside the value, lower case; empty: none are")]
    unlike: Annotated[list[str], Meta(description="words that mark another value beside which it must not be taken")]
    span: Annotated[Span | None, Meta(description="what a text value is on the page; null: follow `labels`")]
    pattern: Annotated[str, Meta(description="regular expression of a value of fixed form; empty: none")]
    position: Annotated[Position, Meta(description="where on the document it stands")]
    prefer: Annotated[Prefer, Meta(description="which of several labelled values is meant")]
    items: Annotated[list[ItemDraft], Meta(description="fields of each element of an array; empty for other types")]
    checks: Annotated[list[Check], Meta(description="checks of this field")]


class ParameterDraft(_Shape, frozen=True, kw_only=True):
    """Something that a run may set."""

    name: str
    description: str
    default: Annotated[str | float | bool | None, Meta(description="value when a run sets none")]
    required: Annotated[bool, Meta(description="a run must set it")]
    choices: Annotated[list[str], Meta(description="the only values there may be; empty: any")]


class _Draft(_Shape, frozen=True, kw_only=True, tag_field="kind"):
    """What every kind has."""

    description: Annotated[str, Meta(description="what the task is for, for people who look through a list")]
    instruction: Annotated[str, Meta(description="what to do, for a small model: one or two short sentences")]


class ClassifyDraft(_Draft, frozen=True, kw_only=True, tag="classify", tag_field="kind"):
    """Text to one label."""

    labels: list[LabelDraft]
    out_of_scope: Annotated[
        str | None, Meta(description="the name of the label for what belongs to no other; null: none of them is that")
    ]
    checks: Annotated[list[Check], Meta(description="checks of the label")]


class ExtractDraft(_Draft, frozen=True, kw_only=True, tag="extract", tag_field="kind"):
    """Text to fields that stand in it."""

    fields: list[FieldDraft]
    checks: Annotated[list[Check], Meta(description="checks of the answer as a whole")]


class TransformDraft(_Draft, frozen=True, kw_only=True, tag="transform", tag_field="kind"):
    """Text to another text, or to fields that are written about it."""

    fields: Annotated[list[FieldDraft], Meta(description="empty where the answer is one text")]
    parameters: list[ParameterDraft]
    checks: Annotated[list[Check], Meta(description="checks of the text, or of the answer as a whole")]


Draft = ClassifyDraft | ExtractDraft | TransformDraft


class Designed(_Shape, frozen=True, kw_only=True):
    """The whole document: a strict output is one object, never a choice of several."""

    task: Draft


def design_schema(kinds: Sequence[Kind]) -> dict[str, Json]:
    """Return the strict JSON Schema of the document for tasks of these kinds."""
    shapes = [shape for shape in (ClassifyDraft, ExtractDraft, TransformDraft) if _kind(shape) in kinds]
    references, known = msgspec.json.schema_components(shapes, ref_template="#/$defs/{name}")
    for name, shape in known.items():
        if "checks" in shape.get("properties", {}):
            which = "CheckOfAll" if name == ExtractDraft.__name__ else "Check"
            shape["properties"]["checks"]["items"] = {"$ref": f"#/$defs/{which}"}
    known["Check"] = {"anyOf": [_check_schema(name) for name in checks()]}
    if "extract" in kinds:
        known["CheckOfAll"] = {"anyOf": [_check_schema(name) for name in OF_ALL]}
    one: Json = references[0] if len(references) == 1 else {"anyOf": list(references)}
    whole = {"type": "object", "properties": {"task": one}, "required": ["task"], "$defs": known}
    return strict(_plain(whole))


def declaration(draft: Draft, *, inputs: Sequence[str]) -> dict[str, Json]:
    """Return the declaration that a draft means, as a task file writes it; `inputs` is what the task takes.

    Raises TaskError where a name stands twice: a file could hold only one of the two.
    """
    tree: dict[str, Json] = {
        "kind": _kind(type(draft)),
        "description": draft.description.strip(),
        "instruction": draft.instruction.strip(),
        "input": list(inputs),
    }
    if isinstance(draft, ClassifyDraft):
        tree |= {"out_of_scope": draft.out_of_scope} if draft.out_of_scope else {}
    if written := [_check(check) for check in draft.checks]:
        tree["checks"] = written
    if isinstance(draft, ClassifyDraft):
        tree["labels"] = _named("labels", draft.labels, LabelPart)
        return tree
    if isinstance(draft, TransformDraft) and draft.parameters:
        tree["parameters"] = _named("parameters", draft.parameters, ParameterPart)
    if draft.fields:
        tree["output"] = _named("output", draft.fields, FieldPart)
    return tree


def _kind(shape: type[msgspec.Struct]) -> Kind:
    kind: Kind = msgspec.convert(shape.__struct_config__.tag, Kind)
    return kind


def _named(section: str, shapes: Sequence[Any], part: type[msgspec.Struct]) -> dict[str, Json]:
    """Return tables by name, each with the keys that say more than their default."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(part)}
    defaults |= {"checks": [], "items": [], "examples": [], "choices": [], "enum": [], "labels": [], "unlike": []}
    out: dict[str, Json] = {}
    for shape in shapes:
        if shape.name in out:
            raise TaskError(f"{section}.{shape.name} is declared twice", param=f"{section}.{shape.name}")
        keys = msgspec.structs.asdict(shape)
        del keys["name"]
        if keys.get("items"):
            keys["items"] = _named(f"{section}.{shape.name}.items", keys["items"], FieldPart)
        if "checks" in keys:
            keys["checks"] = [_check(check) for check in keys["checks"]]
        out[shape.name] = {key: value for key, value in keys.items() if value != defaults.get(key) and value != ""}
    return out


def _check(given: Check) -> Json:
    """Write a check as a task file does: its name, or a table of the name and its value."""
    name = str(given.get("check", ""))
    entry = checks().get(name)
    said = {key: value for key, value in given.items() if key != "check" and value is not None}
    if entry is None:
        return {name: said} if said else name
    defaults = {field.name: field.default for field in msgspec.structs.fields(entry.parameters)}
    said = {key: value for key, value in said.items() if value != defaults.get(key)}
    if entry.main in said:
        main = said.pop(entry.main)
        return {name: main, **said}
    return {name: said} if said else name


def _check_schema(name: str) -> dict[str, Json]:
    entry = checks()[name]
    own = _own_schema(entry.parameters)
    properties = {"check": {"enum": [name]}, **own["properties"]}
    required = ["check", *own["required"]]
    return {"type": "object", "description": entry.help, "properties": properties, "required": required}


def _own_schema(parameters: type[Parameters]) -> dict[str, Any]:
    (reference,), known = msgspec.json.schema_components([parameters])
    found: dict[str, Any] = known[reference["$ref"].rpartition("/")[2]]
    return found


def _plain(node: Json, *, named: bool = False) -> Json:
    """Leave out what strict outputs do not take; under `named` the keys are names, not words of JSON Schema."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    kept: Iterable[tuple[str, Json]] = node.items()
    if not named:
        kept = [(key, value) for key, value in kept if key not in ("default", "title", "discriminator")]
        if "enum" in node and "type" not in node:  # msgspec leaves it out; all of ours are texts
            kept = [("type", "string"), *kept]
    return {key: _plain(value, named=not named and key in ("properties", "$defs")) for key, value in kept}

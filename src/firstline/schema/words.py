"""What is wrong with a document, in words: mismatches made of the errors of the library for JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema_rs as rs
import msgspec
from jsonschema_rs import ValidationErrorKind as Kind

from firstline.types import Json, Value

_TYPE_WORDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


class Mismatch(Value, frozen=True, kw_only=True):
    """One place where a document breaks its schema. `field` is the first name of `path`, None for the document."""

    path: tuple[str | int, ...]
    field: str | None
    reason: str


def first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def dotted(path: tuple[str | int, ...]) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def show(value: Json) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _kind_of(value: Json) -> str:
    if value is None or isinstance(value, bool):
        return show(value)
    if isinstance(value, str):
        return f"the text {show(value)}"
    if isinstance(value, int | float):
        return f"the number {show(value)}"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else "an object"


def mismatch(path: tuple[str | int, ...], reason: str) -> Mismatch:
    place = dotted(path)
    first = path[0] if path and isinstance(path[0], str) else None
    return Mismatch(path=path, field=first, reason=f"{place}: {reason}" if place else reason)


def explain(error: rs.ValidationError) -> Iterator[Mismatch]:
    path = tuple(error.instance_path)
    match error.kind:
        case Kind.Required(property=name):
            yield mismatch((*path, str(name)), "is missing")
        case Kind.AdditionalProperties(unexpected=names) | Kind.UnevaluatedProperties(unexpected=names):
            for name in names:
                yield mismatch((*path, name), "is not a field of the schema")
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            yield from _explain_branches(path, branches, error)
        case _:
            yield mismatch(path, _words(error))


def _explain_branches(
    path: tuple[str | int, ...], branches: list[list[rs.ValidationError]], error: rs.ValidationError
) -> Iterator[Mismatch]:
    """Explain the branch that comes nearest: those whose type fits at all, else all types that would have fitted."""
    fitting = [
        branch
        for branch in branches
        if not any(isinstance(e.kind, Kind.Type) and tuple(e.instance_path) == path for e in branch)
    ]
    if len(fitting) == 1:
        for inner in fitting[0]:
            yield from explain(inner)
        return
    types = [name for branch in branches for e in branch if isinstance(e.kind, Kind.Type) for name in e.kind.types]
    if not fitting and types:
        yield mismatch(path, f"expected {_types(types)}, got {_kind_of(error.instance)}")
        return
    yield mismatch(path, f"matches none of the {len(branches)} allowed forms, got {_kind_of(error.instance)}")


def _types(names: list[str]) -> str:
    return " or ".join(dict.fromkeys(_TYPE_WORDS.get(name, name) for name in names))


def _words(error: rs.ValidationError) -> str:
    got = f"got {_kind_of(error.instance)}"
    match error.kind:
        case Kind.Type(types=types):
            return f"expected {_types(types)}, {got}"
        case Kind.Enum(options=options):
            return f"expected one of {', '.join(show(option) for option in options[:20])}, {got}"
        case Kind.Constant(expected_value=value):
            return f"expected {show(value)}, {got}"
        case Kind.Minimum(limit=limit):
            return f"expected at least {show(limit)}, {got}"
        case Kind.Maximum(limit=limit):
            return f"expected at most {show(limit)}, {got}"
        case Kind.ExclusiveMinimum(limit=limit):
            return f"expected more than {show(limit)}, {got}"
        case Kind.ExclusiveMaximum(limit=limit):
            return f"expected less than {show(limit)}, {got}"
        case Kind.MultipleOf(multiple_of=step):
            return f"expected a multiple of {show(step)}, {got}"
        case _:
            return _words_of_size(error) or f"{first_line(error.message)}"


def _words_of_size(error: rs.ValidationError) -> str | None:
    size = len(error.instance) if isinstance(error.instance, str | list | dict) else 0
    match error.kind:
        case Kind.MinLength(limit=limit):
            return f"expected at least {limit} characters, got {size}"
        case Kind.MaxLength(limit=limit):
            return f"expected at most {limit} characters, got {size}"
        case Kind.MinItems(limit=limit):
            return f"expected at least {limit} items, got {size}"
        case Kind.MaxItems(limit=limit):
            return f"expected at most {limit} items, got {size}"
        case Kind.MinProperties(limit=limit):
            return f"expected at least {limit} fields, got {size}"
        case Kind.MaxProperties(limit=limit):
            return f"expected at most {limit} fields, got {size}"
        case Kind.UniqueItems():
            return "holds the same item twice"
        case Kind.Pattern(pattern=pattern):
            return f"expected a text of the pattern {pattern}, got {_kind_of(error.instance)}"
        case Kind.Format(format=name):
            return f"expected the format {name}, got {_kind_of(error.instance)}"
        case Kind.Contains():
            return "holds no item of the kind that it must hold"
        case Kind.FalseSchema():
            return "nothing is allowed here"
        case Kind.OneOfMultipleValid():
            return "matches more than one form where exactly one is allowed"
        case _:
            return None

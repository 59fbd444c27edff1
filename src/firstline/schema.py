"""JSON Schema: compile, explain a mismatch in words, normalise to strict, prove that nothing can match.

Validation and the proof of emptiness are `jsonschema-rs`'s; the words and the limits are ours. Nothing is ever
fetched: a `$ref` that leads out of the schema is an error. Knows nothing of tasks, models or the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs as rs
import msgspec
from jsonschema_rs import ValidationErrorKind as Kind

from firstline import schema_bounds
from firstline.errors import SchemaError
from firstline.remembered import Remembered
from firstline.schema_bounds import check_size, resolve, too_many_combinations
from firstline.types import Json, Value

MAX_MISMATCHES = 20

_BACKTRACKS = 100_000
_NEWER_FORMATS = ("date", "time", "duration", "uuid")
"""Unknown to the drafts before 2019-09, and sent with them by zod; asserted all the same."""
_DRAFTS: Mapping[type[rs.Validator], int] = {
    rs.Draft4Validator: rs.Draft4,
    rs.Draft6Validator: rs.Draft6,
    rs.Draft7Validator: rs.Draft7,
    rs.Draft201909Validator: rs.Draft201909,
    rs.Draft202012Validator: rs.Draft202012,
}
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


class Validator:
    """A compiled schema; safe to share between threads.

    Validating holds Python's lock, so it blocks an event loop wherever it runs. Its time is bounded instead: patterns
    without look-around take linear time, those with it `_BACKTRACKS` steps, and `schema_bounds` refuses what branches
    without end.
    """

    def __init__(self, compiled: rs.Validator, cost: schema_bounds.Cost) -> None:
        self._compiled = compiled
        self._cost = cost

    def mismatches(self, document: Json) -> list[Mismatch]:
        """List what is wrong with a document, in words, at most `MAX_MISMATCHES`; empty when it matches."""
        found: list[Mismatch] = []
        try:
            if self._compiled.is_valid(document):
                return found
            if not self._cost.explainable(document):
                return [
                    _mismatch((), "does not match the schema, which refers to itself in too many ways to say where")
                ]
            for error in self._compiled.iter_errors(document):
                for item in _explain(error):
                    if item not in found:
                        found.append(item)
                if len(found) >= MAX_MISMATCHES:
                    break
        except ValueError as error:  # a lone surrogate, a key that is no text, nesting past the library's limit
            found.append(_mismatch((), f"is not a JSON document: {error}"))
        return found[:MAX_MISMATCHES]


def compile_schema(schema: Json, *, formats: bool = True, resources: Mapping[str, Json] | None = None) -> Validator:
    """Compile a schema (an object or a boolean) in the draft that its `$schema` names, else in 2020-12.

    `formats`: a `format` is asserted, as OpenAI's strict outputs promise; without it, it is an annotation, as 2020-12
    has it by default. `resources` are schemas by their URI that references may lead to. Raises SchemaError, in words,
    when the schema is not valid, is too large, too deep or too branched, or has a reference that leads nowhere or out
    of it and the resources; nothing is fetched. A schema that was compiled before is not compiled again.
    """
    return _known(schema) if formats and resources is None else _compile(schema, formats, resources)


def _compile(schema: Json, formats: bool = True, resources: Mapping[str, Json] | None = None) -> Validator:
    check_size(schema)
    cost = schema_bounds.cost(schema)
    others = resources or {}
    kind = _validator_class(schema, others)
    try:
        compiled = kind(
            _known_dialect(schema, others),
            formats=_newer_formats(kind) if formats else None,
            validate_formats=formats,
            offline=True,
            registry=rs.Registry(others.items(), draft=rs.Draft202012) if others else None,
            pattern_options=rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except rs.ValidationError as error:
        raise _schema_error(error) from None
    except (ValueError, rs.ReferencingError) as error:
        raise SchemaError(f"the schema cannot be used: {_first_line(str(error))}") from None
    return Validator(compiled, cost)


_known = Remembered(_compile)


def strict(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Normalise to the strict form that constrained output needs.

    Every object with `properties` gets `additionalProperties: false` and requires all of them; a property that was
    optional may be null instead. Objects used as maps, and what stands under `allOf`, `not`, `if` and their kin,
    keep their meaning and are left alone. The schema given is not changed.
    """
    check_size(schema)
    return dict(_strict(schema))


def unsatisfiable(schema: Json) -> str | None:
    """Say in words why no document can match a schema, or None when that is not proved.

    Sound, not complete: what it reports is truly empty; patterns and heavy combinations are not searched.
    Raises SchemaError for a schema that does not compile. A schema that was looked at before is not looked at again.
    """
    return _known_conflict(schema) or None


def _find_conflict(schema: Json) -> str:
    """Give the words of `unsatisfiable`; empty: none."""
    compile_schema(schema)
    draft = _DRAFTS[_validator_class(schema, {})]
    schema = _known_dialect(schema, {})
    if too_many_combinations(schema):
        return ""
    try:
        canonical = rs.canonicalize(schema, draft=draft, offline=True)
        if str(canonical.satisfiability()) != "no":
            return ""
        found = rs.canonical.find_unsatisfiable(schema, draft=draft, offline=True)
    except (rs.canonical.CanonicalizationError, rs.ValidationError):
        return ""
    return _why_empty(schema, dict(found))


_known_conflict = Remembered(_find_conflict)


def _validator_class(schema: Json, resources: Mapping[str, Json]) -> type[rs.Validator]:
    try:
        return rs.validator_cls_for(_known_dialect(schema, resources))
    except ValueError as error:
        raise SchemaError(f"the schema cannot be used: {_first_line(str(error))}") from None


def _newer_formats(kind: type[rs.Validator]) -> dict[str, Callable[[str], bool]] | None:
    if kind in (rs.Draft202012Validator, rs.Draft201909Validator):
        return None
    return {name: rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid for name in _NEWER_FORMATS}


def _known_dialect(schema: Json, resources: Mapping[str, Json]) -> Json:
    """Leave out a `$schema` that names no draft: callers write all kinds of things there, and mean the current one."""
    name = schema.get("$schema") if isinstance(schema, Mapping) else None
    if not isinstance(name, str) or name in resources or "json-schema.org/" in name:
        return schema
    return {key: value for key, value in schema.items() if key != "$schema"}


def _schema_error(error: rs.ValidationError) -> SchemaError:
    text = _first_line(error.message)
    if isinstance(error.kind, Kind.Referencing):
        hint = "only references inside the schema (`#/$defs/…`) are followed; nothing is fetched"
        return SchemaError(f"the schema has a reference that cannot be followed: {text}", hint=hint)
    place = _dotted(tuple(error.instance_path))
    reason = next(iter(_explain(error)))
    if place.split(".")[-1] == "type":
        return SchemaError(f"the schema is wrong at {place}: {_show(error.instance)} is not a type of JSON")
    if isinstance(error.kind, Kind.Format) or "regex" in text:
        return SchemaError(f"the schema is wrong at {place}: {_show(error.instance)} is not a regular expression")
    return SchemaError(f"the schema is wrong at {place or 'its root'}: {reason.reason}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _dotted(path: tuple[str | int, ...]) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def _show(value: Json) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _kind_of(value: Json) -> str:
    if value is None or isinstance(value, bool):
        return _show(value)
    if isinstance(value, str):
        return f"the text {_show(value)}"
    if isinstance(value, int | float):
        return f"the number {_show(value)}"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else "an object"


def _mismatch(path: tuple[str | int, ...], reason: str) -> Mismatch:
    place = _dotted(path)
    first = path[0] if path and isinstance(path[0], str) else None
    return Mismatch(path=path, field=first, reason=f"{place}: {reason}" if place else reason)


def _explain(error: rs.ValidationError) -> Iterator[Mismatch]:
    path = tuple(error.instance_path)
    match error.kind:
        case Kind.Required(property=name):
            yield _mismatch((*path, str(name)), "is missing")
        case Kind.AdditionalProperties(unexpected=names) | Kind.UnevaluatedProperties(unexpected=names):
            for name in names:
                yield _mismatch((*path, name), "is not a field of the schema")
        case Kind.AnyOf(context=branches) | Kind.OneOfNotValid(context=branches):
            yield from _explain_branches(path, branches, error)
        case _:
            yield _mismatch(path, _words(error))


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
            yield from _explain(inner)
        return
    types = [name for branch in branches for e in branch if isinstance(e.kind, Kind.Type) for name in e.kind.types]
    if not fitting and types:
        yield _mismatch(path, f"expected {_types(types)}, got {_kind_of(error.instance)}")
        return
    yield _mismatch(path, f"matches none of the {len(branches)} allowed forms, got {_kind_of(error.instance)}")


def _types(names: list[str]) -> str:
    return " or ".join(dict.fromkeys(_TYPE_WORDS.get(name, name) for name in names))


def _words(error: rs.ValidationError) -> str:
    got = f"got {_kind_of(error.instance)}"
    match error.kind:
        case Kind.Type(types=types):
            return f"expected {_types(types)}, {got}"
        case Kind.Enum(options=options):
            return f"expected one of {', '.join(_show(option) for option in options[:20])}, {got}"
        case Kind.Constant(expected_value=value):
            return f"expected {_show(value)}, {got}"
        case Kind.Minimum(limit=limit):
            return f"expected at least {_show(limit)}, {got}"
        case Kind.Maximum(limit=limit):
            return f"expected at most {_show(limit)}, {got}"
        case Kind.ExclusiveMinimum(limit=limit):
            return f"expected more than {_show(limit)}, {got}"
        case Kind.ExclusiveMaximum(limit=limit):
            return f"expected less than {_show(limit)}, {got}"
        case Kind.MultipleOf(multiple_of=step):
            return f"expected a multiple of {_show(step)}, {got}"
        case _:
            return _words_of_size(error) or f"{_first_line(error.message)}"


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


_SUBSCHEMAS = ("items", "additionalItems", "contains", "unevaluatedItems")
_LISTS = ("anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "definitions", "patternProperties")


def _strict(node: Json) -> Any:
    if not isinstance(node, Mapping):
        return node
    out: dict[str, Json] = dict(node)
    for key in _SUBSCHEMAS:
        if isinstance(out.get(key), Mapping):
            out[key] = _strict(out[key])
    for key in _LISTS:
        if isinstance(out.get(key), list):
            out[key] = [_strict(child) for child in out[key]]
    for key in _MAPS:
        if isinstance(out.get(key), Mapping):
            out[key] = {name: _strict(child) for name, child in out[key].items()}
    properties = out.get("properties")
    if isinstance(properties, Mapping):
        required = out.get("required", [])
        out["properties"] = {
            name: _strict(child) if name in required else _nullable(_strict(child))
            for name, child in properties.items()
        }
        out["required"] = [*properties, *(name for name in required if name not in properties)]
        if "unevaluatedProperties" not in out and "allOf" not in out and "$ref" not in out:
            out["additionalProperties"] = False
    return out


def _nullable(node: Json) -> Json:
    """Let a schema take null too; the same schema when it already does."""
    if node is True or node == {}:
        return node
    if isinstance(node, Mapping):
        kind = node.get("type")
        kinds = [kind] if isinstance(kind, str) else kind
        plain = not {"const", "anyOf", "oneOf", "allOf", "$ref", "not", "if"} & set(node)
        if isinstance(kinds, list) and plain:
            out = dict(node) | {"type": kinds if "null" in kinds else [*kinds, "null"]}
            if isinstance(out.get("enum"), list) and None not in out["enum"]:
                out["enum"] = [*out["enum"], None]
            return out
        branches = node.get("anyOf")
        if isinstance(branches, list) and set(node) <= {"anyOf", "title", "description", "default"}:
            return node if {"type": "null"} in branches else dict(node) | {"anyOf": [*branches, {"type": "null"}]}
    return {"anyOf": [node, {"type": "null"}]}


def _why_empty(schema: Json, found: Mapping[str, rs.canonical.UnsatisfiableReason]) -> str:
    """Descend from the root to the innermost place that is empty and has to be there, and word its conflict."""
    pointer, visited = "", {""}
    while (deeper := _next_empty(schema, pointer, set(found) - visited)) is not None:
        pointer = deeper
        visited.add(deeper)
    node = resolve(schema, pointer)
    place = ".".join(step for step in pointer.split("/")[1:] if step not in ("properties", "$defs")) or "the schema"
    reason = found.get(pointer)
    if node is False or not isinstance(node, Mapping) or reason is None:
        return f"{place}: nothing is allowed there"
    if missing := _forbidden_requirement(node):
        return f"{place}: requires `{missing}`, which `additionalProperties: false` forbids"
    keys = _conflicting(pointer, reason)
    shown = [f"{key} {_show(node[key])}" for key in keys if key in node] or ["its parts"]
    return f"{place}: {' and '.join(shown)} can be met by no value"


def _next_empty(schema: Json, pointer: str, empty: set[str]) -> str | None:
    node = resolve(schema, pointer)
    if not isinstance(node, Mapping):
        return None
    required = node.get("required", [])
    steps = [f"{pointer}/properties/{name}" for name in node.get("properties", {}) if name in required]
    steps += [f"{pointer}/{key}/{i}" for key in ("allOf", "anyOf", "oneOf") for i in range(len(node.get(key, [])))]
    if isinstance(node.get("$ref"), str):
        steps.append(node["$ref"].removeprefix("#"))
    if node.get("minItems", 0):
        steps.append(f"{pointer}/items")
    return next((step for step in steps if step in empty), None)


def _forbidden_requirement(node: Mapping[str, Json]) -> str | None:
    if node.get("additionalProperties") is not False or "patternProperties" in node:
        return None
    return next((name for name in node.get("required", []) if name not in node.get("properties", {})), None)


def _conflicting(pointer: str, reason: rs.canonical.UnsatisfiableReason) -> list[str]:
    causes = list(getattr(reason, "causes", ())) or [c for c in (getattr(reason, "cause", None),) if c is not None]
    keys = [key for cause in causes if cause.pointer == pointer for key in cause.keywords]
    if len(keys) > 2 and "type" in keys:
        keys.remove("type")
    return keys

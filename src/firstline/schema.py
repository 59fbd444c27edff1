"""JSON Schema 2020-12: compile, explain a mismatch in words, normalise to strict, prove that nothing can match.

Validation and the proof of emptiness are `jsonschema-rs`'s; the words and the limits are ours. Nothing is ever
fetched: a `$ref` that leads out of the schema is an error. Knows nothing of tasks, models or the wire.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs as rs
import msgspec
from jsonschema_rs import ValidationErrorKind as Kind

from firstline.errors import SchemaError
from firstline.types import Json, Value

MAX_BYTES = 512 * 1024
MAX_DEPTH = 100
MAX_MISMATCHES = 20
MAX_COMBINATIONS = 64
"""Past so many combinations of branches at one place `unsatisfiable` gives no proof: the search is exponential."""

_BACKTRACKS = 100_000
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
    """A compiled schema; safe to share between threads."""

    def __init__(self, compiled: rs.Validator) -> None:
        self._compiled = compiled

    def mismatches(self, document: Json) -> list[Mismatch]:
        """List what is wrong with a document, in words, at most `MAX_MISMATCHES`; empty when it matches."""
        found: list[Mismatch] = []
        try:
            for error in self._compiled.iter_errors(document):
                for item in _explain(error):
                    if item not in found:
                        found.append(item)
                if len(found) >= MAX_MISMATCHES:
                    break
        except ValueError as error:  # a lone surrogate, a key that is no text, nesting past the library's limit
            found.append(_mismatch((), f"is not a JSON document: {error}"))
        return found[:MAX_MISMATCHES]


def compile_schema(schema: Json) -> Validator:
    """Compile a schema (an object or a boolean). Formats are asserted.

    Raises SchemaError, in words, when the schema is not valid 2020-12, is too large or too deep, or has a `$ref` that
    leads nowhere or out of the schema.
    """
    _limit(schema)
    try:
        compiled = rs.Draft202012Validator(
            schema,
            validate_formats=True,
            offline=True,
            pattern_options=rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except rs.ValidationError as error:
        raise _schema_error(error) from None
    except (ValueError, rs.ReferencingError) as error:
        raise SchemaError(f"the schema cannot be used: {_first_line(str(error))}") from None
    return Validator(compiled)


def strict(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Normalise to the strict form that constrained output needs.

    Every object with `properties` gets `additionalProperties: false` and requires all of them; a property that was
    optional may be null instead. Objects used as maps, and what stands under `allOf`, `not`, `if` and their kin,
    keep their meaning and are left alone. The schema given is not changed.
    """
    _limit(schema)
    return dict(_strict(schema))


def unsatisfiable(schema: Json) -> str | None:
    """Say in words why no document can match a schema, or None when that is not proved.

    Sound, not complete: what it reports is truly empty; patterns and heavy combinations are not searched.
    Raises SchemaError for a schema that does not compile.
    """
    compile_schema(schema)
    if _too_many_combinations(schema):
        return None
    try:
        canonical = rs.canonicalize(schema, draft=rs.Draft202012, offline=True)
        if str(canonical.satisfiability()) != "no":
            return None
        found = rs.canonical.find_unsatisfiable(schema, draft=rs.Draft202012, offline=True)
    except (rs.canonical.CanonicalizationError, rs.ValidationError):
        return None
    return _why_empty(schema, dict(found))


def _limit(schema: Json) -> None:
    level: list[Json] = [schema]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            break
    else:
        raise SchemaError(f"the schema is nested more than {MAX_DEPTH} levels deep")
    try:
        size = len(msgspec.json.encode(schema))
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(f"the schema is not JSON: {error}") from None
    if size > MAX_BYTES:
        raise SchemaError(f"the schema has {size:,} bytes; at most {MAX_BYTES:,} are taken")


def _children(node: Json) -> list[Json]:
    if isinstance(node, Mapping):
        return list(node.values())
    return list(node) if isinstance(node, list | tuple) else []


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


def _too_many_combinations(schema: Json) -> bool:
    """Estimate whether the branches at some place multiply past `MAX_COMBINATIONS`."""
    seen: dict[int, int] = {}
    level: list[Json] = [schema]
    while level:
        if any(_combinations(node, schema, seen) > MAX_COMBINATIONS for node in level):
            return True
        level = [child for node in level for child in _children(node)]
    return False


def _combinations(node: Json, root: Json, seen: dict[int, int]) -> int:
    """Multiply the choices at one place; one list of alternatives alone is cheap, however long it is."""
    if not isinstance(node, Mapping):
        return 1
    if id(node) in seen:
        return seen[id(node)]
    seen[id(node)] = MAX_COMBINATIONS + 1  # for a reference that leads straight back here
    factors = [len(node[key]) for key in ("anyOf", "oneOf") if isinstance(node.get(key), list)]
    factors += [2 ** min(len(node[key]), 20) for key in ("dependentRequired", "dependentSchemas") if key in node]
    factors += [2] if "if" in node else []
    reference = node.get("$ref")
    inner = [*node["allOf"]] if isinstance(node.get("allOf"), list) else []
    inner += [_resolve(root, reference)] if isinstance(reference, str) else []
    inner += [node["not"]] if "not" in node else []
    if len(factors) == 1 and not inner and ("anyOf" in node or "oneOf" in node):
        factors = [min(factors[0], MAX_COMBINATIONS)]
    total = math.prod(factors)
    for child in inner:
        total = min(total * _combinations(child, root, seen), MAX_COMBINATIONS + 1)
    seen[id(node)] = total
    return total


def _resolve(root: Json, pointer: str) -> Json:
    """Follow a JSON Pointer (`#/a/b` or `/a/b`, RFC 6901); None where it leads nowhere."""
    node = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node


def _why_empty(schema: Json, found: Mapping[str, rs.canonical.UnsatisfiableReason]) -> str:
    """Descend from the root to the innermost place that is empty and has to be there, and word its conflict."""
    pointer, visited = "", {""}
    while (deeper := _next_empty(schema, pointer, set(found) - visited)) is not None:
        pointer = deeper
        visited.add(deeper)
    node = _resolve(schema, pointer)
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
    node = _resolve(schema, pointer)
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

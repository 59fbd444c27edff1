"""OpenAI's subset of JSON Schema for `strict: true`: what it takes, its limits, and what it says of the rest.

Standard: the guide "Structured model outputs" of 2026-08 and the refusals of the API that are on record; where these
are silent a schema is taken rather than refused, because a stand-in stricter than the original breaks callers that
work today. So the rule of 2024 that objects in an `anyOf` must differ in their first key is not held.

Pure, linear in the schema, and without recursion. Whether a schema is valid 2020-12 is the
question of `firstline.schema.schema`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from firstline.cache import ResultCache
from firstline.errors import FunctionSchemaError, SchemaError, StrictSchemaError
from firstline.schema.references import steps_of
from firstline.types import Json

MAX_DEPTH = 10
"""Objects and lists inside one another, the root counted; what a `$ref` leads to is counted where it is defined."""
MAX_PROPERTIES = 5_000
MAX_PARTS = 20_000
"""Schemas inside one schema: what is checked in some tenths of a second. Ours; OpenAI's limits are reached before."""
MAX_ENUM_VALUES = 1_000
MAX_NAME_CHARACTERS = 120_000
"""Of all names of properties and definitions, enum values and const values together."""
LONG_ENUM = 250
MAX_LONG_ENUM_CHARACTERS = 15_000
"""Of the texts of one enum that has more than `LONG_ENUM` of them."""
FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))

_STRUCTURE = ("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref")
_LIMITS = ("pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minItems", "maxItems")
_NOTES = ("title", "description", "nullable")
_ALLOWED = frozenset((*_STRUCTURE, *_LIMITS, *_COUNTS, *_NOTES))
_ROOT_ONLY = frozenset(("$schema", "$id", "$defs", "definitions"))
_DEFINITIONS = ("$defs", "definitions")
_TO_DEFINITIONS = tuple(f"#/{key}/" for key in _DEFINITIONS)
_LONGEST_PLACE = 8 * MAX_DEPTH
_NOT_AT_ROOT = ("oneOf", "anyOf", "allOf", "enum", "not")

Place = tuple[str, ...]
Format = Literal["response_format", "function"]


class _Fault(Exception):
    """The first thing that is wrong, in words."""


class _Tally:
    """What is limited over the whole schema."""

    def __init__(self) -> None:
        self.depth = 0
        self.parts = 0
        self.properties = 0
        self.enum_values = 0
        self.characters = 0

    def check(self) -> None:
        for found, most, words in (
            (self.depth, MAX_DEPTH, "levels of nesting exceeds"),
            (self.properties, MAX_PROPERTIES, "parameters exceeds"),
            (self.characters, MAX_NAME_CHARACTERS, "characters of names, enum values and const values exceeds"),
        ):
            if found > most:
                raise _Fault(f"{found} {words} limit of {most}.")
        if self.enum_values > MAX_ENUM_VALUES:
            raise _Fault(
                f"Expected at most {MAX_ENUM_VALUES} enum values in total within a single schema when using "
                f"structured outputs, but received {self.enum_values}."
            )


def strict_fault(schema: Json) -> str | None:
    """Say in OpenAI's words what keeps a schema from `strict: true`; None where nothing does."""
    return _known_fault(schema) or None


def _find_fault(schema: Json) -> str:
    try:
        _check(schema)
    except _Fault as fault:
        return str(fault)
    return ""


_known_fault = ResultCache(_find_fault)


def check_strict_schema(schema: Mapping[str, Json], *, of: Format, name: str, param: str) -> Mapping[str, Json]:
    """Check a schema that was sent with `strict: true` and give what it means in JSON Schema (`spell_out`).

    `of` and `name` say whose schema it is (the name of the response format or of the function), `param` is the place
    in the request. Raises StrictSchemaError or, for a function, FunctionSchemaError.
    """
    fault = strict_fault(schema)
    if fault is None:
        return spell_out(schema)
    kind: type[SchemaError] = FunctionSchemaError if of == "function" else StrictSchemaError
    raise kind(
        f"Invalid schema for {of} '{name}': {fault}",
        hint="without strict: true any JSON Schema is taken, and the answer is verified all the same",
        param=param,
    )


def spell_out(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Write `nullable: true`, which the Node client sends for zod 3 and JSON Schema does not know, as a null union.

    The schema given is not changed, and is given back where there is nothing to write. Takes schemas at most as deep
    as a strict one may be.
    """
    out: Mapping[str, Json] = _spelled(schema)
    return out


def _check(root: Json) -> None:
    if not isinstance(root, Mapping):
        raise _Fault("schema must be a JSON Schema object.")
    if root.get("type") != "object":
        raise _Fault(f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{root.get('type')}\"'.")
    if any(key in root for key in _NOT_AT_ROOT):
        raise _Fault(
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
        )
    tally = _Tally()
    waiting: list[tuple[Place, Json, int]] = [((), root, 0)]
    while waiting:
        place, node, depth = waiting.pop()
        if len(place) > _LONGEST_PLACE:
            raise _Fault(f"{len(place) // 2} levels of nesting exceeds limit of {MAX_DEPTH}.")
        if not isinstance(node, Mapping):
            raise _fault(place, "schema must be a JSON Schema object.")
        _check_node(place, node, root)
        container = bool(_types(node) & {"object", "array"})
        tally.depth = max(tally.depth, depth + container)
        _count(place, node, tally)
        if tally.parts > MAX_PARTS:
            raise _Fault(f"more than {MAX_PARTS} schemas inside one schema.")
        children = list(_children(place, node, depth + container))
        waiting += reversed(children)
    tally.check()


def _check_node(place: Place, node: Mapping[str, Json], root: Mapping[str, Json]) -> None:
    allowed = _ALLOWED if place else _ALLOWED | _ROOT_ONLY
    for key in node:
        if key not in allowed:
            raise _fault(place, f"'{key}' is not permitted.")
    if "$ref" in node:
        _check_reference(place, node, root)
    elif "anyOf" in node:
        if not isinstance(node["anyOf"], list) or not node["anyOf"]:
            raise _fault(place, "'anyOf' must be a list of schemas.")
        if len(node["anyOf"]) > MAX_PARTS:
            raise _fault(place, f"'anyOf' has more than {MAX_PARTS} schemas.")
    elif "type" not in node:
        raise _fault(place, "schema must have a 'type' key.")
    kinds = _types(node)
    if "object" in kinds or "properties" in node:
        _check_object(place, node)
    if "array" in kinds and "items" not in node:
        raise _fault(place, "array schema missing items.")
    if "format" in node and node["format"] not in FORMATS:
        raise _fault(place, f"'{node['format']}' is not a valid format.")
    if "enum" in node and not isinstance(node["enum"], list):
        raise _fault(place, "'enum' must be a list.")


def _check_reference(place: Place, node: Mapping[str, Json], root: Mapping[str, Json]) -> None:
    if others := sorted(set(node) - {"$ref", *_ROOT_ONLY}):
        raise _fault(place, f"$ref cannot have keywords {{{', '.join(map(repr, others))}}}.")
    target = node["$ref"]
    if target == "#":
        return
    steps = steps_of(root, target) if isinstance(target, str) else None
    if steps is None and isinstance(target, str) and target.startswith(_TO_DEFINITIONS) and target.count("/") == 2:
        raise _fault(place, f"reference to component '{target}' which was not found in the schema.")
    if steps is None or len(steps) != 2 or steps[0] not in _DEFINITIONS:
        raise _fault(place, "reference can only point to definitions defined at the top level of the schema.")


def _check_object(place: Place, node: Mapping[str, Json]) -> None:
    if node.get("additionalProperties") is not False:
        raise _fault(place, "'additionalProperties' is required to be supplied and to be false.")
    properties, required = node.get("properties"), node.get("required", [])
    if not isinstance(properties, Mapping):
        raise _fault(place, "object schema missing properties.")
    wanted = "'required' is required to be supplied and to be an array including every key in properties."
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _fault(place, wanted)
    named = set(required)
    if (missing := next((name for name in properties if name not in named), None)) is not None:
        raise _fault(place, f"{wanted} Missing '{missing}'.")
    if (extra := next((name for name in required if name not in properties), None)) is not None:
        raise _fault(place, f"{wanted} Extra required key '{extra}' supplied.")


def _count(place: Place, node: Mapping[str, Json], tally: _Tally) -> None:
    names = [*(node.get("properties") or ())]
    tally.parts += 1
    tally.properties += len(names)
    if not place:
        names += [name for key in _DEFINITIONS if isinstance(node.get(key), Mapping) for name in node[key]]
    values = node.get("enum", [])
    texts = [value for value in values if isinstance(value, str)]
    tally.enum_values += len(values)
    length = sum(map(len, texts))
    tally.characters += sum(map(len, names)) + length
    if isinstance(node.get("const"), str):
        tally.characters += len(node["const"])
    if len(texts) > LONG_ENUM and length > MAX_LONG_ENUM_CHARACTERS:
        raise _fault(
            place,
            f"an enum of more than {LONG_ENUM} values has {length} characters, "
            f"which exceeds limit of {MAX_LONG_ENUM_CHARACTERS}.",
        )


def _children(place: Place, node: Mapping[str, Json], depth: int) -> Iterator[tuple[Place, Json, int]]:
    for name, child in (node.get("properties") or {}).items():
        yield (*place, "properties", name), child, depth
    if "items" in node:
        yield (*place, "items"), node["items"], depth
    for number, child in enumerate(node.get("anyOf", ())):
        yield (*place, "anyOf", str(number)), child, depth
    if place:
        return
    for key in _DEFINITIONS:
        if isinstance(node.get(key), Mapping):
            for name, child in node[key].items():
                yield (key, name), child, 0


def _spelled(node: Json) -> Json:
    if isinstance(node, list):
        items = [_spelled(child) for child in node]
        return node if all(new is old for new, old in zip(items, node, strict=True)) else items
    if not isinstance(node, Mapping):
        return node
    out: dict[str, Json] = {}
    for key, value in node.items():
        if key in ("properties", *_DEFINITIONS) and isinstance(value, Mapping):
            named = {name: _spelled(child) for name, child in value.items()}
            out[key] = value if all(named[name] is value[name] for name in value) else named
        else:
            out[key] = _spelled(value) if key in ("items", "anyOf") else value
    if isinstance(out.get("nullable"), bool):
        return _with_null(out) if out.pop("nullable") else out
    return node if all(out[key] is node[key] for key in node) else out


def _with_null(node: dict[str, Json]) -> dict[str, Json]:
    if isinstance(node.get("anyOf"), list):
        return node | {"anyOf": [*node["anyOf"], {"type": "null"}]}
    if "const" in node or "$ref" in node:
        return {"anyOf": [node, {"type": "null"}]}
    out = node | {"type": [*sorted(_types(node) - {"null"}), "null"]}
    if isinstance(node.get("enum"), list) and None not in node["enum"]:
        out["enum"] = [*node["enum"], None]
    return out


def _types(node: Mapping[str, Json]) -> set[str]:
    kinds = node.get("type", [])
    return {kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)}


def _fault(place: Place, words: str) -> _Fault:
    """Name the place as OpenAI does: as a tuple of Python."""
    return _Fault(f"In context={place!r}, {words}")

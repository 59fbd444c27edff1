"""Schemas that grow: every keyword of JSON Schema in numbers, alone and inside one another, with documents to check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

Made = tuple[dict[str, Any], Any]
"""A schema and a document."""


def _object(properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": [*properties], **more}


def _not_constants(n: int) -> Made:
    return {"allOf": [{"not": {"const": at}} for at in range(n)]}, n + 1


def _constants(n: int) -> Made:
    return _object({"a": {"oneOf": [{"const": f"v{at}", "title": "x"} for at in range(n)]}}), {"a": "nothing"}


def _enums(n: int) -> Made:
    return {"allOf": [{"enum": [*range(at, n + at)]} for at in range(4)]}, n // 2


def _objects_in_enum(n: int) -> Made:
    return {"type": "array", "items": {"enum": [{"a": at} for at in range(n)]}}, [{"a": -1}] * n


def _choices(n: int) -> Made:
    return {"allOf": [{"anyOf": [{"required": [f"a{at}"]}, {"required": [f"b{at}"]}]} for at in range(n)]}, {}


def _discriminated(n: int) -> Made:
    branches = [_object({"kind": {"const": f"k{at}"}, "value": {"type": "string"}}) for at in range(n)]
    return _object({"list": {"type": "array", "items": {"anyOf": branches}}}), {"list": [{"kind": "none"}] * n}


def _nested(n: int) -> Made:
    """Some levels of `anyOf` in `allOf` in `not`."""
    levels = min(n, 24)
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"not": {"allOf": [{"anyOf": [schema, {"minimum": 3}]}, {"maximum": 9}]}}
    return schema, 1


def _if(n: int) -> Made:
    cases = [
        {"if": {"properties": {"a": {"const": at}}}, "then": {"required": [f"b{at}"]}, "else": {"required": [f"c{at}"]}}
        for at in range(n)
    ]
    return {"type": "object", "allOf": cases}, {"a": 1}


def _pattern_properties(n: int) -> Made:
    patterns = {f"^a{at}[a-z]{{1,20}}$": {"type": "string"} for at in range(n)}
    return {"type": "object", "patternProperties": patterns}, {f"b{at}": 1 for at in range(n)}


def _names_and_patterns(n: int) -> Made:
    named = {f"p{at}": {"type": "string"} for at in range(n)}
    patterns = {f"^p{at}": {"minLength": at} for at in range(n)}
    schema = {"properties": named, "patternProperties": patterns, "propertyNames": {"maxLength": 8}}
    return {**schema, "additionalProperties": {"type": "null"}}, {f"p{at}": "x" for at in range(n)}


def _patterns(n: int) -> Made:
    return {"type": "array", "items": {"allOf": [{"pattern": f"a{at}.*b"} for at in range(n)]}}, ["a" * n] * n


def _wide_patterns(n: int) -> Made:
    return {"anyOf": [{"pattern": f"^.{{0,{20 * n}}}{at}$"} for at in range(16)]}, "x" * 20 * n


def _looking_around(n: int) -> Made:
    return {"type": "array", "items": {"pattern": "^(?=(a+)+$)(a|aa)+$"}}, ["a" * 60 + "!"] * n


def _dependent(n: int) -> Made:
    schemas = {f"a{at}": {"required": [f"b{at}"]} for at in range(n)}
    required = {f"c{at}": [f"d{at}"] for at in range(n)}
    return {"type": "object", "dependentSchemas": schemas, "dependentRequired": required}, {"a1": 1, "c1": 1}


def _unevaluated(n: int) -> Made:
    parts = [{"anyOf": [{"properties": {f"a{at}_{to}": True}} for to in range(8)]} for at in range(n // 8 + 1)]
    return {"type": "object", "allOf": parts, "unevaluatedProperties": False}, {f"a{at}_9": 1 for at in range(n)}


def _unevaluated_items(n: int) -> Made:
    parts = [{"prefixItems": [{"type": "integer"}] * (1 + at % 25)} for at in range(n)]
    return {"type": "array", "anyOf": parts, "unevaluatedItems": False}, ["x"] * n


def _contains(n: int) -> Made:
    parts = [{"contains": {"const": at}, "minContains": 1, "maxContains": 2} for at in range(n)]
    return {"type": "array", "allOf": parts}, [*range(n)]


def _contained(n: int) -> Made:
    inner: dict[str, Any] = {"contains": {"contains": {"contains": {"const": 1}}}}
    side = max(2, round(n ** (1 / 3)))
    return inner, [[[0] * side] * side] * side


def _unique(n: int) -> Made:
    lengths = {"minItems": n, "maxItems": 10**12}
    return {"type": "array", "uniqueItems": True, **lengths}, [{"a": [at]} for at in range(n)]


def _numbers(n: int) -> Made:
    steps = [{"type": "integer", "multipleOf": at + 2} for at in range(n)]
    bounds = {"minimum": -n, "exclusiveMaximum": 10**9, "maximum": 10**9, "exclusiveMinimum": -n - 1}
    return {"allOf": [*steps, *({"not": {"multipleOf": 2 * at + 1.5}} for at in range(n)), bounds]}, n


def _lengths(n: int) -> Made:
    lengths = [{"type": "string", "minLength": at, "maxLength": 10**9, "format": "date"} for at in range(n)]
    return {"allOf": lengths}, "x" * n


def _fields(n: int) -> Made:
    kinds = {f"p{at}": {"type": ["string", "null"], "enum": [None, *map(str, range(20))]} for at in range(n)}
    counts = {"additionalProperties": False, "minProperties": n, "maxProperties": n}
    return _object(kinds, **counts), {f"p{at}": "no" for at in range(n)}


def _strict_fields(n: int) -> Made:
    kinds = {f"p{at}": {"anyOf": [{"type": "string"}, {"type": "null"}]} for at in range(n)}
    return _object(kinds, additionalProperties=False), {f"p{at}": 1 for at in range(n)}


def _definitions(n: int) -> Made:
    chain = {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(n)} | {f"d{n}": {"type": "object"}}
    return {"$ref": "#/$defs/d0", "$defs": chain}, []


def _shared_definition(n: int) -> Made:
    big = _object({f"a{at}": {"type": "string"} for at in range(n)})
    return _object({f"p{at}": {"$ref": "#/definitions/big"} for at in range(n)}, definitions={"big": big}), {}


def _dynamic(n: int) -> Made:
    schema: dict[str, Any] = {"$dynamicAnchor": "node", "type": "object"}
    schema["properties"] = {f"p{at}": {"$dynamicRef": "#node"} for at in range(n)}
    document: Any = {"p1": 1}
    return schema, reduce(lambda inner, _: {"p0": inner}, range(50), document)


def _recursive(n: int) -> Made:
    branches = [{"properties": {"n": {"$ref": "#"}, "k": {"const": at}}} for at in range(min(n, 60))]
    document: Any = {"n": 1}
    return {"type": "object", "anyOf": branches}, reduce(lambda inner, _: {"n": inner}, range(60), document)


def _lists(n: int) -> Made:
    return {"type": "array", "prefixItems": [{"minimum": at} for at in range(n)], "items": False}, [-1] * n


def _depth(n: int) -> Made:
    schema: dict[str, Any] = {"type": "string"}
    return reduce(lambda inner, _: {"type": "array", "items": inner}, range(min(n, 90)), schema), [[[]]]


GROWN: Mapping[str, tuple[Callable[[int], Made], int]] = {
    "not const": (_not_constants, 100),
    "oneOf const": (_constants, 300),
    "allOf enum": (_enums, 1_000),
    "enum of objects": (_objects_in_enum, 400),
    "allOf anyOf": (_choices, 6),
    "anyOf objects": (_discriminated, 100),
    "nested": (_nested, 6),
    "if then else": (_if, 5),
    "patternProperties": (_pattern_properties, 250),
    "properties and patterns": (_names_and_patterns, 150),
    "patterns": (_patterns, 100),
    "wide patterns": (_wide_patterns, 50),
    "look-around": (_looking_around, 50),
    "dependentSchemas": (_dependent, 5),
    "unevaluatedProperties": (_unevaluated, 80),
    "unevaluatedItems": (_unevaluated_items, 100),
    "contains": (_contains, 60),
    "contains contains": (_contained, 10_000),
    "uniqueItems": (_unique, 4_000),
    "numbers": (_numbers, 60),
    "lengths": (_lengths, 100),
    "fields": (_fields, 300),
    "strict fields": (_strict_fields, 300),
    "$defs": (_definitions, 500),
    "one definition often": (_shared_definition, 300),
    "$dynamicRef": (_dynamic, 100),
    "recursion": (_recursive, 15),
    "prefixItems": (_lists, 500),
    "depth": (_depth, 25),
}
"""By name: what makes a schema and a document of a size, and the size that is doubled twice."""

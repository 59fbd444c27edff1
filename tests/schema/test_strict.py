"""OpenAI's strict subset: what is taken, what is refused and in which words, and what the official clients send."""

from __future__ import annotations

import json
import time
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from firstline.errors import FunctionSchemaError, StrictSchemaError
from firstline.schema.schema import compile_schema
from firstline.schema.strict import check_strict_schema, spell_out, strict_fault

STRICT: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."
# Made by `zodResponseFormat` and `zodFunction` of openai 7.57 for Node.
ZOD: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "zod_schemas.json").read_bytes())


def holding(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def nested(levels: int) -> dict[str, Any]:
    schema = holding(leaf={"type": "string"})
    for _ in range(levels - 1):
        schema = holding(inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        STRICT,
        holding(),
        STRICT | {"title": "t", "description": "d", "$schema": "https://json-schema.org/draft/2020-12/schema"},
        holding(a={"type": ["string", "null"], "format": "date", "pattern": "^2"}),
        holding(a={"anyOf": [{"type": "integer", "multipleOf": 2}, {"type": "null"}]}),
        holding(a={"anyOf": [holding(kind={"type": "string", "const": "x"}), holding(kind={"type": "null"})]}),
        holding(a={"type": "array", "items": STRICT, "minItems": 1, "maxItems": 2}),
        holding(a={"type": "number", "minimum": 0, "exclusiveMaximum": 1}, b={"type": "boolean"}),
        holding(next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
        holding(a={"$ref": "#/$defs/A~1B"}) | {"$defs": {"A/B": holding(a={"$ref": "#/$defs/A~1B"})}},
        holding(a={"type": "string", "enum": ["x"] * 1000}),
        holding(**{f"p{i}": {"type": "null"} for i in range(5000)}),
        nested(10),
        holding(properties={"type": "string"}, default={"type": "string"}),  # names, not keywords
    ],
)
def test_the_subset_is_taken(schema: dict[str, Any]) -> None:
    assert strict_fault(schema) is None
    assert check_strict_schema(schema, of="function", name="f", param="p") is schema
    compile_schema(schema)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"type": "array", "items": STRICT},
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
        ),
        ({}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        (True, "schema must be a JSON Schema object."),
        (
            STRICT | {"anyOf": [STRICT]},
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
        ),
        (STRICT | {"required": []}, f"In context=(), {REQUIRED} Missing 'a'."),
        (STRICT | {"required": ["a", "b"]}, f"In context=(), {REQUIRED} Extra required key 'b' supplied."),
        (STRICT | {"required": "a"}, f"In context=(), {REQUIRED}"),
        (
            STRICT | {"additionalProperties": True},
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            holding(a={"type": "object"}),
            "In context=('properties', 'a'), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            holding(a={"type": ["object", "null"], "additionalProperties": False}),
            "In context=('properties', 'a'), object schema missing properties.",
        ),
        (holding(a={"type": "array"}), "In context=('properties', 'a'), array schema missing items."),
        (holding(a={}), "In context=('properties', 'a'), schema must have a 'type' key."),
        (holding(a={"const": 1}), "In context=('properties', 'a'), schema must have a 'type' key."),
        (holding(a=True), "In context=('properties', 'a'), schema must be a JSON Schema object."),
        (holding(a={"anyOf": []}), "In context=('properties', 'a'), 'anyOf' must be a list of schemas."),
        (
            holding(a={"type": "string", "default": "x"}),
            "In context=('properties', 'a'), 'default' is not permitted.",
        ),
        (
            holding(a={"type": "array", "items": holding(b={"type": "string", "minLength": 1})}),
            "In context=('properties', 'a', 'items', 'properties', 'b'), 'minLength' is not permitted.",
        ),
        *(
            (STRICT | {key: {}}, f"In context=(), '{key}' is not permitted.")
            for key in ("if", "patternProperties", "dependentRequired", "propertyNames")
        ),
        (
            holding(a={"anyOf": [{"type": "null"}, {"oneOf": []}]}),
            "In context=('properties', 'a', 'anyOf', '1'), 'oneOf' is not permitted.",
        ),
        (
            holding(a={"type": "string", "format": "uri"}),
            "In context=('properties', 'a'), 'uri' is not a valid format.",
        ),
        (
            holding(a={"$ref": "#/$defs/B"}),
            "In context=('properties', 'a'), reference to component '#/$defs/B' which was not found in the schema.",
        ),
        (
            holding(a={"type": "string"}, b={"$ref": "#/properties/a"}),
            "In context=('properties', 'b'), "
            "reference can only point to definitions defined at the top level of the schema.",
        ),
        (
            holding(a={"$ref": "#", "description": "d"}),
            "In context=('properties', 'a'), $ref cannot have keywords {'description'}.",
        ),
        (
            STRICT | {"$defs": {"B": {"type": "string", "minLength": 1}}},
            "In context=('$defs', 'B'), 'minLength' is not permitted.",
        ),
        (nested(11), "11 levels of nesting exceeds limit of 10."),
        (holding(**{f"p{i}": {"type": "null"} for i in range(5001)}), "5001 parameters exceeds limit of 5000."),
        (
            holding(a={"type": "integer", "enum": [*range(1001)]}),
            "Expected at most 1000 enum values in total within a single schema when using structured outputs, "
            "but received 1001.",
        ),
        (
            holding(**{f"p{i:03}" + "x" * 1200: {"type": "null"} for i in range(100)}),
            "120400 characters of names, enum values and const values exceeds limit of 120000.",
        ),
        (
            holding(a={"type": "string", "enum": [f"{i:060}" for i in range(251)]}),
            "In context=('properties', 'a'), an enum of more than 250 values has 15060 characters, "
            "which exceeds limit of 15000.",
        ),
    ],
)
def test_what_is_outside_is_refused_in_openais_words(schema: Any, words: str) -> None:
    with pytest.raises(StrictSchemaError) as caught:
        check_strict_schema(schema, of="response_format", name="NAME", param="response_format")
    assert caught.value.message == f"Invalid schema for response_format 'NAME': {words}"
    assert (caught.value.status, caught.value.code, caught.value.param) == (
        400,
        "invalid_json_schema",
        "response_format",
    )


def test_a_function_is_named_as_such() -> None:
    with pytest.raises(FunctionSchemaError) as caught:
        check_strict_schema(STRICT | {"not": {}}, of="function", name="pay", param="tools[0].function.parameters")
    assert caught.value.message.startswith("Invalid schema for function 'pay': schema must have type 'object' and not")
    assert caught.value.code == "invalid_function_parameters"
    assert caught.value.param == "tools[0].function.parameters"


class Unit(Enum):
    """A unit."""

    KG = "kg"
    LB = "lb"


class Circle(BaseModel):
    """One of two shapes."""

    kind: Literal["circle"]
    radius: float = Field(gt=0, description="in metres")


class Square(BaseModel):
    """The other."""

    kind: Literal["square"]
    side: float | None = None


class Tree(BaseModel):
    """Refers to itself, twice."""

    name: str = Field(title="Name", pattern="^[a-z]+$")
    shape: Circle | Square
    unit: Unit = Field(description="beside a reference")
    weights: list[float] = Field(min_length=1, max_length=5)
    children: list[Tree]
    parent: Tree | None


def test_what_the_python_client_makes_is_taken() -> None:
    schema = to_strict_json_schema(Tree)
    assert strict_fault(schema) is None
    leaf = {"name": "a", "shape": {"kind": "square", "side": None}, "unit": "kg", "weights": [1], "children": []}
    assert compile_schema(schema).mismatches(leaf | {"parent": None}) == []


@pytest.mark.parametrize("name", ZOD)
def test_what_the_node_client_makes_is_taken(name: str) -> None:
    assert strict_fault(ZOD[name]) is None
    compile_schema(check_strict_schema(ZOD[name], of="response_format", name="n", param="response_format"))


def test_nullable_is_spelled_out() -> None:
    old = holding(
        a={"type": "string", "nullable": True},
        b={"type": "string", "enum": ["x"], "nullable": True},
        c={"anyOf": [{"type": "string"}], "nullable": True},
        d={"type": "string", "const": "x", "nullable": True},
        e={"type": "array", "items": {"type": "number", "nullable": False}},
        nullable={"type": "boolean"},
    )
    before = json.dumps(old)
    new = spell_out(old)
    assert json.dumps(old) == before
    assert new["properties"] == {
        "a": {"type": ["string", "null"]},
        "b": {"type": ["string", "null"], "enum": ["x", None]},
        "c": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "d": {"anyOf": [{"type": "string", "const": "x"}, {"type": "null"}]},
        "e": {"type": "array", "items": {"type": "number"}},
        "nullable": {"type": "boolean"},
    }
    none = dict.fromkeys("abcd") | {"e": [1], "nullable": True}
    assert compile_schema(new).mismatches(none) == []


def test_a_schema_of_any_shape_is_judged_in_bounded_time() -> None:
    deep: Any = {"type": "string"}
    for _ in range(100_000):
        deep = {"anyOf": [deep]}
    wide = holding(**{f"p{i}": {"type": "string", "enum": ["x"] * 9} for i in range(5000)})
    begun = time.perf_counter()
    assert "levels of nesting exceeds limit of 10" in str(strict_fault(holding(a=deep)))
    assert "but received 45000" in str(strict_fault(wide))
    assert time.perf_counter() - begun < 2.0
    while isinstance(deep, dict) and "anyOf" in deep:  # taken apart by hand: Python's own way is recursive
        deep = deep["anyOf"].pop()

"""JSON Schema: words for a mismatch, the strict form, and the proof that nothing can match."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.errors import SchemaError
from firstline.schema.bounds import MAX_DEPTH
from firstline.schema.schema import MAX_MISMATCHES, compile_schema, strict, unsatisfiable

RECEIPT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "company": {"type": ["string", "null"], "minLength": 2},
        "total": {"type": "number", "minimum": 0},
        "kind": {"enum": ["cash", "card"]},
        "items": {
            "type": "array",
            "maxItems": 2,
            "items": {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]},
        },
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["company", "total"],
    "additionalProperties": False,
}


def reasons(schema: Any, document: Any) -> list[str]:
    return [item.reason for item in compile_schema(schema).mismatches(document)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"company": "A Shop", "total": 12.5}, []),
        ({"company": None, "total": 1, "due": None}, []),
        ({"company": "A Shop", "total": "12,50"}, ['total: expected a number, got the text "12,50"']),
        ({"company": "A Shop", "total": -1}, ["total: expected at least 0, got the number -1"]),
        ({"company": "A Shop"}, ["total: is missing"]),
        ({"company": "A", "total": 1}, ["company: expected at least 2 characters, got 1"]),
        ({"company": 3, "total": 1}, ["company: expected null or a text, got the number 3"]),
        (
            {"company": "A Shop", "total": 1, "kind": "gold"},
            ['kind: expected one of "cash", "card", got the text "gold"'],
        ),
        (
            {"company": "A Shop", "total": 1, "tax": 1, "vat": 2},
            ["tax: is not a field of the schema"] * 0
            + ["tax: is not a field of the schema", "vat: is not a field of the schema"],
        ),
        (
            {"company": "A Shop", "total": 1, "items": [{"price": 1}, {"price": True}]},
            ["items[1].price: expected a number, got true"],
        ),
        (
            {"company": "A Shop", "total": 1, "items": [{}, {"price": 1}, {"price": 1}]},
            ["items: expected at most 2 items, got 3", "items[0].price: is missing"],
        ),
        (
            {"company": "A Shop", "total": 1, "due": "soon"},
            ['due: expected the format date, got the text "soon"'],
        ),
        ({"company": "A Shop", "total": 1, "due": 4}, ["due: expected a text or null, got the number 4"]),
        ([], ["expected an object, got a list of 0"]),
    ],
)
def test_a_mismatch_is_put_in_words(document: Any, expected: list[str]) -> None:
    assert sorted(reasons(RECEIPT, document)) == sorted(expected)


def test_a_mismatch_names_the_field_and_the_path() -> None:
    (item,) = compile_schema(RECEIPT).mismatches({"company": "A Shop", "total": 1, "items": [{"price": "x"}]})
    assert item.field == "items"
    assert item.path == ("items", 0, "price")
    (whole,) = compile_schema(RECEIPT).mismatches("text")
    assert whole.field is None


@pytest.mark.parametrize("document", ["\ud800", {1: 2}, {"total": "\udfff"}])
def test_what_is_no_json_is_a_mismatch_and_never_an_exception(document: Any) -> None:
    (item,) = compile_schema({"type": "array"}).mismatches(document)
    assert "is not a JSON document" in item.reason


def test_mismatches_are_limited() -> None:
    assert len(compile_schema({"items": {"type": "string"}}).mismatches(list(range(500)))) == MAX_MISMATCHES


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "text"}, 'wrong at type: "text" is not a type of JSON'),
        ({"properties": {"a": {"minimum": "x"}}}, "properties.a.minimum: properties.a.minimum: expected a number"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"$ref": "#/$defs/none"}, "reference that cannot be followed"),
        ({"$ref": "https://example.com/schema.json"}, "reference that cannot be followed"),
        ({"$ref": "file:///etc/passwd"}, "reference that cannot be followed"),
        ([], "expected"),
        (3, "expected"),
        ({"const": object()}, "is not JSON"),
        ({"description": "x" * 600_000}, "at most 524,288"),
    ],
)
def test_a_wrong_schema_is_an_error_in_words(schema: Any, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema(schema)
    assert words in caught.value.message


def test_a_schema_nested_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH * 30):
        deep = {"not": deep}
    with pytest.raises(SchemaError, match="levels deep"):
        compile_schema(deep)


def test_a_pattern_cannot_hold_up_the_process() -> None:
    validator = compile_schema({"type": "string", "pattern": r"^(?=a)(a|aa)+\1?$"})
    begun = time.perf_counter()
    assert validator.mismatches("a" * 5_000 + "b")
    assert time.perf_counter() - begun < 2.0


def test_strict_closes_objects_and_makes_optional_fields_nullable() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer", "enum": [1, 2]},
            "c": {"$ref": "#/$defs/c"},
            "d": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "e": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}},
            "f": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "required": ["a", "f"],
        "$defs": {"c": {"type": "object", "properties": {}}},
    }
    before = json.dumps(schema)
    out = strict(schema)
    assert json.dumps(schema) == before
    assert out["additionalProperties"] is False
    assert out["required"] == ["a", "b", "c", "d", "e", "f"]
    assert out["properties"]["a"] == {"type": "string"}
    assert out["properties"]["b"] == {"type": ["integer", "null"], "enum": [1, 2, None]}
    assert out["properties"]["c"] == {"anyOf": [{"$ref": "#/$defs/c"}, {"type": "null"}]}
    assert out["properties"]["d"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert out["properties"]["e"]["items"]["required"] == ["x"]
    assert out["properties"]["e"]["type"] == ["array", "null"]
    assert out["properties"]["f"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert out["$defs"]["c"]["additionalProperties"] is False
    assert strict(out) == out


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (False, "nothing is allowed"),
        ({"enum": []}, "enum []"),
        ({"type": "string", "enum": [1, 2]}, 'type "string" and enum [1,2]'),
        ({"type": "string", "const": 3}, "const 3"),
        ({"type": "number", "minimum": 3, "maximum": 2}, "minimum 3 and maximum 2"),
        (
            {"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 3},
            "exclusiveMinimum 2 and exclusiveMaximum 3",
        ),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength 3 and maxLength 2"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "minItems 3 and maxItems 2"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "the schema"),
        (
            {"type": "object", "properties": {"a": {}}, "required": ["b"], "additionalProperties": False},
            "requires `b`, which `additionalProperties: false` forbids",
        ),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "a: nothing is allowed"),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/n"}, "z": {"type": "string"}},
                "required": ["z", "a"],
                "$defs": {"n": {"type": "number", "minimum": 2, "maximum": 1}},
            },
            "minimum 2 and maximum 1",
        ),
    ],
)
def test_a_schema_that_no_document_meets_is_named(schema: Any, words: str) -> None:
    reason = unsatisfiable(schema)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        RECEIPT,
        strict(RECEIPT),
        {"minimum": 3, "maximum": 2},  # a text meets it
        {"type": "object", "properties": {"a": False}},  # an object without `a` meets it
        {"allOf": [{"type": ["string", "null"]}, {"type": ["integer", "null"]}]},
        {"type": "array", "items": False},
    ],
)
def test_a_schema_that_can_be_met_is_not_named(schema: Any) -> None:
    assert unsatisfiable(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"dependentRequired": {f"p{i}": [f"q{i}"] for i in range(200)}},
        {"allOf": [{"if": {"required": [f"p{i}"]}, "then": {"required": [f"q{i}"]}} for i in range(40)]},
        {"allOf": [{"oneOf": [{"pattern": f"{i}{k}"} for k in range(3)]} for i in range(20)]},
        {"allOf": [{"$ref": "#"}] * 30},
        {"$ref": "#/$defs/0", "$defs": {str(i): {"$ref": f"#/$defs/{i + 1}"} for i in range(3000)} | {"3000": {}}},
    ],
)
def test_a_schema_with_too_many_combinations_is_left_unproved_in_no_time(schema: Any) -> None:
    begun = time.perf_counter()
    assert unsatisfiable(schema) is None
    assert time.perf_counter() - begun < 1.0


small = st.integers(-2, 3)
leaves = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": small, "maximum": small, "exclusiveMinimum": small, "multipleOf": st.integers(1, 3)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(0, 2)}
    ),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from([None, True, 0, 1, "", "a"]), max_size=2)}),
    st.booleans(),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(
            st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=3), min_size=1
        ),
        st.builds(lambda part: {"not": part}, inner),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)},
            optional={
                "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
                "additionalProperties": st.booleans(),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 2), "maxItems": st.integers(0, 2)},
        ),
    ),
    max_leaves=5,
)
SCALARS: list[Any] = [None, True, False, -2, -1, 0, 1, 2, 3, 4, 0.5, "", "a", "aa"]
SAMPLES = [
    *SCALARS,
    [],
    {},
    *[[item] for item in SCALARS],
    *[{"a": item} for item in SCALARS],
    *[{"a": left, "b": right, "c": 1} for left in SCALARS for right in (None, 0, 1, "a")],
]


@settings(max_examples=150, deadline=None)
@given(schemas)
def test_what_some_document_meets_is_never_called_impossible(schema: Any) -> None:
    validator = compile_schema(schema)
    met = next((sample for sample in SAMPLES if not validator.mismatches(sample)), validator)
    if met is not validator:
        assert unsatisfiable(schema) is None, met

"""Schemas and documents made to keep the process busy: each is answered in bounded time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from firstline.errors import SchemaError
from firstline.schema.bounds import MAX_EVALUATIONS, cost, pattern_states
from firstline.schema.schema import compile_schema, unsatisfiable


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    assert time.perf_counter() - begun < seconds


def doubling(levels: int, *, inside: bool = False) -> dict[str, Any]:
    """Definitions that name the next one twice: 2^levels evaluations."""
    definitions: dict[str, Any] = {"0": {"type": "string"}}
    for level in range(levels):
        name: dict[str, Any] = {"$ref": f"#/$defs/{level}"}
        branch = {"properties": {"n": name}} if inside else name
        definitions[str(level + 1)] = {"anyOf": [branch, branch]}
    return {"$ref": f"#/$defs/{levels}", "$defs": definitions}


def chain(key: str, length: int, end: Any) -> Any:
    for _ in range(length):
        end = {key: end}
    return end


@pytest.mark.alone
@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|aa)+$", "^(a*)*b?$", r"^(?=(a+)+$)(a|aa)+$", r"^(a+)+\1$", r"^(.*a){12}$", "(x+x+)+y"]
)
def test_a_catastrophic_pattern_answers_soon(pattern: str) -> None:
    with within(3.0):
        validator = compile_schema({"type": "array", "items": {"pattern": pattern}})
        assert validator.mismatches(["a" * 50_000 + "!", *["a" * 60 + "!"] * 500])


@pytest.mark.parametrize("pattern", ["^(a{1000}){1000}$", "(" * 200 + "a{9}" + "){9}" * 200, r"\p{L}{5000}"])
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    with within(1.0), pytest.raises(SchemaError, match="patterns are too large"):
        compile_schema({"pattern": pattern})
    with within(1.0), pytest.raises(SchemaError, match="patterns are too large"):
        compile_schema({"patternProperties": {pattern: True}})


def test_many_patterns_are_compiled_soon_or_refused() -> None:
    with within(3.0):
        compile_schema({"anyOf": [{"pattern": f"^.{{0,4000}}{i}$"} for i in range(24)]})
    with within(1.0), pytest.raises(SchemaError, match="patterns are too large"):
        compile_schema({"anyOf": [{"pattern": f"^.{{0,4000}}{i}$"} for i in range(10_000)]})


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("abc", 3),
        ("^a{3}$", 5),
        ("(ab){2,5}", 10),
        ("(a(b|c){2}){3}", 15),
        (r"[a-z\]]{2}", 8),
        (r"\d{4}-\d\d", 7),
        ("", 0),
    ],
)
def test_the_states_of_a_pattern_are_estimated(pattern: str, states: int) -> None:
    assert pattern_states(pattern) == states


@pytest.mark.parametrize("inside", [False, True])
def test_branches_that_double_at_each_step_are_refused(inside: bool) -> None:
    with within(1.0), pytest.raises(SchemaError, match="evaluations of one place"):
        compile_schema(doubling(500, inside=inside))
    assert compile_schema(doubling(8, inside=inside)).mismatches("text") == []


def test_branches_within_the_bound_are_explained_soon() -> None:
    validator = compile_schema(doubling(10))
    with within(3.0):
        assert validator.mismatches(1)


def test_a_schema_that_refers_to_itself_twice_does_not_double_with_the_depth_of_a_document() -> None:
    schema = {"properties": {"n": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "x": {"type": "string"}}}
    validator = compile_schema(schema)
    with within(2.0):
        (item,) = validator.mismatches(chain("n", 200, {"x": 1}))
    assert "refers to itself" in item.reason
    assert validator.mismatches(chain("n", 200, {"x": "text"})) == []
    assert "matches none" in validator.mismatches({"n": {"x": 1}})[0].reason


def test_a_tree_of_any_depth_is_explained() -> None:
    schema = {"properties": {"n": {"$ref": "#"}, "x": {"type": "string"}}}
    (item,) = compile_schema(schema).mismatches(chain("n", 100, {"x": 1}))
    assert item.reason.endswith("x: expected a text, got the number 1")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
        {
            "$ref": "#/$defs/a",
            "$defs": {
                "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]},
                "b": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]},
            },
        },
    ],
)
def test_recursion_without_an_end_can_be_met_by_nothing(schema: Any) -> None:
    with within(1.0):
        assert unsatisfiable(schema) is not None


def test_recursion_with_an_end_can_be_met() -> None:
    schema = {"type": "object", "properties": {"n": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["n"]}
    assert unsatisfiable(schema) is None
    assert cost(schema).returns == 1


def test_a_large_schema_is_refused_or_used_soon() -> None:
    with within(1.0), pytest.raises(SchemaError, match="at most 524,288"):
        compile_schema({"properties": {f"name{i}": {"type": "string"} for i in range(40_000)}})
    with within(9.0):
        validator = compile_schema({"properties": {f"name{i}": {"pattern": f"^{i}"} for i in range(12_000)}})
        assert validator.mismatches({f"name{i}": "x" for i in range(12_000)})
    with within(3.0):
        assert unsatisfiable({"properties": {f"name{i}": {"type": "string"} for i in range(12_000)}}) is None


def test_a_document_of_any_depth_is_judged_soon() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    with within(1.0):
        assert compile_schema({"type": "array"}).mismatches(deep) == []
        assert compile_schema({"type": "string"}).mismatches(deep)


def test_the_bound_leaves_room_over_schemas_in_use() -> None:
    union = {"anyOf": [{"properties": {"kind": {"const": i}, "x": {"type": "string"}}} for i in range(200)]}
    assert cost({"properties": {"list": {"items": union}, "one": union}}).evaluations < MAX_EVALUATIONS / 8

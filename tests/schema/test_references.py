"""A `$ref` leads to a definition of any name, written as the standards want it or as generators write it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.engines.llama_schema import for_grammar
from firstline.engines.minimal import minimal
from firstline.errors import StrictSchemaError
from firstline.schema.references import as_uris, follow, pointer_of, steps_of, with_plain_names
from firstline.schema.schema import compile_schema, unsatisfiable
from firstline.schema.strict import check_strict_schema, strict_fault

NAMES = [
    "发票",
    "Line item",
    "Page[Item]",
    "Größe",
    "a/b",
    "a~b",
    "50%",
    "%41",
    "A",
    "a#b",
    'a"b',
    "a\\b",
    "~1",
    "e\u0301",
]
ANY_NAME = st.sampled_from(NAMES) | st.text(min_size=1, max_size=5)


def schema_of(name: str, reference: str, inner: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write a strict schema whose `v` is the definition of that name."""
    item = {"type": "object", "properties": {"n": inner or {"type": "integer"}}, "required": ["n"]}
    return {
        "$defs": {name: {**item, "additionalProperties": False}},
        "type": "object",
        "properties": {"v": {"$ref": reference}},
        "required": ["v"],
        "additionalProperties": False,
    }


def written(name: str) -> list[str]:
    """Write references to a name by the standards, and as it is."""
    pointer = pointer_of(("$defs", name))
    return [f"#{quote(pointer, safe='/~')}", f"#{quote(pointer)}", f"#{pointer}", f"#/$defs/{name}"]


@given(ANY_NAME)
def test_any_name_is_followed_by_every_reader(name: str) -> None:
    for reference in written(name):
        schema = schema_of(name, reference)
        assert steps_of(schema, reference) == ("$defs", name)
        validator = compile_schema(schema)
        assert validator.mismatches({"v": {"n": 1}}) == []
        assert [one.reason for one in validator.mismatches({"v": {"n": "x"}})] != []
        assert minimal(schema) == {"v": {"n": 0}}
        assert unsatisfiable(schema) is None
        assert strict_fault(schema) is None
        assert check_strict_schema(schema, of="response_format", name="x", param="p") == schema
        grammar = for_grammar(schema)
        (target,) = grammar["$defs"]
        assert target.isascii()
        assert grammar["properties"]["v"]["$ref"] == f"#/$defs/{target}"


@given(st.lists(ANY_NAME, min_size=2, max_size=4, unique=True))
def test_names_are_not_confused(names: list[str]) -> None:
    definitions = {name: {"const": name} for name in names}
    for name in names:
        schema: dict[str, Any] = {"$defs": definitions, "$ref": written(name)[0]}
        assert follow(schema, schema["$ref"]) == {"const": name}
        validator = compile_schema(schema)
        assert [other for other in names if validator.mismatches(other) == []] == [name]
        plain = with_plain_names(schema)
        assert follow(plain, plain["$ref"]) == {"const": name}


def test_the_standards_go_first() -> None:
    both = {"$defs": {"A": {"const": 1}, "%41": {"const": 2}}}
    assert follow(both, "#/$defs/%41") == {"const": 1}
    assert follow(both, "#/$defs/%2541") == {"const": 2}
    assert follow({"$defs": {"%41": {"const": 2}}}, "#/$defs/%41") == {"const": 2}


def test_a_contradiction_behind_a_name_is_found() -> None:
    for name in NAMES:
        for reference in written(name):
            why = unsatisfiable(schema_of(name, reference, {"type": "integer", "minimum": 2, "maximum": 1}))
            assert why is not None, reference
            assert "minimum 2" in why


def test_what_is_no_reference_stays_as_it_is() -> None:
    schema = {
        "properties": {"$ref": {"const": {"$ref": "#/$defs/发票"}}},
        "$defs": {"发票": {"enum": [{"$ref": "#/x y"}]}},
    }
    assert as_uris(schema) is schema
    assert as_uris({"$ref": "#/$defs/%E5%8F%91%E7%A5%A8", **schema})["$ref"] == "#/$defs/%E5%8F%91%E7%A5%A8"
    assert as_uris({"$ref": "other.json#/a b"}) == {"$ref": "other.json#/a b"}


@pytest.mark.parametrize("reference", ["#/$defs/无", "#/$defs/a/properties/n", "#/properties/v", "other"])
def test_a_strict_schema_points_to_its_definitions_alone(reference: str) -> None:
    with pytest.raises(StrictSchemaError, match="reference"):
        check_strict_schema(schema_of("a", reference), of="response_format", name="x", param="p")

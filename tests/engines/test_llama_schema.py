r"""What llama.cpp's converter is given instead of what it refuses or lets through."""

from __future__ import annotations

import json

import pytest

from firstline.engines.llama_schema import for_grammar, plain_pattern


def test_a_reference_to_the_whole_schema_becomes_a_definition() -> None:
    schema = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "x": {"$ref": "#/$defs/x"}},
        "$defs": {"x": {"const": 1}},
    }
    before = json.dumps(schema)
    out = for_grammar(schema)
    assert json.dumps(schema) == before
    assert out["properties"]["next"]["anyOf"][1] == {"$ref": "#/$defs/whole-schema"}
    assert out["$defs"]["x"] == {"const": 1}
    assert out["$defs"]["whole-schema"]["properties"] == out["properties"]


def test_boolean_schemas_become_objects_or_go() -> None:
    out = for_grammar(
        {
            "properties": {"a": True, "b": False, "c": {"additionalProperties": False}},
            "anyOf": [False, {"prefixItems": [True], "items": False}],
            "additionalProperties": False,
        }
    )
    assert out == {
        "properties": {"a": {}, "c": {"additionalProperties": False}},
        "anyOf": [{"prefixItems": [{}]}],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        (r"^\d{3}$", "^[0-9]{3}$"),
        (r"^[\w-]\s\w$", "^[A-Za-z0-9_-][ ][A-Za-z0-9_]$"),
        (r"^(?:ab|c)+\.\d$", r"^(ab|c)+\.[0-9]$"),
        ("^https?://", r'^https?://[^"\\\n\r\t]*$'),
        ("^[^@ ]+$", r'^[^@ "\\\n\r\t]+$'),
        ("^[]$", "^[]$"),
        ("^[a-c]{2}$", "^[a-c]{2}$"),
        ("abc", "abc"),  # an open beginning invites a model to go on for ever
        ("^a|b", "^a|b"),
        (r"^\p{L}+$", r"^\p{L}+$"),
        (r"^(a)\1$", r"^(a)\1$"),
        ("^(?=a)a$", "^(?=a)a$"),
        ("", ""),
    ],
)
def test_patterns_are_written_in_what_the_converter_knows(pattern: str, plain: str) -> None:
    assert plain_pattern(pattern) == plain

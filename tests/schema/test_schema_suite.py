"""The official JSON Schema Test Suite through our verifier: every required test of 2020-12, and OpenAI's formats.

The suite's origin and licence stand in `data/ATTRIBUTION.md`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import SchemaError
from firstline.schema.schema import compile_schema
from firstline.schema.strict import FORMATS

SUITE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "json_schema_test_suite.json").read_bytes()
)


def wrong(cases: list[Any], **options: Any) -> tuple[int, list[str]]:
    """Count the tests, and list those that the verifier answers otherwise than the suite."""
    count, found = 0, []
    for case in cases:
        validator = compile_schema(case["schema"], **options)
        for test in case["tests"]:
            count += 1
            if (validator.mismatches(test["data"]) == []) is not test["valid"]:
                found.append(f"{case['description']}: {test['description']}")
    return count, found


@pytest.mark.parametrize("name", SUITE["tests"])
def test_every_required_test_of_2020_12_passes(name: str) -> None:
    count, found = wrong(SUITE["tests"][name], formats=False, resources=SUITE["remotes"])
    assert found == []
    assert count > 0


def test_no_required_test_is_left_out() -> None:
    assert sum(len(case["tests"]) for cases in SUITE["tests"].values() for case in cases) == 1_299


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_formats_of_strict_outputs_are_verified(name: str) -> None:
    count, found = wrong(SUITE["formats"][name])
    assert found == []
    assert count > 0


@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07"])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_formats_are_verified_in_older_drafts_too(draft: str, name: str) -> None:
    schema = {"$schema": f"http://json-schema.org/{draft}/schema#", "format": name}
    (case,) = SUITE["formats"][name][:1]
    judged = [compile_schema(schema).mismatches(test["data"]) == [] for test in case["tests"]]
    assert judged == [test["valid"] for test in case["tests"]]
    assert compile_schema(schema, formats=False).mismatches("no such thing") == []


@pytest.mark.parametrize(
    "reference", ["http://localhost:1234/draft2020-12/integer.json", "https://example.com/a", "a.json"]
)
def test_a_schema_that_lies_elsewhere_is_never_fetched(reference: str) -> None:
    with pytest.raises(SchemaError, match="cannot be followed"):
        compile_schema({"properties": {"a": {"$ref": reference}}})
    with pytest.raises(SchemaError):
        compile_schema({"$schema": "http://localhost:1234/x", "$ref": reference}, resources={"urn:other": {}})

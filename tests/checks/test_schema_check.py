"""The schema check gives one finding a mismatch, with the field under test."""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.schema import matches_schema
from firstline.errors import SchemaError

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "date": {"type": "string"}},
    "required": ["total", "date"],
}


def test_each_mismatch_is_a_finding_of_its_field() -> None:
    findings = matches_schema(SCHEMA)(Subject(answer={"total": "12,50"}))
    assert {(finding.check, finding.field, finding.reason) for finding in findings} == {
        ("schema", "total", 'total: expected a number, got the text "12,50"'),
        ("schema", "date", "date: is missing"),
    }
    assert matches_schema(SCHEMA)(Subject(answer={"total": 1, "date": "x"})) == ()


def test_only_fields_under_test_and_the_whole_are_looked_at() -> None:
    assert matches_schema(SCHEMA)(Subject(answer={"total": 1}, fields=("total",))) == ()
    (finding,) = matches_schema(SCHEMA)(Subject(answer="text", fields=("total",)))
    assert finding.field is None


def test_a_wrong_schema_is_refused_when_the_check_is_made() -> None:
    with pytest.raises(SchemaError):
        matches_schema({"type": "text"})

"""The table of checks: what task files write, and what they are told when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.checks.base import Subject
from firstline.checks.registry import build, checks
from firstline.errors import FirstlineError, RuleError, TaskError


@pytest.mark.parametrize(
    ("spec", "kind", "name"),
    [
        ("grounded", "number", "grounding"),
        ({"grounded": True}, "number", "grounding"),
        ({"rule": "output.value >= 0.0"}, "number", "rule"),
        ({"rule": "output.value >= 0.0", "reason": "below zero"}, "number", "rule"),
        ({"length": {"max_words": 60}}, "string", "length"),
        ("preserved", "string", "preservation"),
        ({"preserved": ["number", "url"]}, "string", "preservation"),
        ({"preserved": ["number"], "mode": "no_new"}, "string", "preservation"),
        ({"preserved": {"kinds": ["date"], "mode": "both"}}, "string", "preservation"),
        ({"language": "parameters.to"}, "string", "language"),
        ({"confidence": 0.6}, "number", "confidence"),
        ({"confidence": 0.6, "required": True}, "number", "confidence"),
        ("agreement", "number", "agreement"),
        ("faithful", "string", "faithful"),
        ({"faithful": 0.9}, "string", "faithful"),
    ],
)
def test_what_a_task_file_writes_becomes_a_check(spec: Any, kind: str, name: str) -> None:
    check = build(spec, field="value", field_type=kind)
    assert check.name == name
    assert isinstance(check(Subject(answer={"value": "12"}, source="12 apples")), tuple)


def test_the_parameters_arrive() -> None:
    (short,) = build({"length": {"max_words": 1}}, field="t", field_type="string")(Subject(answer={"t": "a b"}))
    assert short.field == "t"
    (told,) = build({"rule": "output.t > 5", "reason": "too small"}, field="t", field_type="number")(
        Subject(answer={"t": 1})
    )
    assert told.reason == "too small"
    low = Subject(answer={"a": 1, "b": 2}, confidences={"a": 0.1, "b": 0.2})
    assert len(build({"confidence": 0.5}, field=None, field_type="string")(low)) == 2
    assert len(build({"confidence": 0.5}, field="a", field_type="string")(low)) == 1


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("grounding", "there is no check `grounding`", "did you mean `grounded`?"),
        ({"lenght": {"max_words": 3}}, "there is no check `lenght`", "did you mean `length`?"),
        ("zzz", "there is no check `zzz`", "there are agreement, confidence"),
        ({}, "one name", "there are"),
        ({"rule": "true", "length": {"max_words": 1}}, "one name", "there are"),
        ({"length": {"max_word": 3}}, "max_word", "did you mean `max_words`?"),
        ({"length": {"max_words": -1}}, "`max_words`", "max_chars"),
        ({"length": {"max_words": "3"}}, "`max_words`", "max_chars"),
        ({"length": 60}, "takes a table of parameters", "max_words"),
        ({"length": {}}, "no limit", "max_words"),
        ({"grounded": 0.5}, "takes a table", "it has no parameters"),
        ({"confidence": 60}, "the check `confidence`", "minimum"),
        ({"confidence": "high"}, "the check `confidence`", "minimum"),
        ("confidence", "minimum", "minimum"),
        ({"preserved": ["numbers"]}, "the check `preserved`", "kinds"),
        ({"preserved": []}, "the check `preserved`", "kinds"),
        ({"language": "Elvish"}, "`Elvish` is not known", "parameters.NAME"),
        ("rule", "expression", "reason"),
        ({"rule": "output.totl > 1"}, "reads `output.totl`", "did you mean `total`?"),
    ],
)
def test_a_mistake_is_told_with_a_hint(spec: Any, message: str, hint: str) -> None:
    with pytest.raises(TaskError) as caught:
        build(spec, field="total", field_type="number", known_fields=("total", "date"))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_rule_that_does_not_parse_is_a_rule_error() -> None:
    with pytest.raises(RuleError):
        build({"rule": "output.total >"}, field=None, field_type="string")


@pytest.mark.parametrize("name", ["grounded", "preserved", "agreement", "faithful"])
def test_a_check_of_a_field_needs_one(name: str) -> None:
    with pytest.raises(TaskError, match="belongs to a field"):
        build(name, field=None, field_type="string")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(FirstlineError, match="no type of a field"):
        build("grounded", field="a", field_type="amount")


def test_every_check_and_parameter_has_its_help() -> None:
    for name, entry in checks().items():
        assert entry.help.endswith("."), name
        assert entry.main is None or entry.main in entry.parameters.__struct_fields__

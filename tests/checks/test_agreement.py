"""Agreement: two readers mean the same value, each kind compared by its meaning."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.checks.agreement import agrees
from firstline.checks.base import Subject
from firstline.schema.field import FieldType


@pytest.mark.parametrize(
    ("kind", "left", "right", "same"),
    [
        ("date", "2018-12-25", "25/12/2018", True),
        ("date", "2018-12-25", "26/12/2018", False),
        ("date", "soon", "Soon.", True),
        ("number", 1234.5, "1.234,50", True),
        ("number", 12, "12.00", True),
        ("number", 12, 12.01, False),
        ("integer", 3, "3", True),
        ("string", "A. Shop, Ltd", "a shop ltd", True),
        ("string", "A Shop", "A Shop Ltd", False),
        ("boolean", True, True, True),
        ("boolean", True, 1, False),
        ("array", [{"price": 1, "name": "Milk"}], [{"price": "1.00", "name": "MILK", "tax": None}], True),
        ("array", [{"price": 1}], [{"price": 1}, {"price": 2}], False),
        ("object", {"a": 1}, {"a": 1, "b": 2}, False),
        ("string", None, "A Shop", False),
    ],
)
def test_values_are_compared_by_meaning(kind: FieldType, left: Any, right: Any, same: bool) -> None:
    findings = agrees("value", kind)(Subject(answer={"value": left}, readings={"value": right}))
    assert (findings == ()) is same
    assert all((finding.check, finding.field) == ("agreement", "value") for finding in findings)


def test_the_reason_shows_both_values() -> None:
    (finding,) = agrees("total", "number")(Subject(answer={"total": 61.3}, readings={"total": "60.30"}))
    assert finding.reason == "the second reader found 60.30, not 61.3"


def test_a_longer_text_agrees_only_when_asked() -> None:
    subject = Subject(answer={"name": "A Shop"}, readings={"name": "A SHOP LTD."})
    assert agrees("name", "string", contained=True)(subject) == ()
    assert agrees("name", "string")(subject)
    assert agrees("name", "string", contained=True)(Subject(answer={"name": "Sho"}, readings={"name": "A Shop"}))


def test_a_missing_reading_counts_only_when_required() -> None:
    subject = Subject(answer={"total": 1})
    assert agrees("total", "number")(subject) == ()
    (finding,) = agrees("total", "number", required=True)(subject)
    assert finding.reason == "no second reader found it"
    assert agrees("total", "number", required=True)(Subject(answer={"total": None})) == ()


def test_an_earlier_model_confirms_unless_only_the_second_reader_may() -> None:
    subject = Subject(
        answer={"name": "Half Ltd"}, readings={"name": "Other Half Ltd"}, heard={"name": (None, "HALF LTD")}
    )
    assert agrees("name", "string")(subject) == ()
    (finding,) = agrees("name", "string", models=False)(subject)
    assert finding.reason == "the second reader found Other Half Ltd, not Half Ltd"
    assert agrees("name", "string")(
        Subject(answer={"name": "Half"}, readings={"name": "Other"}, heard={"name": ("Quarter",)})
    )


def test_fields_not_under_test_are_left_alone() -> None:
    subject = Subject(answer={"total": 1}, readings={"total": 2}, fields=("tax",))
    assert agrees("total", "number")(subject) == ()


def test_the_first_model_may_be_let_pass_and_a_later_one_not() -> None:
    check = agrees("label", "string", later=True, required=True)
    answer = {"label": "refund"}
    assert check(Subject(answer=answer, readings={"label": "order"})) == ()
    assert check(Subject(answer=answer, readings={"label": "order"}, heard={"label": ("order",)}))
    assert check(Subject(answer=answer, heard={"label": ("order",)}))
    assert check(Subject(answer=answer, readings={"label": "order"}, heard={"label": ("refund",)})) == ()
    assert check(Subject(answer=answer, readings={"label": "refund"}, heard={"label": ("order",)})) == ()

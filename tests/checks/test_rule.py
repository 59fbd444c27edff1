"""Rules: what they say of an answer, which field they name, what is refused when a task is loaded."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.checks.base import Subject
from firstline.checks.rule import MAX_EXPRESSION, fields_of, rule
from firstline.errors import RuleError
from firstline.types import Finding

ADDS_UP = "size(output.items) == 0 || abs(sum(output.items.map(i, i.price)) - output.total) < 0.01"


def look(expression: str, answer: Any, **subject: Any) -> tuple[Finding, ...]:
    return rule(expression)(Subject(answer=answer, **subject))


def items(*prices: Any) -> list[dict[str, Any]]:
    return [{"price": price} for price in prices]


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ({"items": [], "total": 3}, True),
        ({"items": items(1, 2.5), "total": 3.5}, True),
        ({"items": items(1, 2), "total": 3.0}, True),
        ({"items": items(1, 2), "total": 3}, True),
        ({"items": items(0.1, 0.2), "total": 0.3}, True),
        ({"items": items(1, 2), "total": 4}, False),
        ({"items": items(10.01), "total": 10.0}, False),  # 0.0099999… in binary, a whole cent on paper
    ],
)
def test_the_items_add_up_rule(answer: Any, holds: bool) -> None:
    assert (look(ADDS_UP, answer) == ()) is holds


@pytest.mark.parametrize(
    ("expression", "answer", "holds"),
    [
        ("output.total >= 0", {"total": 1.5}, True),
        ("output.total >= 0.0", {"total": -1}, False),
        ("output.a + output.b == 3", {"a": 1, "b": 2.0}, True),
        ("output.a * 2 > 3", {"a": 1.75}, True),
        ("output.items[0].price * 2 == 3", {"items": items(1.5)}, True),
        ("round(output.a * 0.19, 2) == 1.9", {"a": 10}, True),
        ("round(output.a) == 3.0", {"a": 2.5}, True),
        ("output.d >= '2020-01-01'", {"d": "2024-05-06"}, True),
        ("output['total'] > 1", {"total": 1}, False),
        ("output.id.matches('^[A-Z]{2}[0-9]+$')", {"id": "DE1"}, True),
        ("output.kind in ['cash', 'card']", {"kind": "gold"}, False),
        ("output.items.all(i, i.price > 0)", {"items": items(1, 2)}, True),
        ("size(output.name) <= 3 // a remark", {"name": "abc"}, True),
        ("parameters.to == 'de'", {"text": "x"}, True),
        ("source.contains(output.name)", {"name": "Shop"}, True),
    ],
)
def test_a_rule_holds_or_not(expression: str, answer: Any, holds: bool) -> None:
    assert (look(expression, answer, source="The Shop", parameters={"to": "de"}) == ()) is holds


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("output.total >= 0", {"total": None}),
        ("output.total >= 0", {}),
        ("output.subtotal + output.tax == output.total", {"subtotal": 1, "tax": None, "total": 1}),
        (ADDS_UP, {"items": items(1, None), "total": 1}),
        (ADDS_UP, {"items": None, "total": 1}),
        (ADDS_UP, {"items": [{}], "total": None}),
        ("output.total >= 0", ["not an object"]),
    ],
)
def test_a_rule_over_a_null_or_missing_field_does_not_apply(expression: str, answer: Any) -> None:
    assert look(expression, answer) == ()


def test_a_rule_may_ask_for_null_itself() -> None:
    assert look("output.total != null", {"total": None})
    assert look("output.total == null || output.total > 5", {"total": None}) == ()
    assert look("output.total == null || output.total > 5", {"total": 1})


@pytest.mark.parametrize(
    ("expression", "answer", "words"),
    [
        ("output.total > 1", {"total": "a"}, "could not be evaluated"),
        ("output.total / 0 == 1", {"total": 1}, "division by zero"),
        ("output.items[3].price > 1", {"items": items(1)}, "index out of bounds"),
        ("output.items[0].cost > 1", {"items": items(1)}, "`cost` is not there"),
        ("output.total", {"total": 1}, "neither true nor false"),
        ("abs(output.total) > 1", {"total": "x"}, "could not be evaluated"),
        ("output.total > 1", {"total": "\ud800"}, "could not be evaluated"),
        ("output.id.matches(output.id)", {"id": "("}, "could not be evaluated"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_a_finding(expression: str, answer: Any, words: str) -> None:
    (finding,) = look(expression, answer)
    assert words in finding.reason


def test_the_finding_names_one_field_or_lists_them() -> None:
    (one,) = look("output.total > 5", {"total": 1})
    assert (one.check, one.field, one.reason) == ("rule", "total", "`output.total > 5` does not hold")
    (many,) = rule(ADDS_UP, reason="the items do not add up to the total")(
        Subject(answer={"items": items(1), "total": 2})
    )
    assert (many.field, many.fields) == (None, ("items", "total"))
    assert many.reason == "the items do not add up to the total (items, total)"
    (told,) = rule(ADDS_UP, field="total")(Subject(answer={"items": items(1), "total": 2}))
    assert (told.field, told.fields) == ("total", ())


def test_only_rules_that_read_a_field_under_test_are_looked_at() -> None:
    answer = {"total": -1, "tax": -1}
    assert look("output.total >= 0", answer, fields=("tax",)) == ()
    assert look("output.total >= output.tax + 1", answer, fields=("tax",))
    assert look("size(output) > 5", answer, fields=("tax",))


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        (ADDS_UP, ("items", "total")),
        ("output.total >= 0", ("total",)),
        ("output['a'] == output[\"b\"]", ("a", "b")),
        ("has(output.x) && parameters.output.y == 1", ("x",)),
        ("'output.z' == source", ()),
        ("size(output) > 1 && output.all(k, k != 'x')", ()),
        ("output.name.contains('x') // output.w", ("name",)),
    ],
)
def test_the_fields_of_a_rule(expression: str, fields: tuple[str, ...]) -> None:
    assert fields_of(expression) == fields


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("output.total >", "line 1, column 15"),
        ("output.total == 1 &&\n  || true", "line 2, column 3"),
        ("", "is empty"),
        ("outptu.total > 1", "`outptu`, which is not there"),
        ("output.total > 1 && open('x')", "`open`, which is not there"),
        ("output.__class__.mro()", "`mro`, which is not there"),
        ("1 == " + "1" * MAX_EXPRESSION, "at most 2,000"),
        ("(" * 900 + "1" + ")" * 900, "does not parse"),
    ],
)
def test_a_wrong_rule_is_refused_when_it_is_made(expression: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        rule(expression)
    assert words in caught.value.message


def test_a_rule_cannot_run_away() -> None:
    check = rule("output.a.all(x, output.a.all(y, output.a.all(z, x + y + z >= 0)))")
    assert check(Subject(answer={"a": [1] * 50})) == ()
    begun = time.perf_counter()
    (finding,) = check(Subject(answer={"a": [1] * 5_000}))
    assert "too much" in finding.reason
    assert time.perf_counter() - begun < 0.5


@given(st.text())
def test_what_a_user_wrote_never_becomes_part_of_the_expression(text: str) -> None:
    assert look("output.name == source", {"name": text}, source=text) == ()

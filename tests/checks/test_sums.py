"""A total and its parts that do not add up are found, whatever else is printed beside them."""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.sums import adds_up
from firstline.errors import TaskError
from firstline.tasks.task_file import task_from_text
from firstline.types import Json

CHECK = adds_up("total", ("subtotal", "tax"))
TILL = "Subtotal  73.87\nService  5.00\nTax 6%  4.43\nTotal  83.30"


def reasons(answer: Json, source: str = TILL, fields: tuple[str, ...] = ()) -> list[str]:
    return [one.reason for one in CHECK(Subject(answer=answer, source=source, fields=fields))]


@pytest.mark.parametrize(
    "answer",
    [
        {"subtotal": 73.87, "tax": 4.43, "total": 83.30},
        {"subtotal": None, "tax": 4.43, "total": 83.30},
        {"subtotal": 73.87, "tax": None, "total": None},
        {"total": 83.30},
        ["no object"],
    ],
)
def test_what_adds_up_or_is_not_there_passes(answer: Json) -> None:
    assert reasons(answer) == []


def test_what_does_not_add_up_is_about_all_of_its_fields() -> None:
    (found,) = CHECK(Subject(answer={"subtotal": 73.87, "tax": 4.43, "total": 93.30}, source=f"{TILL}\nOther  93.30"))
    assert (found.check, found.field, found.fields) == ("sums", None, ("subtotal", "tax", "total"))
    assert found.reason == "subtotal 73.87 + tax 4.43 is not total 93.3, and nothing printed explains the difference"


def test_the_total_without_the_tax_that_is_printed_on_top_is_found() -> None:
    source = "Subtotal  73.87\nTax 6%  4.43\nTotal  78.30"
    assert len(reasons({"subtotal": 73.87, "tax": 4.43, "total": 73.87}, source)) == 1
    assert reasons({"subtotal": 73.87, "tax": 4.43, "total": 78.30}, source) == []


@pytest.mark.parametrize(("tax", "total", "wrong"), [(4.43, 4.43, True), (-1.07, 20.21, False), (0.0, 20.21, False)])
def test_a_tax_is_a_part_of_the_total(tax: float, total: float, wrong: bool) -> None:
    assert bool(reasons({"tax": tax, "total": total}, "x")) is wrong


def test_fields_that_are_not_under_test_are_left_alone() -> None:
    assert reasons({"subtotal": 1.0, "tax": 2.0, "total": 9.0}, fields=("company",)) == []


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ('sum_of = ["subtotal", "name"]', "'name' is no other number field"),
        ('sum_of = ["subtotal", "total"]', "'total' is no other number field"),
        ('sum_of = ["subtotal"]', "a sum is of 2 to 5 different fields"),
    ],
)
def test_a_sum_of_what_cannot_be_added_is_refused(declared: str, message: str) -> None:
    text = f"""kind = "extract"
instruction = "Read."
[output.name]
[output.subtotal]
type = "number"
[output.total]
type = "number"
{declared}
"""
    with pytest.raises(TaskError, match=message):
        task_from_text("bill", text)

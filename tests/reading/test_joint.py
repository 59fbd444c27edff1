"""A total and its parts are chosen together, and what the arithmetic of a page settles needs no second reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from firstline.reading.document import Document
from firstline.reading.fields import offers
from firstline.reading.joint import Option, choose, proven
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.types import Json

TILL = "Corner Shop\nBread  40.00\nMilk  33.87\nSubtotal  73.87\nTax 6%  4.43\nTotal  78.30\nCash  80.00\nChange  1.70"
NO_LABEL = "Shop\nPen  144.68\nSUB-TOTAL  144.68\nTOTAL TAX  8.68\nROUNDING  -0.01\nCASH  153.35\nCHANGE  0.00"


@pytest.fixture(scope="module")
def receipt() -> Task:
    with tempfile.TemporaryDirectory() as folder:
        return Tasks(Path(folder)).get("receipt")


def read(task: Task, text: str) -> dict[str, Json]:
    return {key: one.reading for key, one in offers(Document.of_text(text), task.fields).items()}


def test_the_combination_that_closes_decides_against_the_likelier_single_value() -> None:
    options = {
        "total": [Option(value=73.87, weight=0.5), Option(value=78.30, weight=0.0)],
        "subtotal": [Option(value=73.87, weight=0.0)],
        "tax": [Option(value=4.43, weight=0.0), Option(value=None, weight=-0.5)],
    }
    found = choose(Document.of_text(TILL).arithmetic, "total", ("subtotal", "tax"), options, proof=1.0)
    assert found is not None
    assert found.values == {"total": 78.30, "subtotal": 73.87, "tax": 4.43}
    assert found.shares["total"] > 0.8


def test_without_arithmetic_each_keeps_its_likeliest_value() -> None:
    options = {"total": [Option(value=3.0, weight=0.5), Option(value=4.0, weight=0.0)], "subtotal": [], "tax": []}
    found = choose(Document.of_text("3.00\n4.00").arithmetic, "total", ("subtotal", "tax"), options, proof=1.0)
    assert found is not None
    assert found.values["total"] == 3.0


def test_no_option_for_the_total_is_no_choice() -> None:
    assert choose(Document.of_text("").arithmetic, "total", ("a", "b"), {}, proof=1.0) is None


def test_a_total_whose_label_was_not_read_is_found_by_the_sum_and_what_was_paid(receipt: Task) -> None:
    found = read(receipt, NO_LABEL)
    assert (found["subtotal"], found["tax"], found["total"]) == (144.68, 8.68, 153.35)


def test_the_total_after_rounding_is_read(receipt: Task) -> None:
    text = "Shop\nRice  22.91\nTotal Sales  22.91\nRounding Adj  -0.01\nRounding  22.90\nCash  50.00\nChange  27.10"
    assert read(receipt, text)["total"] == 22.90


def test_a_refund_is_read_with_its_sign(receipt: Task) -> None:
    text = "Shop\nREFUND\nBread  -40.00\nMilk  -33.87\nSubtotal  -73.87\nTax 6%  -4.43\nTotal  -78.30"
    found = read(receipt, text)
    assert (found["subtotal"], found["tax"], found["total"]) == (-73.87, -4.43, -78.30)


@pytest.mark.parametrize("name", ["receipt", "invoice"])
def test_both_tasks_declare_their_sum(receipt: Task, name: str, tmp_path: Path) -> None:
    (total,) = [field for field in Tasks(tmp_path).get(name).fields if field.sum_of]
    assert (total.name, total.sum_of) == ("total", ("subtotal", "tax"))


def settled(task: Task, text: str, values: dict[str, Json], readings: dict[str, Json] | None = None) -> set[str]:
    return set(proven(Document.of_text(text), task.fields, values, readings or {}))


def test_a_sum_with_a_second_proof_settles_its_amounts(receipt: Task) -> None:
    right: dict[str, Json] = {"subtotal": 73.87, "tax": 4.43, "total": 78.30}
    assert settled(receipt, TILL, right) == {"subtotal", "tax", "total"}
    assert settled(receipt, TILL, {**right, "total": 73.87}) == set()
    assert settled(receipt, TILL, {**right, "tax": 4.44}) == set()


def test_a_sum_alone_settles_what_one_reader_got_wrong(receipt: Task) -> None:
    text = "Net  112.90\nVAT  16.94\nOther  9.00\nTotal  129.84"
    right: dict[str, Json] = {"subtotal": 112.90, "tax": 16.94, "total": 129.84}
    assert settled(receipt, text, right) == set()
    assert settled(receipt, text, right, {"subtotal": 112.90, "tax": 112.90, "total": 129.84}) == {
        "subtotal",
        "tax",
        "total",
    }


def test_an_amount_that_is_not_printed_is_not_settled(receipt: Task) -> None:
    assert settled(receipt, TILL.replace("4.43", "4.4"), {"subtotal": 73.87, "tax": 4.43, "total": 78.30}) == set()

"""Examples for a certificate: what must not be learned from is refused with its line and field, all kinds together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import UsageError
from firstline.evaluation.examples import Examined, Row, examine, read_rows
from firstline.reading.source import TaskInput, text_input
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.decoding import decode

DESK = task_from_text(
    "desk",
    """
kind = "classify"
instruction = "Route it."
out_of_scope = "other"
[labels.refund]
[labels.card_arrival]
[labels.other]
""",
)
TICKET = task_from_text(
    "ticket",
    """
kind = "extract"
instruction = "Read it."
[output.total]
type = "number"
optional = false
[output.day]
type = "date"
[output.colour]
enum = ["red", "blue"]
[output.goods]
type = "array"
[output.goods.items.name]
[output.goods.items.price]
type = "number"
""",
)
FORM = task_from_text(
    "form",
    """
kind = "extract"
instruction = "Read it."
[parameters.fields]
required = true
[output."*"]
type = "number"
""",
)
WHOLE = (
    {"input": "money back", "expected": "refund"},
    {"input": "where is my card", "expected": "card_arrival"},
    {"input": "what is the weather", "expected": "other"},
)


def rows(folder: Path, *lines: Mapping[str, Json]) -> list[Row]:
    data = folder / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, lines)))
    return read_rows(data, decode)


def refused(task: Task, given: list[Row], **words: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        examine(task, given, name="data.jsonl", **words)
    assert caught.value.hint
    return caught.value


def test_sound_examples_are_counted(tmp_path: Path) -> None:
    given = rows(tmp_path, *WHOLE, {"input": "money  back\n", "expected": "refund"})
    assert examine(DESK, given, name="data.jsonl") == Examined(
        n=4, classes={"refund": 2, "card_arrival": 1, "other": 1}, repeated=1
    )
    assert [row.line for row in given] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("card arrival", 'label: "card arrival" is none of the labels of desk; did you mean card_arrival?'),
        (7, "label: 7 is none of the labels of desk"),
        ({"intent": "refund"}, "intent: desk does not answer this field"),
        ("", "label: is empty"),
        (None, "label: is empty"),
        ({}, "expected: holds no value"),
    ],
)
def test_a_label_that_the_task_does_not_have(tmp_path: Path, expected: Json, words: str) -> None:
    error = refused(DESK, rows(tmp_path, *WHOLE, {"input": "x", "expected": expected}))
    assert error.message == f"data.jsonl:4: {words}"


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"total": "12.50"}, 'total: expected a number, got the text "12.50"'),
        ({"total": None}, "total: expected a number, got null"),
        ({"total": True}, "total: expected a number, got true"),
        ({"totl": 1}, "totl: ticket does not answer this field; did you mean total?"),
        ({"day": "soon"}, 'day: expected the format date, got the text "soon"'),
        ({"colour": "rad"}, 'colour: expected one of "red", "blue", null, got the text "rad"; did you mean red?'),
        (
            {"goods": [{"name": "tea", "price": "x"}]},
            'goods: goods[0].price: expected null or a number, got the text "x"',
        ),
        ({"goods": [{"nme": "tea"}]}, "goods: goods[0].nme: is not a field of the schema"),
    ],
)
def test_a_value_that_does_not_fit_the_schema(tmp_path: Path, expected: Json, words: str) -> None:
    sound = {"input": "a", "expected": {"total": 1}}
    error = refused(TICKET, rows(tmp_path, sound, {"input": "b", "expected": expected}))
    assert error.message == f"data.jsonl:2: {words}"


def test_only_what_is_there_is_looked_at_and_dates_may_be_written_as_people_do(tmp_path: Path) -> None:
    given = rows(
        tmp_path,
        {"input": "a", "expected": {"colour": None, "day": "03/04/2018"}},
        {"input": "b", "expected": {"total": 3, "goods": [{"name": "tea"}]}},
    )
    assert examine(TICKET, given, name="data.jsonl").n == 2


def test_fields_that_a_run_names_are_checked_by_their_own_type(tmp_path: Path) -> None:
    sound = {"input": "a", "expected": {"age": 3}, "parameters": {"fields": "age"}}
    wrong = {"input": "b", "expected": {"hight": 3}, "parameters": {"fields": "age,height"}}
    error = refused(FORM, rows(tmp_path, sound, wrong, {"input": "c", "expected": {"age": 3}}))
    assert error.message.splitlines() == [
        "data.jsonl:2: hight: form does not answer this field; did you mean height?",
        "data.jsonl:3: parameters: form needs the parameter fields: ",
    ]


def test_a_class_without_examples_is_named_and_out_of_scope_is_reported(tmp_path: Path) -> None:
    given = rows(tmp_path, WHOLE[0], {"input": "b", "expected": "refund"})
    error = refused(DESK, given)
    assert error.message == "data.jsonl: no example of the class card_arrival"
    examined = examine(DESK, given, name="data.jsonl", allow_missing_classes=True)
    assert examined.missing == ("card_arrival", "other")
    assert examine(DESK, rows(tmp_path, *WHOLE[:2]), name="data.jsonl").missing == ("other",)


def test_one_input_with_two_expectations_names_both_lines(tmp_path: Path) -> None:
    error = refused(DESK, rows(tmp_path, *WHOLE, {"input": " money back", "expected": "other"}))
    assert error.message == ('data.jsonl:4: label: expects "other", but line 1 expects "refund" for the same input')
    same_by_meaning = (
        {"input": "a", "expected": {"day": "2018-04-03"}},
        {"input": "a", "expected": {"day": "3 April 2018", "total": 1}},
    )
    assert examine(TICKET, rows(tmp_path, *same_by_meaning), name="data.jsonl").repeated == 1
    third = {"input": "a", "expected": {"total": 2}}
    error = refused(TICKET, rows(tmp_path, *same_by_meaning, third))
    assert error.message == "data.jsonl:3: total: expects 2, but line 2 expects 1 for the same input"


def test_the_same_text_with_other_parameters_is_another_input(tmp_path: Path) -> None:
    given = rows(
        tmp_path,
        {"input": "a", "expected": {"age": 3}, "parameters": {"fields": "age"}},
        {"input": "a", "expected": {"age": 4}, "parameters": {"fields": "age,height"}},
    )
    assert examine(FORM, given, name="data.jsonl").repeated == 0


def test_an_input_in_two_splits_names_both_lines(tmp_path: Path) -> None:
    lines = [{**line, "split": split} for line, split in zip(WHOLE, ("fit", "choose", "certify"), strict=True)]
    assert examine(DESK, rows(tmp_path, *lines), name="data.jsonl").splits == {"fit": 1, "choose": 1, "certify": 1}
    error = refused(DESK, rows(tmp_path, *lines, {**WHOLE[0], "split": "certify"}))
    assert error.message == "data.jsonl:4: split: certify, but line 1 has the same input in fit"


def test_splits_are_named_by_all_lines_or_none_and_by_their_names(tmp_path: Path) -> None:
    fit, choose, other = ({**line, "split": "fit"} for line in WHOLE)
    assert refused(DESK, rows(tmp_path, fit, WHOLE[1], WHOLE[2])).message == (
        "data.jsonl:2: split: is missing, but line 1 names one"
    )
    assert refused(DESK, rows(tmp_path, fit, choose, other)).message == "data.jsonl: no line is in the split certify"
    wrong = ({**line, "split": split} for line, split in zip(WHOLE, ("certfy", 3, "certify"), strict=True))
    assert refused(DESK, rows(tmp_path, *wrong)).message.splitlines()[:2] == [
        'data.jsonl:1: split: "certfy" is none of fit, choose, certify; did you mean certify?',
        'data.jsonl:2: split: "3" is none of fit, choose, certify',
    ]


def test_one_line_and_an_empty_input_are_refused(tmp_path: Path) -> None:
    alone = rows(tmp_path, {"input": "a", "expected": {"total": 1}})
    assert refused(TICKET, alone).message == "data.jsonl: one example certifies nothing"
    empty = ({"input": " \n", "expected": {"total": 1}}, {"input": [], "expected": {"total": 1}})
    assert refused(TICKET, rows(tmp_path, *empty)).message.splitlines() == [
        "data.jsonl:1: input: is empty",
        "data.jsonl:2: input: is empty",
    ]


def test_the_first_mistakes_are_told_together_in_the_order_of_the_lines() -> None:
    given = [Row(given=text_input(f"text {at}"), expected={"label": "refnd"}, line=at) for at in range(1, 8)]
    told = refused(DESK, given, allow_missing_classes=True).message.splitlines()
    assert [line.split(": ")[0] for line in told] == [*(f"data.jsonl:{at}" for at in range(1, 6)), "… and 2 more"]


def test_rows_that_come_from_no_file_are_counted() -> None:
    given = [Row(given=text_input("a"), expected={"label": "refund"}), Row(given=TaskInput(parts=()), expected={})]
    assert refused(DESK, given, allow_missing_classes=True).message.startswith("data.jsonl:2: input: is empty")


def test_a_parameter_at_its_default_makes_no_other_input(tmp_path: Path) -> None:
    text = 'kind = "transform"\ninstruction = "x"\n[parameters.to]\ndefault = "de"\n'
    told = (
        {"input": "a", "expected": {"text": "b"}, "parameters": {"to": "de"}},
        {"input": "a", "expected": {"text": "c"}},
    )
    error = refused(task_from_text("say", text), rows(tmp_path, *told))
    assert error.message == 'data.jsonl:2: text: expects "c", but line 1 expects "b" for the same input'


@pytest.mark.timeout(30)
def test_ten_thousand_mistakes_are_found_without_looking_up_each() -> None:
    many = task_from_text(
        "many", 'kind = "classify"\ninstruction = "x"\n' + "".join(f"[labels.label_number_{n}]\n" for n in range(150))
    )
    given = [
        Row(given=text_input(f"text {at}"), expected={"label": f"label_nmber_{at}"}, line=at) for at in range(1, 10_001)
    ]
    assert "and 9996 more" in refused(many, given).message

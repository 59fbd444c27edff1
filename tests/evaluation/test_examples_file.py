"""A file of examples: what is wrong with a line is told with its number, in words and before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firstline.app.build import build
from firstline.errors import UsageError
from firstline.evaluation.evaluate import evaluate
from firstline.evaluation.examples import examine_answers, read_rows
from firstline.reading.source import text_input
from firstline.settings import load
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.decoding import decode


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not JSON", "2: not JSON: Expecting value (column 1)"),
        (
            '{"input": "a", "expected": {"total": 1, "total": 2}}',
            "2: cannot be used: expected.total: stands twice, as 1 and as 2",
        ),
        ('{"input": "a", "expected": 1e400}', "2: cannot be used: expected: the number 1e400 is beyond the range"),
        ('["a"]', "2: not a JSON object"),
        ('{"input": "a"}', "2: the key `expected` is missing"),
        ('{"input": 3, "expected": {}}', "2: `input` is a text or a list of parts"),
        ('{"input": [{"type": "imge", "path": "a.png"}], "expected": {}}', "2: not a part of an input"),
        ('{"input": [{"type": "image", "path": "a.png"}], "expected": {}}', "2: a.png cannot be read: No such file"),
        ('{"input": "a\\ud800", "expected": {}}', "2: cannot be used: input: has half a character (\\ud800)"),
        ("[" * 100_000, "2: not JSON: nested too deeply"),
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_a_hint(tmp_path: Path, line: str, words: str) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(f'{{"input": "a", "expected": {{}}}}\n{line}\n')
    with pytest.raises(UsageError) as caught:
        read_rows(data, decode)
    assert f"data.jsonl:{words}" in caught.value.message
    assert caught.value.hint


async def test_an_expected_field_that_the_task_does_not_have_is_refused_before_anything_runs(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"input": "a", "expected": {"totl": 3}}\n')
    (tmp_path / "firstline.toml").write_text(f'data_dir = "{tmp_path}"\n')
    async with build(load({}, cwd=tmp_path)) as app:
        with pytest.raises(
            UsageError, match=r"data\.jsonl:1: totl: receipt does not answer this field; did you mean t"
        ):
            await evaluate(
                app.services.runner, app.services.tasks.get("receipt"), read_rows(data, decode), name=data.name
            )
        assert await app.services.ledger.list_runs() == ()


SORT = 'kind = "classify"\ninstruction = "x"\n[labels.refund]\n[labels."card lost"]\n'
READ = 'kind = "extract"\ninstruction = "x"\n[output.colour]\nenum = ["red", "blue"]\n[output.size]\ntype = "number"\n'


@pytest.mark.parametrize(
    ("task", "expected", "words"),
    [
        (SORT, "refunds", 'label: "refunds" is none of the labels of t; did you mean refund?'),
        (SORT, {"label": "nothing of the kind"}, "is none of the labels of t"),
        (SORT, "", "label: is empty"),
        (SORT, None, "label: is empty"),
        (SORT, 3, "label: 3 is none of the labels of t"),
        (SORT, {"lable": "refund"}, "lable: t does not answer this field; did you mean label?"),
        (READ, {"colour": "reed"}, 'colour: "reed" is none of red, blue; did you mean red?'),
        (SORT, " Card  Lost", ""),
        (READ, {"colour": "RED", "size": "1,200.00"}, ""),
        (READ, {"colour": None}, ""),
    ],
)
def test_an_answer_that_no_run_could_give_is_refused(tmp_path: Path, task: str, expected: Json, words: str) -> None:
    data = tmp_path / "data.jsonl"
    first = {"input": "a", "expected": "refund" if task == SORT else {"size": 1}}
    data.write_text(f"{json.dumps(first)}\n{json.dumps({'input': 'b', 'expected': expected})}\n")
    declared = task_from_text("t", task)
    if not words:
        examine_answers(declared, read_rows(data, decode), name="data.jsonl")
        return
    with pytest.raises(UsageError) as caught:
        examine_answers(declared, read_rows(data, decode), name="data.jsonl")
    assert caught.value.message.startswith("data.jsonl:2: ")
    assert words in caught.value.message


@pytest.mark.parametrize("between", ["\n\ufeff", "\r\n\ufeff\r\n", "\n \ufeff\ufeff"])
def test_a_byte_order_mark_where_files_were_joined_is_no_part_of_a_line(tmp_path: Path, between: str) -> None:
    data = tmp_path / "data.jsonl"
    line = '{"input": "\ufeffa", "expected": "b"}'
    data.write_bytes(f"\ufeff{line}{between}{line}\n".encode())
    first, second = read_rows(data, decode)
    assert first.given == second.given == text_input("\ufeffa")


def test_a_text_may_hold_marks_that_end_a_line_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    first_line = '{"input": "one\u2028two\x85three", "expected": "a", "split": "fit"}'
    data.write_bytes(f'\ufeff{first_line}\r\n\n{{"input": "b", "expected": "a"}}'.encode())
    first, second = read_rows(data, decode)
    assert first.given == text_input("one\u2028two\x85three")
    assert (first.line, first.split, second.line, second.split) == (1, "fit", 3, None)

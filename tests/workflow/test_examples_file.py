"""A file of examples: what is wrong with a line is told with its number, in words and before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from decoding import decode
from firstline.app import build
from firstline.errors import UsageError
from firstline.settings import load
from firstline.workflow.evaluate import evaluate
from firstline.workflow.examples import read_rows
from firstline.workflow.source import text_input


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not JSON", "2: not JSON: Expecting value (column 1)"),
        ('["a"]', "2: not a JSON object"),
        ('{"input": "a"}', "2: the key `expected` is missing"),
        ('{"input": 3, "expected": {}}', "2: `input` is a text or a list of parts"),
        ('{"input": [{"type": "imge", "path": "a.png"}], "expected": {}}', "2: not a part of an input"),
        ('{"input": [{"type": "image", "path": "a.png"}], "expected": {}}', "2: a.png cannot be read: No such file"),
        ('{"input": "a\\ud800", "expected": {}}', "2: the text has half a character at 1: '\\ud800'"),
        ("[" * 100_000, "2: nested too deeply"),
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
        with pytest.raises(UsageError, match="expects 'totl', which receipt does not answer") as caught:
            await evaluate(app.services.runner, app.services.tasks.get("receipt"), read_rows(data, decode))
        assert caught.value.hint == "did you mean total?"
        assert await app.services.ledger.list_runs() == ()


def test_a_text_may_hold_marks_that_end_a_line_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    first_line = '{"input": "one\u2028two\x85three", "expected": "a", "split": "fit"}'
    data.write_bytes(f'\ufeff{first_line}\r\n\n{{"input": "b", "expected": "a"}}'.encode())
    first, second = read_rows(data, decode)
    assert first.given == text_input("one\u2028two\x85three")
    assert (first.line, first.split, second.line, second.split) == (1, "fit", 3, None)

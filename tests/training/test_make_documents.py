"""The command that makes documents: its files are labelled examples that the product takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from firstline.evaluation.examples import examine, read_rows
from firstline.layout import reading_order
from firstline.reading.document import Document
from firstline.reading.misread import mended
from firstline.tasks.registry import Tasks
from firstline.types import Image, Page, Text
from support.decoding import decode

SCRIPT = Path(__file__).parents[2] / "training" / "make_documents.py"


def made(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["receipt", "invoice"])
def test_the_files_are_examples_for_the_built_in_tasks(kind: str, tmp_path: Path) -> None:
    done = made(tmp_path, "--kind", kind, "--n", "30", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert f"30/30 {kind}s" in done.stderr
    rows = read_rows(tmp_path / "documents.jsonl", decode)
    assert examine(Tasks(tmp_path).get(kind), rows, name="documents.jsonl").n == 30
    for row, line in zip(rows, (tmp_path / "pages.jsonl").read_bytes().splitlines(), strict=True):
        page = msgspec.convert(msgspec.json.decode(line)["page"], Page)
        (part,) = row.given.parts
        assert isinstance(part, Text)
        assert Document(mended(reading_order(page))).text == part.text


def test_pictures_are_the_inputs_where_they_are_drawn(tmp_path: Path) -> None:
    done = made(tmp_path, "--kind", "receipt", "--n", "2", "--from", "5", "--pictures")
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "documents.jsonl", decode)
    assert all(isinstance(row.given.parts[0], Image) for row in rows)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "receipt-000005.jpg",
        "receipt-000006.jpg",
    ]
    assert (tmp_path / "contact-sheet.png").stat().st_size > 10_000


def test_documents_do_not_depend_on_those_before_them(tmp_path: Path) -> None:
    made(tmp_path / "all", "--kind", "receipt", "--n", "3", "--seed", "2")
    made(tmp_path / "last", "--kind", "receipt", "--n", "1", "--seed", "2", "--from", "2")
    whole = (tmp_path / "all" / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    assert (tmp_path / "last" / "documents.jsonl").read_text(encoding="utf-8").splitlines() == whole[2:]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--n", "0"), "at least 1"),
        (("--n", "1", "--read"), "--pictures"),
        (("--n", "1", "--clean", "--pictures"), "--clean"),
    ],
)
def test_words_that_do_not_fit_are_refused(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = made(tmp_path, "--kind", "receipt", *words)
    assert done.returncode == 2
    assert said in done.stderr

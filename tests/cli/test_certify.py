"""`firstline certify` from a file of examples to a certificate in force, and what it says where there can be none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstline.cli.main import app
from firstline.types import Json

SORT = """
kind = "classify"
instruction = "Sort the message."
input = ["text"]
ladder = ["fake/small", "fake/large"]
[labels.refund]
[labels.order]
[target]
max_error = 0.05
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a task of two labels; its first model is wrong where a message is odd."""
    refund, order = {"answer": {"label": "refund"}}, {"answer": {"label": "order"}}
    rungs = {
        "small": [{"when": "odd refund", **order}, {"when": "refund", **refund}, order],
        "large": [{"when": "refund", **refund}, order],
    }
    parts = [f'data_dir = "{tmp_path}"']
    for name, rules in rungs.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"rules": rules}))
        parts.append(f'[models."fake/{name}"]\nscript = "{tmp_path / name}.json"')
    (tmp_path / "firstline.toml").write_text("\n".join(parts))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "sort.toml").write_text(SORT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examples(folder: Path, n: int) -> Path:
    words = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grape", "hazel", "ivory", "jewel", "koala", "lemon")
    lines = []
    for number in range(n):
        label = "refund" if number % 2 else "order"
        odd = "odd " if number % 10 == 1 else ""
        said = " ".join(words[number // 12**place % 12] for place in range(3))
        lines.append(json.dumps({"input": f"{said} {odd}{label}", "expected": label}))
    path = folder / "data.jsonl"
    path.write_text("\n".join(lines))
    return path


def certify(data: Path, *words: str) -> tuple[int, Json, str]:
    result = CliRunner().invoke(app, ["certify", "sort", str(data), "--json", *words])
    return result.exit_code, json.loads(result.stdout) if result.stdout else None, result.stderr


def test_a_certificate_is_measured_and_put_in_force(folder: Path) -> None:
    status, report, _ = certify(examples(folder, 400))
    assert status == 0, report
    assert report["feasible"]
    assert report["bound"] <= report["max_error"] == 0.05
    assert 0.8 < report["coverage"] <= 1.0
    assert report["always_top"]["error"] == 0.0 < report["always_first"]["error"]
    assert (report["n"], report["version"].partition("@")[0]) == (400, "sort")
    shown = json.loads(CliRunner().invoke(app, ["certificates", "show", "sort", "--json"]).stdout)
    assert (shown["id"], shown["state"], shown["void"]) == (report["certificate"], "active", False)
    run = CliRunner().invoke(app, ["run", "sort", "a late refund", "--json"])
    assert json.loads(run.stdout)["certificate"] == report["certificate"]
    # What was recorded is not asked again, and the same seed gives the same figures.
    _, again, _ = certify(folder / "data.jsonl", "--dry-run")
    assert again["certificate"] is None
    assert {key: again[key] for key in ("bound", "coverage", "n")} == {
        key: report[key] for key in ("bound", "coverage", "n")
    }


def test_what_cannot_be_promised_is_said_and_nothing_is_enabled(folder: Path) -> None:
    status, report, _ = certify(examples(folder, 20))
    assert status == 1
    assert not report["feasible"]
    assert report["reason"]
    assert report["certificate"] is None
    told = CliRunner().invoke(app, ["certify", "sort", str(folder / "data.jsonl")])
    assert told.exit_code == 1
    assert "nothing was enabled" in told.stdout
    assert json.loads(CliRunner().invoke(app, ["certificates", "list", "--json"]).stdout)["data"] == []


def test_the_report_is_a_page_too(folder: Path) -> None:
    """Of the certification itself, and again of the certificate that is kept."""
    status, report, told = certify(examples(folder, 400), "--html", "out/report.html")
    assert (status, "the page is out/report.html" in told) == (0, True)
    first = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert f"in force as {report['certificate']}" in first
    assert "firstline certify sort data.jsonl --max-error 0.05 --confidence 0.95 --per answer --seed 0" in first
    assert (report["provenance"]["data"], report["provenance"]["drawn"]) == ("data.jsonl", True)
    shown = CliRunner().invoke(app, ["certificates", "show", "sort", "--html", "again.html"])
    assert shown.exit_code == 0, shown.output
    assert (folder / "again.html").read_text(encoding="utf-8") == first
    assert not list(folder.glob("**/*.new"))
    terminal = CliRunner().invoke(app, ["certify", "sort", str(folder / "data.jsonl"), "--dry-run"]).stdout
    assert "Of the answers served at most 5 % is wrong, with confidence 95 %." in terminal
    assert "not put in force" in terminal


def test_a_file_with_a_name_that_no_text_has_is_told_in_the_report(folder: Path) -> None:
    odd = examples(folder, 400).rename(os.fsdecode(bytes(folder) + b"/odd \xff.jsonl"))
    status, report, _ = certify(odd, "--html", "report.html")
    assert (status, report["provenance"]["data"]) == (0, "odd \ufffd.jsonl")
    assert "odd \ufffd.jsonl" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_of_what_cannot_be_promised_is_written_too(folder: Path) -> None:
    status, _, _ = certify(examples(folder, 20), "--html", str(folder / "report.html"))
    assert status == 1
    assert "This cannot be promised" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_told_before_anything_is_asked(folder: Path) -> None:
    status, report, told = certify(examples(folder, 20), "--html", str(folder))
    assert (status, report) == (2, None)
    assert "is a folder" in told
    status, _, told = certify(folder / "data.jsonl", "--html", str(folder / "data.jsonl" / "report.html"))
    assert status == 2
    assert "report.html cannot be written" in told
    assert not (folder / "records").exists()


@pytest.mark.parametrize(
    ("words", "hint"), [(["--max-error", "1.5"], "--max-error"), (["--confidence", "0.2"], "--confidence")]
)
def test_a_target_out_of_range_is_refused(folder: Path, words: list[str], hint: str) -> None:
    status, report, told = certify(examples(folder, 20), *words)
    assert (status, report) == (2, None)
    assert hint in told


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"input": "b", "expected": "refnd"}, "data.jsonl:2: label"),
        ({"input": "a", "expected": "order"}, "data.jsonl:2"),
        (None, "one line"),
    ],
)
def test_bad_examples_are_told_by_line_and_nothing_is_enabled(folder: Path, second: Json, words: str) -> None:
    rows = [{"input": "a", "expected": "refund"}, *([second] if second else [])]
    (folder / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    status, report, told = certify(folder / "data.jsonl")
    assert (status, report) == (2, None)
    assert words.split()[0] in told


def test_a_budget_that_cannot_last_is_refused_before_anything_is_asked(folder: Path) -> None:
    settings = folder / "firstline.toml"
    prices = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0"
    settings.write_text(f'{settings.read_text()}\n[models."paid/one"]\nbase_url = "http://127.0.0.1:9/v1"\n{prices}')
    task = folder / "tasks" / "sort.toml"
    task.write_text(task.read_text().replace('"fake/large"', '"paid/one"'))
    status, report, told = certify(examples(folder, 60), "--budget", "0.0001")
    assert (status, report) == (1, None)
    assert "paid/one: 60 calls, about $0.00" in told
    assert "the budget is $0.0001; nothing was asked" in told
    assert "--budget allows more" in told
    assert json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)["data"] == []

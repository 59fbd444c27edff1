"""The benchmarks' own small parts: what they say of missing data, and how they show and draw a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import checks
import intent
import receipts
import schemas

ROOT = Path(__file__).parents[2]


def part(n: int, accepted: float, right: float | None) -> dict[str, Any]:
    field = {"n": n, "accepted": accepted, "right": 0.5, "right_of_accepted": right}
    return {"n": n, "fields": {"total": field}, "seconds": {"p50": 4.0, "p99": 9.0, "total": 80.0}}


def report() -> dict[str, Any]:
    return {"all": part(3, 1.0, 0.5), "not_looked_at": part(2, 0.0, None), "ladder": ["a", "b"], "cores": 2}


def row(model: str) -> dict[str, Any]:
    ways = {way: {"right": 0.5, "seconds": 1.0} for way in ("written", "weighed", "pooled")}
    return {"model": model, "data": "clinc150", "n": 2, "ways": ways}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "index.jsonl" in (receipts.check(tmp_path) or "")
    assert "--report" in (receipts.check(None) or "")
    assert "banking77/test.csv" in (intent.check(tmp_path) or "")
    assert "BFCL.jsonl" in (schemas.check(tmp_path) or "")
    assert "ntrex/newstest2019-ref.deu.txt" in (checks.missing_in(tmp_path) or "")
    (tmp_path / "index.jsonl").write_text("")
    assert receipts.check(tmp_path) is None


@pytest.mark.parametrize(
    "words",
    [
        ("receipts.py", "nowhere"),
        ("intent.py", "--data", "nowhere"),
        ("checks.py", "--data", "nowhere"),
        ("schemas.py", "--data", "nowhere"),
    ],
    ids=["receipts", "intent", "checks", "schemas"],
)
def test_a_missing_folder_ends_in_one_clear_line(words: tuple[str, ...], tmp_path: Path) -> None:
    script, *rest = words
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *rest],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_report_shows_both_groups_and_a_dash_where_nothing_was_accepted() -> None:
    assert receipts.show(report()).splitlines() == [
        "ladder: a, b; 2 cores",
        "all: n=3, s/receipt p50 4.0, p99 9.0",
        "  total    accepted 1.00  right of accepted 0.500  right 0.50",
        "not_looked_at: n=2, s/receipt p50 4.0, p99 9.0",
        "  total    accepted 0.00  right of accepted –  right 0.50",
    ]


def test_reports_are_drawn_as_small_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `bench` is not installed").use("agg")
    intent.plot([row("local/a"), row("local/b")], tmp_path / "intent.svg")
    text = (tmp_path / "intent.svg").read_text()
    assert "<svg" in text
    assert len(text) < 200_000


def test_an_earlier_report_is_shown_again(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report()))
    script = ROOT / "benchmarks" / "receipts.py"
    done = subprocess.run(
        [sys.executable, str(script), "--report", "report.json"], cwd=tmp_path, check=True, capture_output=True
    )
    assert done.stdout.decode().splitlines()[0] == "ladder: a, b; 2 cores"


def test_the_table_of_schemas_shows_the_published_figures_beside_ours() -> None:
    summed = {"n": 2, "declared": 1.0, "first": 0.5, "coverage": 1.0, "compliance": 0.5, "cut": 0.0, "seconds_p50": 2.0}
    verifier = {"schemas": 3, "compiled": 3, "right": 4, "right_refused": 0, "wrong": 5, "wrong_taken": 1}
    found = {"model": "m", "tokens": 9, "seed": 1, "cores": 2, "load": 0.5}
    rows = [{"source": name, **summed, "verifier": verifier} for name in ("Github_hard", "JME")]
    lines = schemas.show(found | {"rows": rows}).splitlines()
    assert "first 0.50  compliance 0.50  coverage 1.00" in lines[1]
    assert lines[1].endswith("Guidance 0.41, llama.cpp 0.39, XGrammar 0.28, OpenAI 0.09, Outlines 0.03")
    assert lines[2].endswith("p50 2.0 s")
    assert lines[3].endswith("of 8 right documents 0 are refused, of 10 wrong ones 2 are taken")

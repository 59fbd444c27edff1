"""`firstline reviews …` as a script and a person see it, with scripted models that settle little."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from firstline.cli.review_values import read_values
from firstline.errors import UsageError
from firstline.tasks.task_file import task_from_text

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/scripted"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded"]
[output.tags]
type = "array"
[output.day]
type = "date"
[output.paid]
type = "boolean"
"""
SCRIPT = """
[[rules]]
answer = { plate = "AB 123", total = 61.3, tags = ["a"], day = "2026-11-07", paid = true }
"""
TEXT = "Plate AB 123, total EUR 12.50"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ticket.toml").write_text(TICKET)
    (tmp_path / "script.toml").write_text(SCRIPT)
    (tmp_path / "firstline.toml").write_text('data_dir = "data"\n[models."fake/scripted"]\nscript = "script.toml"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin, env={"COLUMNS": "200"}, catch_exceptions=False)


def asked(*words: str, stdin: str | None = None) -> Any:
    result = called(*words, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def left(what: str = TEXT) -> str:
    """Run what is left to a person; gives the id of its review."""
    run = asked("run", "ticket", what)
    assert run["verdict"] == "review"
    name: str = run["review"]["id"]
    return name


def test_a_review_is_listed_shown_taken_answered_and_final(folder: Path) -> None:
    name = left()
    (listed,) = asked("reviews", "list")["data"]
    assert (listed["id"], listed["state"]) == (name, "open")
    shown = called("reviews", "list").stdout
    assert TEXT in shown
    assert "total: 61.3: 61.3 is not in the source" in shown
    seen = called("reviews", "show", name).stdout
    assert f"  {TEXT}" in seen
    assert "total: 61.3 is not in the source (grounding)" in seen
    assert f"firstline reviews answer {name} total=…" in seen
    taken = asked("reviews", "take", "--as", "anna", "--minutes", "2")
    assert (taken["id"], taken["by"], round(taken["lease_ends"] - taken["at"])) == (name, "anna", 120)
    refused = called("reviews", "answer", name, "total=12.5", "--as", "ben")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "error[review_taken]" in refused.stderr
    assert asked("reviews", "release", name, "--as", "anna")["state"] == "open"
    done = asked("reviews", "answer", name, "total=12,50", "--as", "ben")
    assert (done["saved"], done["answer"]["total"], done["answer"]["plate"]) == (True, 12.5, "AB 123")
    assert asked("reviews", "answer", name, "total=12.5", "--as", "ben")["review"] == done["review"]
    assert called("reviews", "answer", name, "total=13", "--as", "ben").exit_code == 1
    assert asked("reviews", "list")["data"] == []
    assert [one["id"] for one in asked("reviews", "list", "--state", "answered")["data"]] == [name]
    assert "answered by ben" in called("runs", done["run"]["id"]).stdout
    assert f"{name}  ticket  answered by ben" in called("reviews", "show", done["run"]["id"]).stdout


def test_a_doubtful_field_must_be_given_or_accepted(folder: Path) -> None:
    name = left()
    result = called("reviews", "answer", name, "plate=AB 123")
    assert result.exit_code == 2
    assert "total: no model settled this" in result.stderr
    assert "--accept-rest" in result.stderr
    tried = called("reviews", "answer", name, "--accept-rest", "--dry-run", "--as", "anna")
    assert "not written: --dry-run" in tried.stdout
    assert "total: 61.3 is not in the source (grounding)" in tried.stdout
    done = asked("reviews", "answer", name, "--accept-rest", "--as", "anna")
    assert [one["check"] for one in done["findings"]] == ["grounding"]
    assert done["run"]["fields"]["total"]["by"] == "anna"
    assert done["run"]["fields"]["total"]["reasons"] == [done["findings"][0]["reason"]]


def test_an_answer_may_come_as_json(folder: Path) -> None:
    first, second = left(), left(f"{TEXT} again")
    (folder / "answer.json").write_text('{"total": 12.5, "tags": ["b"]}')
    assert asked("reviews", "answer", first, "--json-answer", "answer.json")["answer"]["tags"] == ["b"]
    assert asked("reviews", "answer", second, "--json-answer", "-", stdin='{"total": null}')["answer"]["total"] is None


def test_an_unusable_input_is_rejected(folder: Path) -> None:
    name = left()
    assert called("reviews", "reject", name, " ").exit_code == 2
    assert asked("reviews", "reject", name, "half a page", "--as", "anna")["reason"] == "half a page"
    assert "rejected by anna: half a page" in called("reviews", "list", "--state", "all").stdout


def test_what_was_answered_is_exported_and_evaluated_pictures_too(folder: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(data, "PNG")
    (folder / "photo.png").write_bytes(data.getvalue())
    for what, total in ((TEXT, "12.5"), ("photo.png", "7"), (TEXT, "12.75")):
        run = asked("run", "ticket", what)
        words = ["plate=AB 123", f"total={total}", "tags=[]", "day=2026-11-07", "paid=true"]
        asked("reviews", "answer", run["id"], *words)
    report = asked("reviews", "export", "ticket", "sub/out.jsonl")
    assert report == {"task": "ticket", "path": "sub/out.jsonl", "n": 2, "files": 1, "without_source": 0}
    lines = [json.loads(line) for line in (folder / "sub" / "out.jsonl").read_text().splitlines()]
    assert (lines[0]["input"], lines[0]["expected"]["total"]) == (TEXT, 12.75)
    (part,) = lines[1]["input"]
    assert (folder / "sub" / part["path"]).read_bytes().startswith(b"\x89PNG")
    measured = asked("eval", "ticket", "sub/out.jsonl")
    assert (measured["n"], measured["fields"]["plate"]["right"]) == (2, 1.0)
    assert asked("reviews", "list")["data"] == []
    assert "2 examples in out.jsonl, 1 file beside it" in called("reviews", "export", "ticket", "out.jsonl").stdout


def test_purging_takes_sources_and_examples(folder: Path) -> None:
    answered, still = left(), left(f"{TEXT} again")
    asked("reviews", "answer", answered, "total=12.5")
    assert asked("reviews", "purge", "--days", "0") == {"inputs": 1, "files": 0, "examples": 1}
    assert asked("reviews", "show", answered)["source"]["kept"] is False
    assert "it is not kept" in called("reviews", "show", answered).stdout
    assert asked("reviews", "show", still)["source"]["kept"] is True
    assert called("reviews", "purge", still).stdout == "taken away: 1 input, 0 files, 0 examples\n"
    result = called("reviews", "export", "ticket", "out.jsonl")
    assert (result.exit_code, (folder / "out.jsonl").exists()) == (2, False)
    assert called("reviews", "list").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "rev_nothing"), "there is no review 'rev_nothing'"),
        (("take",), "no review is open"),
        (("purge",), "say what to take away"),
        (("purge", "rev_x", "--days", "1"), "say what to take away"),
        (("list", "--state", "done"), "--state"),
        (("answer", "rev_x", "a=1", "--json-answer", "x.json"), "not both"),
        (("answer", "rev_x", "--json-answer", "x.json"), "x.json cannot be read"),
        (("export", "ticket", "out.jsonl"), "nobody has answered"),
    ],
)
def test_wrong_words_leave_with_2(folder: Path, words: tuple[str, ...], says: str) -> None:
    result = called("reviews", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_an_empty_queue_is_said(folder: Path) -> None:
    result = called("reviews", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no review is open" in result.stderr


def test_words_are_read_by_the_types_of_their_fields() -> None:
    task = task_from_text("ticket", TICKET)
    words = ["plate=123", "total=EUR 1,234.50", 'tags=["x", "y"]', "day=7 Nov 2026", "paid=false"]
    assert read_values(task, words) == {
        "plate": "123",
        "total": 1234.5,
        "tags": ["x", "y"],
        "day": "7 Nov 2026",
        "paid": False,
    }
    assert read_values(task, ["plate=", "total=null", "other=a=b"]) == {"plate": None, "total": None, "other": "a=b"}
    assert read_values(task, ["total=much", "tags=x"]) == {"total": "much", "tags": "x"}
    for wrong in (["total"], ["=1"], ["total=1", "total=2"]):
        with pytest.raises(UsageError):
            read_values(task, wrong)
